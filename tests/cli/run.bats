#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # the lines are for the shell under test
# via run: all that a shell does happens as in the shell, and is seen.

load lib.bash

# A command's output, words and status, in $1.out and $1.err.
did() {
	local status=0

	"${@:2}" </dev/null >"$1.out" 2>"$1.err" 3>&- || status=$?
	echo "status $status" >>"$1.out"
	# A shell names the process that was killed.
	sed -i 's/[0-9]\{3,\}/N/g' "$1.err"
}

# Line $2 does in shell $1 what it does by via.
as_in() {
	echo "$1: $2"
	did shell "$1" -c "$2"
	did via env SHELL="$1" "$VIA" run "$2"
	did watched env SHELL="$1" "$VIA" run --json j "$2"
	for by in via watched; do
		diff shell.out "$by.out"
		diff shell.err "$by.err"
	done
}

lines=(
	'true'
	'false'
	'exit 42'
	'yes | head -3'
	'(exit 3) | cat'
	'no-such-command'
	'no-such-command | cat'
	'/etc/passwd'
	'syntax ( error'
	'cat <<END
here: $((1 + 2))
END'
	'cat <&-'
	'echo x >&-'
	'seq 100000 | tail -1'
	'head -c 5M /dev/zero | wc -c'
	'yes | head -c 50M | cat | tail -c 7'
	'head -c 5M /dev/zero'
	'exec 3>f; echo a >&3; cat f'
	'true & wait $!; echo $?'
	'trap "echo trapped; exit 9" TERM; kill $$; exit 1'
	'kill -TERM $$'
	'kill -KILL $$'
	'kill -PIPE $$'
	'ulimit -c 0; kill -SEGV $$'
	'ulimit -f 1; cat /dev/zero >f'
	'ls /proc/self/fd | wc -l'
	'ps -o pgid= $$ | tr -d " " | grep -qx "$(ps -o pgid= $PPID |
		tr -d " ")"; echo $?'
)

@test "lines do what they do in sh" {
	for line in "${lines[@]}"; do
		as_in /bin/sh "$line"
	done
}

@test "lines do what they do in bash" {
	for line in "${lines[@]}"; do
		as_in /bin/bash "$line"
	done
}

@test "a shell of another language is not used" {
	run env SHELL=/usr/bin/fish "$VIA" run 'a=1; echo $((a + 1))'
	[ "$output" = 2 ]
}

@test "a program without a shell" {
	run via run -- printf '%s|' 'a b' '$HOME'
	[ "$output" = 'a b|$HOME|' ]
	run via run -- sh -c 'exit 7'
	[ "$status" -eq 7 ]
	run via run -- sh -c 'kill -USR1 $$'
	[ "$status" -eq 138 ]
	run -127 via run -- ./nothing
	failed_with 127 './nothing: not found'
	: >plain
	run via run -- ./plain
	failed_with 126 'no permission to execute it'
	chmod +x plain
	run via run -- ./plain
	failed_with 126 'neither a binary for this machine nor a script'
	run via run -- ./
	failed_with 126 'it is a directory'
}

@test "descriptors, ignored signals and a closed input are passed on as by sh" {
	echo from seven >f
	for by in "sh -c" "$VIA run" "$VIA run --json j"; do
		[ "$($by 'cat <&7' 7<f)" = 'from seven' ]
		$by 'ls /proc/self/fd | wc -l' 7<f 8<f >"fds-${#by}"
		(
			trap '' USR1
			$by 'kill -USR1 $$; echo lives'
		) >out
		[ "$(cat out)" = lives ]
		$by 'read x; [ $? -ne 0 ]; echo $?' <&- 2>/dev/null >out
		[ "$(cat out)" = 0 ]
		$by 'grep SigBlk /proc/self/status' >"mask-${#by}"
	done
	cat mask-* fds-*
	[ "$(cat mask-* | sort -u | wc -l)" -eq 1 ]
	[ "$(cat fds-* | sort -u | wc -l)" -eq 1 ]
}

