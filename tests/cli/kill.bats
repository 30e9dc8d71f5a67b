#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via kill: who gets the signal, who does not, and how they end.

load lib.bash

# A process with the name $1 that does nothing, in $target.
start_target() {
	[ -e "$1" ] || cp "$(command -v sleep)" "$1"
	"./$1" 600 3>&- &
	target=$!
	until [ "/proc/$target/exe" -ef "$1" ]; do :; done
}

# A process that tells each signal it gets, in $target; $@ are
# the names of those. Its words are read from 5.
start_teller() {
	cat >teller.py <<-'END'
		import os, signal, sys
		signals = [signal.Signals["SIG" + name] for name in sys.argv[1:]]
		signals += [signal.SIGRTMIN + 3]
		signal.pthread_sigmask(signal.SIG_BLOCK, signals)
		if "group" in os.environ: os.setpgid(0, 0)
		print(os.getpid(), flush=True)
		while True:
		    s = signal.sigwaitinfo(signals)
		    print(int(s.si_signo), s.si_code, s.si_status, flush=True)
	END
	mkfifo words
	exec 5<>words
	rm words
	python3 teller.py "$@" >&5 3>&- &
	read -r target <&5
}

gone() {
	wait "$1" || status=$?
	[ "$status" -eq "$2" ]
}

@test "the list agrees with that of bash and of kill" {
	numbers=({1..31} {34..64})
	mapfile -t names < <(via kill -l "${numbers[@]}")
	for i in "${!numbers[@]}"; do
		n=${numbers[$i]} name=${names[$i]}
		ended+=($((128 + n)))
		# POLL is what POSIX and procps say.
		[ "$name" = "$(kill -l "$n")" ] || [ "$n" = 29 ]
	done
	mapfile -t backwards < <(via kill -l "${names[@]}")
	[ "${backwards[*]}" = "${numbers[*]}" ]
	mapfile -t backwards < <(via kill -l "${names[@]/#/SIG}")
	[ "${backwards[*]}" = "${numbers[*]}" ]
	mapfile -t from_status < <(via kill -l "${ended[@]}")
	[ "${from_status[*]}" = "${names[*]}" ]

	[ "$(via kill -l 9)" = KILL ]
	[ "$(via kill -l SIGKILL)" = 9 ]

	[ "$(via kill --list | wc -l)" -eq 63 ]
	mapfile -t rows < <(via kill -l | tail -n +2)
	[ "${#rows[@]}" -eq 62 ]
	for i in "${!rows[@]}"; do
		[[ ${rows[$i]} =~ ^\ *"${numbers[$i]} ${names[$i]} "\ *[a-z] ]]
	done
	run via kill --list 32 RTMIN+3 60
	[ "$output" = $'32\n37\nRTMAX-4' ]
	env kill -V || skip 'needs kill (procps)'
	for n in {1..31}; do
		[ "${names[$n - 1]}" = "$(env kill -l "$n")" ]
	done
}

@test "the list as JSON" {
	via kill -l --json | python3 -c '
import json, signal, sys
rows = json.load(sys.stdin)["signals"]
assert [row["number"] for row in rows] == list(range(1, 65))
term = rows[14]
assert term["name"] == "TERM" and term["default"] == "terminate"
assert term["meaning"] == signal.strsignal(15)
assert rows[2]["default"] == "core" and rows[16]["default"] == "ignore"
assert rows[18]["default"] == "stop" and rows[17]["default"] == "continue"'
	[ "$(via kill -lj KILL)" = "$(via kill -lj 9)" ]
}

@test "by pid, however the signal is written" {
	for signal in TERM SIGTERM term 15 -15 -TERM; do
		start_target "via-$$"
		run via kill "$signal" "$target"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
		gone "$target" 143
	done
}

@test "by exact name, all who have it" {
	start_target "via-$$-a"
	first=$target
	start_target "via-$$-a"
	second=$target
	start_target "via-$$-ab"
	via kill TERM "via-$$-a"
	gone "$first" 143
	gone "$second" 143
	via kill 0 "$target"
	[ "$(via kill --dry-run KILL "via-$$-ab")" = "KILL $target via-$$-ab" ]
	via kill KILL "$target"
	gone "$target" 137
}

@test "by pattern" {
	start_target "via-$$-a"
	first=$target
	start_target "via-$$-b"
	via kill --pattern TERM "^via-$$-[bc]$"
	gone "$target" 143
	[ "$(via kill --pattern -n TERM "via-$$")" = "TERM $first via-$$-a" ]
	run via kill --pattern TERM "^via-$$-[bc]$"
	failed_with 1 "no process has a name like '^via-$$-[bc]\$'"
	run via kill --pattern TERM '('
	failed_with 2 '(: '
}

@test "a process group" {
	for way in "TERM -- -" "--group TERM "; do
		export group=
		start_teller
		# shellcheck disable=SC2086
		via kill $way"$target"
		gone "$target" 143
	done
	run via kill --group TERM "$target"
	failed_with 1 "there is no process group $target"
}

@test "by names it does not hit itself" {
	ln -s "$VIA" "via-$$-self"
	run "./via-$$-self" kill KILL "via-$$-self"
	failed_with 1 "no process has the name"
	run "./via-$$-self" kill --pattern KILL "^via-$$-self$"
	failed_with 1 "no process has a name like"
}

