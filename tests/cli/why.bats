#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via why, via stuck: processes that wait, in known ways.

load lib.bash

# Wait until `via why $1` says $2; all of it is in $output.
says() {
	until run via why "$1" && [[ "$output" == *"$2"* ]]; do
		kill -0 "$1"
	done
	echo "$output"
}

# Start the Python program on standard input, its pid in $target.
start_python() {
	cat >program.py
	python3 program.py </dev/null 3>&- 5>&- &
	target=$!
}

# A parent that waits for the end of its child before it reads.
start_popen() {
	start_python <<-'END'
		import subprocess
		zeros = ["head", "-c100000", "/dev/zero"]
		subprocess.Popen(zeros, stdout=subprocess.PIPE).wait()
	END
	says "$target" wait-before-drain
}

# What Python makes of the JSON in file $1, which is j.
of_json() {
	python3 -c "
import json
j = json.load(open('$1'))
print($2)"
}

@test "a chain ends in its cause" {
	sleep 1000 3>&- | cat 3>&- &
	cat=$!
	says "$cat" sleeps
	# Times as in via ls and via ps.
	if [[ "${lines[0]}" == *', for '* ]]; then
		[[ "${lines[0]}" =~ ', for '([0-9]+m)?[0-9.]+m?s$ ]]
	fi
	[[ "${lines[0]}" == "cat ($cat) waits to read pipe:["*'descriptor 0, empty'* ]]
	[[ "${lines[1]}" == '└─ to be written by sleep ('*'), which sleeps'* ]]
	[[ "${lines[2]}" == 'In the end: sleep ('*') waits for what comes from outside.' ]]
	[ "${#lines[@]}" -eq 3 ]
}

@test "nothing is stuck" {
	sleep 1000 3>&- | cat 3>&- &
	says $! sleeps
	run via stuck --all
	[ "$status" -eq 0 ]
	[ "$output" = '' ]
	[ "$(via stuck --json)" = '{"cycles":[],"stuck":[],"findings":[]}' ]
}

@test "a parent that waits before it reads" {
	start_popen
	[[ "${lines[0]}" == "python3 ($target) waits for the end of head ("* ]]
	[[ "${lines[1]}" == '└─ head ('*') waits to write to pipe:['*'full, 64K of 64K bytes'* ]]
	[[ "${lines[2]}" == "   └─ to be read by python3 ($target): round again" ]]
	[[ "${lines[3]}" == 'Deadlock (pro'*'): these 2 wait for each other'* ]]
	[[ "${lines[4]}" == 'wait-before-drain'* ]]
	[[ "${lines[5]}" == '    read all output'* ]]
	# The same from its child's side.
	run via why head
	[[ "${lines[0]}" == 'head ('* ]]
	[[ "$output" == *'Deadlock (pro'* ]]
}

@test "stuck finds it, and tells by its status" {
	start_popen
	run via stuck
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "${lines[0]}" == 'Deadlock (pro'* ]]
	[[ "$output" == *"python3 ($target) waits for the end of head"* ]]
	[[ "$output" == *wait-before-drain* ]]
	run via stuck --min-age 10h
	[ "$status" -eq 0 ]
	[ "$output" = '' ]
}

@test "as JSON" {
	start_popen
	run via stuck --json
	[ "$status" -eq 1 ]
	echo "${lines[0]}" >stuck.json
	[ "$(of_json stuck.json \
		'[sorted(t["wait"]["op"] for t in c["tasks"]) for c in j["cycles"]]')" = \
		"[['child', 'write']]" ]
	[ "$(of_json stuck.json 'j["stuck"], j["findings"][0]["rule"]')" = \
		"[] wait-before-drain" ]
	via why --json "$target" >why.json
	[ "$(of_json why.json 'j["chains"][0]["back_to"]')" = "$target" ]
	[ "$(of_json why.json '[t["verdict"] for t in j["chains"][0]["tasks"]]')" = \
		"['deadlock', 'deadlock']" ]
	[ "$(of_json why.json 'j["chains"][0]["tasks"][1]["wait"]["level"]')" = \
		65536 ]
	[ "$(of_json why.json 'len(j["chains"][0]["cycle"]["tasks"])')" = 2 ]
}

