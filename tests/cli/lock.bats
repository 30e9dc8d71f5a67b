#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via lock: what flock(1) does, for every kind of lock, and who has it.

load lib.bash

# Kinds that need nothing put away behind them, all on the file f or its bytes.
files=(flock:f ofd:f 'ofd:f#10-19' fcntl:f)

# Hold the lock in the background; "let go" ends that.
hold() {
	mkfifo held go
	start lock "$@" -- sh -c 'echo >held; read -r _ <go'
	read -r _ <held
}

let_go() {
	echo >go
	ended "$pid"
	[ "$status" -eq 0 ]
	rm held go
}

# Wait until n processes wait for the lock.
waiting() {
	until [[ "$(via lock --json "$1")" == *"\"n_waiters\":$2,"* ]]; do :; done
}

@test "the command's exit status" {
	for url in "${files[@]}" sysvsem:$$ posixsem:/via-$$ futex:via-$$; do
		for n in 0 1 2 75 255; do
			run via lock "$url" -- sh -c "exit $n"
			[ "$status" -eq "$n" ]
			[ -z "$output" ]
		done
	done
	via sem rm sysvsem:$$
	via sem rm posixsem:/via-$$
	via sem rm futex:via-$$
}

@test "one at a time" {
	for url in "${files[@]}" sysvsem:$$ futex:./futex; do
		hold "$url"
		run via lock --no-wait "$url" -- echo no
		failed_with 1 ''
		run via lock -n -E 75 "$url" -- echo no
		failed_with 75 ''
		run via lock -t 20ms -E 9 "$url" -- echo no
		failed_with 9 'at the deadline'
		let_go
		run via lock -n "$url" -- echo yes
		[ "$output" = yes ]
	done
	via sem rm sysvsem:$$
}

@test "who waits gets it" {
	for how in --timeout=never --timeout=1m; do
		for url in "${files[@]}" sysvsem:$$ futex:./futex; do
			hold "$url"
			"$VIA" lock "$how" "$url" -- echo mine >out 3>&- &
			waiting "$url" 1
			[ ! -s out ]
			let_go
			ended $!
			[ "$(cat out)" = mine ]
		done
	done
	via sem rm sysvsem:$$
}

@test "shared by some, not with one alone" {
	for url in "${files[@]}" futex:./futex; do
		hold --shared "$url"
		run via lock -n --shared "$url" -- echo too
		[ "$output" = too ]
		run via lock -n "$url" -- echo no
		failed_with 1 'is locked'
		let_go
	done
	run via lock --shared posixsem:/via-$$ -- true
	failed_with 1 'one holder at a time'
	via sem rm posixsem:/via-$$
}

@test "as flock(1): statuses, sharing, waiting" {
	command -v flock || skip 'needs flock'
	same() {
		local how=$1 flock_status
		shift
		run flock ${how:+$how} f "$@"
		flock_status=$status
		run via lock ${how:+$how} flock:f -- "$@"
		echo "$how $*: flock $flock_status, via $status"
		[ "$status" -eq "$flock_status" ]
	}
	# shellcheck disable=SC2016 # for the shell that is run
	for script in true false 'exit 77' 'kill -9 $$' 'kill -INT $$'; do
		same '' sh -c "$script"
		same -s sh -c "$script"
	done
	for how in '' --shared; do
		hold ${how:+$how} flock:f
		same -n true
		same -ns true
		let_go
	done
	mkdir d
	flock d "$VIA" lock -n ofd:f -- true
	run flock -n d "$VIA" lock -n flock:d -- true
	failed_with 1 'is locked'
}

@test "flock(1) and via exclude each other" {
	command -v flock || skip 'needs flock'
	hold flock:f
	run flock -n f true
	[ "$status" -eq 1 ]
	let_go
	run flock f "$VIA" lock -n flock:f -- true
	failed_with 1 'is locked'
}

@test "a command that is not there, or cannot be run" {
	run -127 via lock flock:f -- ./nonesuch
	failed_with 127 'exec ./nonesuch: not found'
	: >script
	run via lock flock:f -- ./script
	failed_with 126 'no permission to execute it'
	run via lock flock:f -- /
	failed_with 126 'is a directory'
}