@test "carries a value" {
	start_teller USR1
	# -1 is SI_QUEUE, 0 is SI_USER.
	via kill RTMIN+3 "$target" --value 7
	read -r line <&5
	[ "$line" = '37 -1 7' ]
	via kill RTMIN+3 "$target" --value=-1
	read -r line <&5
	[ "$line" = '37 -1 -1' ]
	via kill USR1 "$target" --value 2147483647
	read -r line <&5
	[ "$line" = '10 -1 2147483647' ]
	via kill USR1 "$target"
	read -r line <&5
	[ "$line" = '10 0 0' ]
}

@test "waits for the end, then sends the next" {
	start_teller TERM INT
	run via kill TERM "$target" --timeout 10ms
	failed_with 1 "$target (python3): has not ended"
	via kill TERM "$target" --timeout 1s --then INT --then KILL
	gone "$target" 137
	signals=
	for _ in 1 2 3; do
		read -r line _ <&5
		signals+="$line "
	done
	[ "$signals" = '15 15 2 ' ]
}

@test "more targets than descriptors at first" {
	for _ in {1..20}; do
		start_target "via-$$-m"
	done
	run prlimit --nofile=10: "$VIA" kill --dry-run TERM "via-$$-m"
	[ "${#lines[@]}" -eq 20 ]
}

@test "waits no longer than it takes" {
	start_target "via-$$"
	via kill TERM "$target" --timeout never --then KILL
	gone "$target" 143
}

@test "waits for a group" {
	export group=
	start_teller TERM
	via kill TERM --timeout 1s --then KILL -- "-$target"
	gone "$target" 137
}

@test "a dry run sends nothing" {
	start_target "via-$$"
	[ "$(via kill -n KILL "$target")" = "KILL $target via-$$" ]
	via kill -n --json 9 "via-$$" | python3 -c '
import json, sys
said = json.load(sys.stdin)
[p] = said["processes"]
assert said["signal"] == "KILL" and p["pid"] == '"$target"'
assert p["comm"] == "via-'"$$"'" and p["pgid"] > 0'
	kill -0 "$target"
}

@test "tells each failure and serves the others" {
	start_target "via-$$"
	run via kill TERM 4194305 no-such-name "$target"
	echo "$output"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 2 ]
	[ "${lines[0]}" = 'via kill: there is no process 4194305' ]
	[ "${lines[1]}" = "via kill: no process has the name 'no-such-name'" ]
	gone "$target" 143
}

@test "a process that has gone" {
	start_target "via-$$"
	kill "$target"
	gone "$target" 143
	run via kill TERM "$target"
	failed_with 1 "there is no process $target"
}

@test "without permission" {
	[ "$(id -u)" -eq 0 ] || skip 'needs root, to become another user'
	start_target "via-$$"
	run setpriv --reuid 65533 --clear-groups "$VIA" kill TERM "$target"
	failed_with 1 "$target (via-$$): Operation not permitted"
	run setpriv --reuid 65533 --clear-groups "$VIA" kill TERM "$target" \
		--timeout 5s --then KILL
	failed_with 1 "Operation not permitted"
	kill -0 "$target"
}

@test "a thread is no process" {
	cat >threads.py <<-'END'
		import threading
		thread = threading.Thread(target=threading.Event().wait, daemon=True)
		thread.start()
		print(thread.native_id, flush=True)
		threading.Event().wait()
	END
	mkfifo started
	python3 threads.py >started 3>&- &
	read -r tid <started
	run via kill TERM "$tid"
	failed_with 1 "$tid is a thread: name its process"
}

@test "a hostile name reaches no terminal raw" {
	start_target $'\e[2J\x9b1m\n'
	[ "$(via kill --dry-run TERM "$target")" = "TERM $target "'\x1b[2J\x9b1m\x0a' ]
	via kill --dry-run --json TERM "$target" | grep -q comm_base64
}

@test "bad input" {
	run via kill
	failed_with 2 'a signal and whom to send it to'
	run via kill TERM
	failed_with 2 'a signal and whom to send it to'
	run via kill FOO 1
	failed_with 2 "there is no signal 'FOO'"
	run via kill RTMIN+99 1
	failed_with 2 "there is no signal 'RTMIN+99'"
	run via kill 65 1
	failed_with 2 "there is no signal '65'"
	run via kill TERM 0
	failed_with 2 '0: not a process id'
	run via kill TERM 99999999999
	failed_with 2 'not a process id'
	run via kill --group TERM name
	failed_with 2 'name: not the id of a process group'
	run via kill TERM -- -1
	failed_with 1 'process group 1'
	run via kill TERM 1 --value 2147483648
	failed_with 2 'not a number of 32 bits'
	run via kill TERM 1 --value 1x
	failed_with 2 'not a number of 32 bits'
	run via kill TERM 1 --then KILL
	failed_with 2 '--then needs --timeout'
	run via kill TERM 1 --timeout 1s --then FOO
	failed_with 2 "there is no signal 'FOO'"
	run via kill --group --pattern TERM 1
	failed_with 2 'exclude each other'
	run via kill -l 300
	failed_with 1 "there is no signal '300'"
}
