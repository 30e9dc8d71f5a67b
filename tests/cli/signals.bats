#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via signals: the masks of processes that are known to have them.

load lib.bash

# A process with masks of its own, in $target; a second thread has TERM
# pending. It ends by USR2.
start_target() {
	cat >target.py <<-'END'
		import os, signal, sys, threading
		mask = [signal.SIGUSR1, signal.SIGTERM, signal.SIGRTMIN + 3]
		signal.pthread_sigmask(signal.SIG_BLOCK, mask)
		signal.signal(signal.SIGHUP, signal.SIG_IGN)
		for name in "ALRM", "ILL", "ABRT", "FPE", "VTALRM", "PROF":
		    signal.signal(signal.Signals["SIG" + name], lambda *args: None)
		signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR2])
		thread = threading.Thread(target=threading.Event().wait, daemon=True)
		thread.start()
		os.kill(os.getpid(), signal.SIGUSR1)
		if "thread" in sys.argv:
		    signal.pthread_kill(thread.ident, signal.SIGTERM)
		with open("/proc/self/comm", "wb") as comm:
		    comm.write(os.fsencode(sys.argv[1]))
		print(os.getpid(), flush=True)
		while True: signal.pause()
	END
	mkfifo started
	python3 target.py "$@" >started 3>&- &
	read -r target <started
	rm started
}

# The masks in JSON as ps prints them: pending blocked ignored caught.
as_masks() {
	python3 -c '
import json, signal, sys
def number(name):
    if name.isdigit(): return int(name)
    if name[:2] != "RT": return signal.Signals["SIG" + name].value
    return eval(name.replace("RTMIN", "34").replace("RTMAX", "64"))
[p] = json.load(sys.stdin)["processes"]
print(*("%016x" % sum(1 << number(name) - 1 for name in p[key])
    for key in ("shared_pending", "blocked", "ignored", "caught")))'
}

@test "agrees with ps" {
	command -v ps || skip 'needs ps (procps)'
	start_target a-target
	for pid in "$target" $$ "$PPID"; do
		# shellcheck disable=SC2046 # four words
		set -- $(ps -o pending=,blocked=,ignored=,caught= -p "$pid")
		[ "$(via signals --json "$pid" | as_masks)" = "$*" ]
	done
	[ "$(ps -o pending= -p "$target")" = 0000000000000200 ]
}

@test "a table of a process" {
	start_target a-target
	run via signals "$target"
	[ "$status" -eq 0 ]
	echo "$output"
	[[ "${lines[0]}" =~ ^\ *PID\ COMM\ +PENDING\ BLOCKED\ +IGNORED\ +CAUGHT ]]
	[[ "${lines[1]}" =~ ^\ *$target\ a-target\ USR1\ +USR1\ TERM\ RTMIN\+3\ .*HUP\ .*ALRM ]]
}

@test "on a terminal sets take several lines, each name one" {
	command -v script || skip 'needs script (bsdutils)'
	start_target a-target
	script -qefc "$VIA signals $target" typescript >out </dev/null
	[ "$(wc -l <out)" -eq 3 ]
	words() { tr -s ' \r\n' '\n' | sort; }
	cmp <(words <out) <(via signals "$target" | words)
}

@test "each thread by itself" {
	start_target a-target thread
	run via signals --threads "$target"
	echo "$output"
	[ "${#lines[@]}" -eq 4 ]
	[[ "${lines[1]}" =~ ^\ *$target\ .*\ USR1\ .*HUP ]]
	[[ "${lines[2]}" =~ ^\ *$target\ a-target\ *USR1\ TERM\ RTMIN\+3\ *$ ]]
	[[ "${lines[3]}" =~ \ TERM\ +USR1\ TERM\ RTMIN\+3\ *$ ]]
	# Without, what any of them has pending counts.
	via signals "$target" | grep -q 'USR1 TERM *USR1 TERM RTMIN+3'
	via signals --threads --json "$target" | python3 -c '
import json, sys
[p] = json.load(sys.stdin)["processes"]
assert p["pending"] == ["USR1", "TERM"] and p["shared_pending"] == ["USR1"]
a, b = p["threads"]
assert a["tid"] == p["pid"] == '"$target"' and a["pending"] == []
assert b["pending"] == ["TERM"]
assert p["queued"] >= 2 and p["queue_max"] > 0 and p["uid"] == '"$(id -u)"
}

@test "who has something pending" {
	start_target a-target
	idle=$$
	via signals | grep -q "^ *$target a-target"
	run grep "^ *$idle " <(via signals)
	[ "$status" -eq 1 ]
}

@test "by name" {
	start_target "via-test a"
	first=$target
	start_target "via-test a"
	run via signals "via-test a"
	[ "${#lines[@]}" -eq 3 ]
	grep -q "^ *$first " <<<"$output"
	grep -q "^ *$target " <<<"$output"
	run via signals via-test
	failed_with 1 "no process has the name 'via-test'"
	run via signals --json no-such-process "via-test a" 2>/dev/null
	[ "$status" -eq 1 ]
	[[ "$output" == *"\"pid\":$first"*"\"pid\":$target"* ]]
}

@test "a hostile name reaches no terminal raw" {
	start_target $'\e[2J\n\x9b1m'
	for options in '' --threads; do
		# shellcheck disable=SC2086
		run via signals $options "$target"
		[[ "$output" == *'\x1b[2J\x0a\x9b1m'* ]]
		LC_ALL=C run grep -q '[^ -~]' <<<"$output"
		[ "$status" -eq 1 ]
	done
	via signals --json "$target" | python3 -c '
import base64, json, sys
[p] = json.load(sys.stdin)["processes"]
assert base64.b64decode(p["comm_base64"]) == b"\x1b[2J\n\x9b1m"'
}

# Read lines of what is watched until one has $1 in it.
watched() {
	while read -r line <&6; do
		[[ "$line" != *"$1"* ]] || return 0
	done
	return 1
}

@test "watches what becomes pending, until the process has gone" {
	start_target a-target
	mkfifo out
	exec 5<>out
	start signals --watch --interval 10ms --json "$target" >out 2>err
	watcher=$pid
	exec 6<out 5>&-
	watched '"pending":["USR1"]'
	kill -TERM "$target"
	watched '"pending":["USR1","TERM"]'
	kill -USR2 "$target"
	wait "$target" || true
	ended "$watcher"
	[ "$status" -eq 1 ]
	[ "$(cat err)" = "via signals: there is no process $target" ]
}

@test "watches a table too, and ends with its reader" {
	start_target a-target
	via signals -w -i 1ms "$target" | {
		read -r first
		read -r second
		read -r third
		[[ "$first" == PID* && "$second" == "$target"* ]]
		[ "$third" = "$first" ]
	}
	[ "${PIPESTATUS[0]}" -eq 141 ]
}

@test "bad input" {
	run via signals 0
	failed_with 2 '0: not a process id'
	run via signals 99999999999999999999
	failed_with 2 'not a process id'
	run via signals 4194305
	failed_with 1 'there is no process 4194305'
	run via signals ''
	failed_with 1 "no process has the name ''"
	run via signals a-name-that-is-too-long
	failed_with 1 'keeps 15 bytes'
	run via signals --interval 1s
	failed_with 2 '--interval needs --watch'
	run via signals --watch --interval 0
	failed_with 2 interval
}