@test "no process and no descriptor left" {
	become_nobody
	# The limit last: who changes its user cannot exec beyond it. And leaks
	# are looked for by a thread.
	nobody=("${nobody[@]:0:6}" prlimit --nproc=0:0
		env ASAN_OPTIONS=detect_leaks=0 "${nobody[@]:6}")
	run "${nobody[@]}" run --summary 'echo no'
	failed_with 126 'no new process: the user or the system has too many (RLIMIT_NPROC)'
	run "${nobody[@]}" run --summary -- true
	failed_with 126 RLIMIT_NPROC
	: >f
	chmod 666 f
	run "${nobody[@]}" lock flock:f -- true
	failed_with 126 RLIMIT_NPROC
	# Room for what it waits by, and for nothing else.
	run env ASAN_OPTIONS=detect_leaks=0 python3 -c 'import os, resource, sys
os.closerange(3, 4096)
resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))
os.execv(sys.argv[1], ["via", "run", "--summary", "true"])' "$VIA"
	failed_with 126 RLIMIT_NOFILE
}

@test "wrong command lines" {
	run via run a b
	failed_with 2 'one line'
	run via run
	failed_with 2 'too few'
	run via run --jobs 2 true
	failed_with 2 --each
	run via run --each unix:s --json j true
	failed_with 2 --each
	run via run --json /nowhere/j 'echo not run'
	failed_with 1 /nowhere/j
}

@test "nothing is said without a terminal" {
	run via run 'seq 100000 | wc -l'
	[ "$output" = 100000 ]
	run via run --summary 'seq 100000 | wc -l'
	[ "${#lines[@]}" -ge 3 ]
	[[ "$output" == *'exit status 0 after'* ]]
}

@test "where nobody looks on, the command is what via was" {
	for options in '' -q; do
		"$VIA" run $options 'echo $$' >pid &
		wait $!
		[ "$(cat pid)" -eq $! ]
	done
	"$VIA" run -- sh -c 'echo $$' >pid &
	wait $!
	[ "$(cat pid)" -eq $! ]
	"$VIA" run --summary 'echo $$' >pid 2>/dev/null &
	wait $!
	[ "$(cat pid)" -ne $! ]
}

@test "a job in the background outlives the line, as in sh" {
	mkfifo f
	via run --json j 'cat f >out & echo started' >started
	[ "$(cat started)" = started ]
	echo late >f
	until [ -s out ]; do :; done
	[ "$(cat out)" = late ]
}

# The keys of a report, as a Python expression that must be true.
report() {
	python3 - "$1" "$2" <<-'END'
		import json, sys
		r = json.load(open(sys.argv[1]))
		stage = {s['command'].split()[0]: s for s in r['stages']}
		ok = eval(sys.argv[2])
		if not ok: print(json.dumps(r, indent=1))
		sys.exit(not ok)
	END
}

@test "the report names the bottleneck and its pipes" {
	mkfifo go
	SHELL=/bin/sh via run --json j \
		'head -c 300000 /dev/zero | { sleep 1; cat >/dev/null; }'
	report j 'r["status"] == 0 and r["signal"] is None and r["ms"] >= 1000'
	report j 'r["bottleneck"]["why"] == "child"'
	report j 'r["bottleneck"]["input_full"] > 80'
	report j '[p for p in r["pipes"] if p["capacity"]
		and stage["head"]["pid"] in p["writers"] and p["full"] > 80]'
	report j 'stage["head"]["ms"]["writing"] > 800'
}

@test "pipes get the size that was asked for" {
	# It has to be there when it is looked at, however slow the machine is.
	for s in 0.3 3 30; do
		SHELL=/bin/sh via run --pipe-size 16K --json j "sleep $s | cat"
		! report j '[p for p in r["pipes"] if not p["outside"]]' || break
	done
	report j '[p for p in r["pipes"]
		if not p["outside"] and p["capacity"] == 16384]'
	run env SHELL=/bin/sh "$VIA" run --pipe-size 8G 'sleep 0.3 | cat'
	[[ "$output" == 'via run: --pipe-size: '* ]]
	[ "$status" -eq 0 ]
}