@test "what the command leaves running holds the lock only if asked" {
	for url in flock:f ofd:f; do
		mkfifo go
		# shellcheck disable=SC2094 # a FIFO
		via lock "$url" -- sh -c 'read -r _ <go 3>&- &'
		via lock -n "$url" -- true
		via lock --inherit "$url" -- sh -c 'cat go >gone 3>&- &'
		run via lock -n "$url" -- true
		failed_with 1 'is locked'
		run via lock --json "$url"
		[[ "$output" == *'"n_holders":1,'* ]]
		[[ "$output" == *'"comm":"'* ]]
		echo >go
		via lock "$url" -- true
		rm -f go
	done
	run via lock --inherit fcntl:f -- true
	failed_with 2 'does not pass'
}

@test "a killed holder lets go" {
	for url in "${files[@]}" sysvsem:$$; do
		mkfifo held
		start lock "$url" -- sh -c 'echo $$ >held; exec tail -f /dev/null'
		read -r child <held
		kill -9 "$pid"
		ended "$pid"
		via lock -t 10s "$url" -- true
		kill -9 "$child"
		rm held
	done
	via sem rm sysvsem:$$
	mkfifo held
	start lock posixsem:/via-$$ -- sh -c 'echo $$ >held; exec tail -f /dev/null'
	read -r child <held
	kill -9 "$pid" "$child"
	ended "$pid"
	run via lock -n posixsem:/via-$$ -- true
	failed_with 1 'no unit is left'
	via sem rm posixsem:/via-$$
}

@test "the death of a holder is told until it is repaired" {
	url=futex:./futex
	mkfifo held
	start lock $url -- sh -c 'echo $$ >held; exec tail -f /dev/null'
	read -r child <held
	kill -9 "$pid" "$child"
	ended "$pid"
	told="via lock: ./futex: process $pid, which had it before, died with it"
	run via lock --on-owner-death=fail -E 9 $url -- echo no
	[ "$status" -eq 9 ]
	[ "$output" = "$told" ]
	run --separate-stderr via lock $url -- sh -c 'echo cannot repair; exit 3'
	[ "$status" -eq 3 ]
	[ "$output" = 'cannot repair' ]
	[[ "$stderr" == *'died with it' ]]
	run --separate-stderr via lock $url -- echo repaired
	[ "$status" -eq 0 ]
	[ "$output" = repaired ]
	[[ "$stderr" == *'died with it' ]]
	run via lock --on-owner-death=fail $url -- echo yes
	[ "$output" = yes ]
	via sem rm $url
	[ ! -e futex ]
}

@test "signals are passed on, and end nobody twice" {
	mkfifo out
	exec 5<>out
	cat >child.py <<-'END'
		import os, signal, sys
		wanted = {signal.SIGTERM, signal.SIGINT, signal.SIGUSR1}
		via = os.getppid()
		signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
		# So that via looks at its signals when the first one is taken.
		if "stop" in sys.argv: os.kill(via, signal.SIGSTOP)
		print("ready", flush=True)
		first = signal.sigwait(wanted)
		# What else via was sent it sees before this: it has a lower number.
		os.kill(via, signal.SIGUSR1)
		os.kill(via, signal.SIGCONT)
		second = signal.sigwait(wanted)
		sys.exit(int(first) if second == signal.SIGUSR1 else 99)
	END
	for signal in TERM INT; do
		start lock flock:f -- python3 child.py >&5
		read -r _ <&5
		kill -"$signal" "$pid"
		ended "$pid"
		[ "$status" -eq "$(kill -l "$signal")" ]
	done
	# From the terminal.
	run python3 - "$VIA" <<-'END'
		import os, pty, sys
		pid, terminal = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[1], ["via", "lock", "flock:f", "--",
		                           "python3", "child.py", "stop"])
		while b"ready" not in os.read(terminal, 1000): pass
		os.write(terminal, b"\x03")
		print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	echo "$output"
	[ "$output" = 2 ]
}

@test "interrupted while it waits" {
	hold flock:f
	for how in --timeout=never --timeout=1m; do
		"$VIA" lock "$how" flock:f -- true 3>&- &
		waiting flock:f 1
		kill -TERM $!
		ended $!
		[ "$status" -eq 143 ]
		waiting flock:f 0
	done
	let_go
}