@test "who waits behind a ring" {
	start_python <<-'END'
		import os
		a, b, c = os.pipe(), os.pipe(), os.pipe()
		def keep(*fds):
		    for fd in a + b + c:
		        if fd not in fds: os.close(fd)
		if os.fork() == 0:
		    keep(b[0], a[1], c[1])
		    os.read(b[0], 1)
		    os._exit(0)
		if os.fork() == 0:
		    keep(c[0])
		    open("/proc/self/comm", "w").write("behind")
		    os.read(c[0], 1)
		    os._exit(0)
		keep(a[0], b[1])
		os.read(a[0], 1)
	END
	says "$target" 'round again'
	until via why behind >/dev/null 2>&1; do true; done
	until via stuck | grep 'behind it: behind (.*) waits to read pipe:'; do
		kill -0 "$target"
	done
	run via why behind
	echo "$output"
	[ "${#lines[@]}" -ge 5 ]
	[[ "${lines[3]}" == *'round again' ]]
	run via stuck --json
	echo "${lines[0]}" >stuck.json
	[ "$(of_json stuck.json '[t["comm"] for t in j["stuck"]]')" = \
		"['behind']" ]
}

@test "locks on two files, crosswise" {
	start_python <<-'END'
		import fcntl, os
		there, here = os.pipe(), os.pipe()
		def lock(name):
		    fd = os.open(name, os.O_CREAT | os.O_RDWR)
		    fcntl.flock(fd, fcntl.LOCK_EX)
		if os.fork() == 0:
		    lock("one")
		    os.write(there[1], b"x")
		    os.read(here[0], 1)
		    lock("two")
		    os._exit(0)
		lock("two")
		os.write(here[1], b"x")
		os.read(there[0], 1)
		lock("one")
	END
	says "$target" 'Ending any one of them'
	[[ "${lines[0]}" == "python3 ($target) waits for lock:$PWD/one"* ]]
	[[ "${lines[1]}" == '└─ held by python3 ('*"), which waits for lock:$PWD/two"* ]]
	[[ "$output" == *"Ending any one of them"* ]]
	kill "$target"
	wait "$target" || true
	until via stuck; do true; done
}

@test "a thread that waits for another one" {
	start_python <<-'END'
		import os, threading
		a, b = os.pipe()
		worker = threading.Thread(target=os.read, args=(a, 1))
		worker.start()
		os.read(a, 1)
	END
	says "$target" Deadlock
	thread=$(find /proc/"$target"/task -mindepth 1 -maxdepth 1 \
		! -name "$target" -printf '%f')
	run via why "$thread"
	[[ "${lines[0]}" == "python3 ($target, thread $thread) waits to read"* ]]
	run via why --threads "$target"
	[ "$(grep -c Deadlock <<<"$output")" -eq 2 ]
}

@test "one that is stopped" {
	mkfifo go
	sh -c 'read -r _ <go' 3>&- | cat 3>&- &
	cat=$!
	says "$cat" 'waits to read pipe'
	writer=$(sed -n 's/.*written by sh (\([0-9]*\)).*/\1/p' <<<"$output")
	kill -STOP "$writer"
	says "$cat" 'is stopped by a signal'
	[[ "$output" == *"stopped: sh ($writer) is stopped"*"kill -CONT $writer"* ]]
	run via stuck
	[ "$status" -eq 0 ]
	kill -CONT "$writer"
	echo >go
}

@test "from a file it says the same" {
	start_popen
	via why --save all.json "$target" >live
	via why --from all.json "$target" | diff live -
	via graph --save all.json "$target" >live
	via graph --from all.json "$target" | diff live -
	kill "$target"
	wait "$target" || true
	via why --from all.json "$target" | grep Deadlock
	run via stuck --from all.json
	[ "$status" -eq 1 ]
}