@test "what waits for itself is stuck" {
	mkfifo f
	run timeout 4 "$VIA" run --json j 'exec 3<>f; cat <&3'
	[ "$status" -eq 124 ]
	report j 'r["signal"] == 15 and "waits for data from" in r["stuck"]'
	via run --json j 'sleep 3 | cat'
	report j 'r["stuck"] is None'
}

@test "signals to via reach the command" {
	mkfifo ready
	exec 5<>ready
	start run --json j 'trap "exit 3" TERM; echo up >ready
		while :; do sleep 0.05; done'
	read -r _ <&5
	kill -TERM "$pid"
	ended "$pid"
	[ "$status" -eq 3 ]
}

# What a terminal shows of a command, in $output.
terminal() {
	run python3 "$BATS_TEST_DIRNAME/terminal.py" "$@" 3>&-
	printf "%s\n" "${output:?}"
}

@test "drawn on a terminal, which is given back" {
	terminal "$VIA run 'sleep 1 | cat; echo fin''ished'"
	[[ "$output" == *$'\e[1;'*'sleeping'*'sleep 1'* ]]
	[[ "$output" == *$'\e[r'*finished* || "$output" == *finished*$'\e[r'* ]]
	[[ "$output" == *'exit status 0 after'* ]]
	[[ "$output" == *status=0* ]]
	terminal "TERM=dumb $VIA run 'sleep 0.5 | cat'"
	[[ "$output" != *$'\e[1;'* ]]
	terminal "$VIA run -q 'sleep 0.5 | cat'"
	[[ "$output" != *$'\e[1;'* && "$output" != *'exit status'* ]]
}

@test "Ctrl-C and Ctrl-\\ end it as they end sh" {
	terminal "$VIA run 'sleep 60 | cat'" 'sleeping=\x03'
	[[ "$output" == *'killed by signal 2 after'*status=130* ]]
	terminal "ulimit -c 0; $VIA run 'sleep 60 | cat'" 'sleeping=\x1c'
	[[ "$output" == *status=131* ]]
	terminal "$VIA run -q \"trap 'exit 5' INT; echo up; read -r x\"" \
		'up=\x03'
	[[ "$output" == *status=5* ]]
}

@test "Ctrl-Z stops all of it, fg goes on" {
	terminal "$VIA run 'sleep 2 | cat; exit 4'" 'sleeping=\x1a' \
		'Stopped=jobs\n' 'Stopped=fg\n'
	[[ "$output" == *Stopped*'exit status 4 after'*status=4* ]]
	[[ "$output" == *$'\e[r'*Stopped* ]]
}

@test "the terminal is read as in sh, also in a pipeline with others" {
	terminal "$VIA run -q 'read x; echo got-\$x'" '=hello\n'
	[[ "$output" == *got-hello* ]]
	terminal "$VIA run -q 'echo a-line' | cat" ''
	[[ "$output" == *a-line*status=0* ]]
	terminal "$VIA run -q 'read x; echo got-\$x' & fg" '=back\n'
	[[ "$output" == *got-back* ]]
}

@test "each message is an input" {
	start run --each unix:s --jobs 2 'tr a-z A-Z >>out'
	seq -f 'message %g;' 20 | via send unix:s
	ended "$pid"
	[ "$status" -eq 0 ]
	[ "$(tr ';' '\n' <out | sort)" = "$(seq -f 'MESSAGE %g' 20 | sort)" ]
}

@test "commands that fail are counted, and the others go on" {
	run_each() { via run --each unix:s "$@" 2>err; }
	seq 4 | via send unix:s &
	run run_each 'read x; [ "$x" -ne 3 ]'
	wait
	[ "$status" -eq 1 ]
	[ "$(cat err)" = 'via run: 1 of 4 commands failed' ]
	via send unix:s -m x 2>/dev/null &
	run -127 run_each -- ./nothing
	wait
}

@test "Ctrl-C lets the running commands end" {
	mkfifo ready go
	exec 5<>ready 6<>go
	start run --each unix:s 'echo up >ready; read x <go; echo done >out'
	via send unix:s -m x &
	read -r _ <&5
	kill -INT "$pid"
	echo >&6
	ended "$pid"
	[ "$status" -eq 130 ]
	[ "$(cat out)" = "done" ]
	[ ! -e s ]
}