@test "who holds it and who waits" {
	for url in flock:f 'ofd:f#3' futex:./futex; do
		hold "$url"
		"$VIA" lock "$url" -- true 3>&- &
		waiting "$url" 1
		run via lock "$url"
		echo "$output"
		[[ "${lines[0]}" == WHO*PID*MODE*COMM ]]
		[[ "${lines[1]}" =~ ^holds\ +$pid\ exclusive\ via$ ]]
		[[ "${lines[2]}" =~ ^waits.*exclusive ]]
		via lock --json "$url" | python3 -c 'import json, sys
d = json.load(sys.stdin)
[h], [w] = d["holders"], d["waiters"]
assert h == {"pid": int(sys.argv[1]), "mode": "exclusive", "comm": "via"}
assert d["kind"] + ":" == sys.argv[2][:len(d["kind"]) + 1]' "$pid" "$url"
		let_go
		ended $!
	done
	run via lock flock:f
	[ "$output" = 'nobody holds it' ]
	run via lock flock:nowhere
	failed_with 1 'No such file'
	[ ! -e nowhere ]
}

@test "removed while we waited" {
	hold flock:f
	"$VIA" lock flock:f -- echo no >out 2>&1 3>&- &
	waiting flock:f 1
	rm f
	let_go
	ended $!
	[ "$status" -eq 1 ]
	[[ "$(cat out)" == 'via lock: f: was removed meanwhile' ]]
}

@test "a deadlock of commands within commands" {
	mkfifo held go
	# shellcheck disable=SC2016 # for the inner shell
	start lock futex:./a -- sh -c 'echo >held; read -r _ <go
		exec "$0" lock futex:./b -- echo had both' "$VIA"
	read -r _ <held
	# shellcheck disable=SC2016
	run via lock futex:./b -- sh -c 'echo >go
		until "$0" lock --json futex:./b | grep -q "\"n_waiters\":1,"
		do :; done
		exec "$0" lock "futex:./a?deadlock=detect" -- echo no' "$VIA"
	[ "$status" -eq 1 ]
	[[ "$output" =~ ^'via lock: deadlock: this process waits for the lock a of process '$pid', whose command, process '[0-9]+', waits for the lock b of process '[0-9]+', whose command this one is'$ ]]
	ended "$pid"
	[ "$status" -eq 0 ]
	rm held go
}

@test "its memory is cut off under us" {
	# Before it lets go, and before somebody who waits looks again.
	run via lock futex:./f -- truncate --size=0 f
	failed_with 1 'futex:./f: was cut off while it was used'
	rm f
	hold futex:./f
	"$VIA" lock -t 1s futex:./f -- true >out 2>&1 3>&- &
	waiting futex:./f 1
	truncate --size=0 f
	ended $!
	[ "$status" -eq 1 ]
	[ "$(cat out)" = 'via lock: futex:./f: was cut off while it was used' ]
	echo >go
	ended "$pid"
	[ "$status" -eq 1 ]
	run via lock futex:./f -- true
	failed_with 1 'cut off'
	rm held go
}

@test "bad input" {
	run via lock
	failed_with 2 'usage: via lock'
	run via lock flock:f --
	failed_with 2 'a command is missing'
	run via lock flock:f true
	failed_with 2 'too many arguments'
	run via lock padlock:f -- true
	failed_with 1 "'padlock': there are flock"
	run via lock f -- true
	failed_with 1 'not a URL'
	run via lock ofd:f#9-0 -- true
	failed_with 1 'is no range'
	run via lock 'flock:f?deadlock=detect' -- true
	failed_with 1 'cannot be detected'
	run via lock 'futex:f?type=key' -- true
	failed_with 1 'one of rwlock|mutex|sem|pool'
	echo garbage, but more than a few bytes of it >g
	run via lock futex:./g -- true
	failed_with 1 'no lock of via'
	run via lock 'flock:f?mood=600' -- true
	failed_with 1 "unknown option 'mood'"
	run via lock flock:/dev/null -- true
	failed_with 1 'neither a file'
	run via lock flock:no/where -- true
	failed_with 1 'No such file'
	run via lock -n -t 5s flock:f -- true
	failed_with 2 'exclude each other'
	run via lock -E 256 flock:f -- true
	failed_with 2 'at most 255'
	run via lock --on-owner-death=cry flock:f -- true
	failed_with 2 'run or fail'
	run via lock --json flock:f -- true
	failed_with 2 'without a command'
}

@test "a file of another user" {
	[ "$(id -u)" -eq 0 ] || skip 'needs root'
	# That user may come that far.
	file=$TMPDIR/via-lock-$$
	install -m 600 /dev/null "$file"
	run setpriv --reuid=65534 --clear-groups "$VIA" lock "flock:$file" -- true
	rm "$file"
	failed_with 1 'belongs to user 0, whose mode 0600'
}