# Who pass a byte to and fro are seen to wait for each other at times, if nobody
# looks again: what the second look found out is saved as well.
@test "what is saved has been looked at twice" {
	start_python <<-'END'
		import os
		there, back = os.pipe(), os.pipe()
		child = os.fork()
		me, other = (there, back) if child else (back, there)
		os.close(me[0]); os.close(other[1])
		if child: os.write(me[1], b"x")
		while os.write(me[1], os.read(other[0], 1)): pass
	END
	for _ in {1..100}; do
		via why --save all.json "$target" >live
		via why --from all.json "$target" | diff live -
		! grep '"moved"' all.json || return 0
	done
	false
}

# Who holds System V semaphores the kernel tells only who looks closer.
@test "what is saved has been looked at closely" {
	via ls --source bpf >/dev/null 2>&1 || skip 'needs BPF'
	start_python <<-'END'
		import ctypes, os
		libc = ctypes.CDLL(None)
		sets = [libc.semget(0, 1, 0o1600) for _ in range(2)]
		for id in sets: libc.semctl(id, 0, 16, 1)
		there, back = os.pipe(), os.pipe()
		def take(id):
		    return libc.semop(id, (ctypes.c_short * 3)(0, -1, 0x1000), 1)
		if os.fork() == 0:
		    take(sets[0])
		    os.write(there[1], b"x"); os.read(back[0], 1)
		    os._exit(take(sets[1]))
		take(sets[1])
		os.write(back[1], b"x"); os.read(there[0], 1)
		take(sets[0])
		for id in sets: libc.semctl(id, 0, 0)
	END
	until ! via stuck --save all.json >live; do kill -0 "$target"; done
	grep -q '^Deadlock' live
	via stuck --from all.json | diff live -
	pkill -P "$target"
	wait "$target"
}

@test "a hostile name reaches no terminal raw" {
	start_python <<-'END'
		import os
		a, b = os.pipe()
		with open("/proc/self/comm", "wb") as comm:
		    comm.write(b"\033[2J\n\x9b1m")
		os.read(a, 1)
	END
	says "$target" 'own-write-end'
	[[ "$output" == *'\x1b[2J\x0a\x9b1m'* ]]
	for verb in "why $target" stuck; do
		# shellcheck disable=SC2086
		run via $verb
		LC_ALL=C run grep -q '[[:cntrl:]]' <<<"$output"
		[ "$status" -eq 1 ]
	done
}

@test "colours on a terminal only" {
	command -v script || skip 'needs script (bsdutils)'
	start_popen
	script -qefc "$VIA why $target" typescript >out </dev/null
	grep -q $'\033\\[31;1mDeadlock' out
	NO_COLOR=1 script -qefc "$VIA why $target" typescript >out </dev/null
	run grep -q $'\033' out
	[ "$status" -eq 1 ]
	via why "$target" >out
	run grep -q $'\033' out
	[ "$status" -eq 1 ]
}

@test "on a terminal words are whole, at any width" {
	start_popen
	via why --save all.json "$target" >whole
	for columns in 40 60 200; do
		NO_COLOR=1 TERM=xterm python3 \
			"$BATS_TEST_DIRNAME/terminal.py" "stty cols $columns; '$VIA' \
			why --from all.json $target" 3>&- | tr -d '\r' |
			sed -n '/^python3 (/,/^ready> /p' | sed '$d' >narrow
		cat narrow
		[ "$(wc -L <narrow)" -le "$columns" ]
		diff <(tr -s ' \n' ' ' <whole) <(tr -s ' \n' ' ' <narrow)
		grep -q '^└─ head' narrow
		grep -q '^   └─ to be read' narrow
	done
	diff whole narrow
}

@test "bad input" {
	run via why
	failed_with 2 'too few'
	run via why 4194305
	failed_with 1 'there is no process 4194305'
	run via why 99999999999999999999
	failed_with 2 'not a process id'
	run via why 7-letters
	failed_with 1 "no process has the name '7-letters'"
	run via why a-name-that-is-too-long
	failed_with 1 'of which the kernel keeps 15 bytes'
	run via why no-such-process
	failed_with 1 "no process has the name 'no-such-process'"
	run via stuck extra
	failed_with 2 'too many'
	run via stuck --min-age soon
	failed_with 2 soon
}
