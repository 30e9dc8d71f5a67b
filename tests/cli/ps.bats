#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via ps: agrees with ps(1), and says what that does not.

load lib.bash

# Processes that sleep, so that nothing of them changes: with threads, nice, a
# session of their own, a child that is a zombie.
start_sleepers() {
	cat >threads.py <<-'END'
		import os, threading
		threading.Thread(target=threading.Event().wait, daemon=True).start()
		if os.fork() == 0:
		    os._exit(0)
		os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
		with open("/proc/self/comm", "wb") as comm:
		    comm.write(b"a b\033\xffc")
		print(os.getpid(), flush=True)
		threading.Event().wait()
	END
	mkfifo told
	exec 9<>told
	nice -n 5 setsid python3 threads.py >told 3>&- 9>&- &
	read -r threads <&9
	zombie=$(ps -o pid= --ppid "$threads" | tr -d ' ')
	mkfifo hold
	cat hold 3>&- 9>&- &
	cat=$!
	exec 8>hold
	until_so via ps --state waiting "$cat"
	pids="$threads $zombie $cat"
}

@test "agrees with ps" {
	command -v ps || skip 'needs ps (procps)'
	start_sleepers
	for pid in $pids; do
		for pair in PPID,ppid PID,pid PGID,pgid SID,sid TPGID,tpgid \
			UID,uid VSZ,vsz NI,ni THREADS,nlwp STAT,stat \
			TTY,tname TIME,bsdtime; do
			ours=$(via ps -nr -o "${pair%,*}" "$pid")
			theirs=$(ps -o "${pair#*,}=" -p "$pid" | tr -d ' ')
			echo "$pid $pair: $ours, ps $theirs"
			[ "$ours" = "$theirs" ]
		done
		# To the second, and ps rounds when the machine was started;
		# what is shown are hours and minutes.
		ours=$(via ps --json -o START "$pid" | grep -o '[0-9]\{9,\}')
		theirs=$(date -d "$(ps -o lstart= -p "$pid")" +%s)
		echo "$pid START: $ours, ps $theirs"
		[ $((ours - theirs)) -ge -1 ] && [ $((ours - theirs)) -le 1 ]
		[ "$(via ps -nr -o START "$pid")" = \
			"$(date -d "@$ours" +%H:%M)" ]
		# The kernel counts it roughly in stat, which is read here, and
		# exactly in status.
		ours=$(via ps -nr -o RSS "$pid")
		theirs=$(ps -o rss= -p "$pid")
		echo "$pid RSS: $ours, ps $theirs"
		[ $((ours - theirs)) -lt 2000 ] && [ $((theirs - ours)) -lt 2000 ]
	done
}

@test "a start is told to the second" {
	mkfifo held
	for _ in 1 2 3 4 5; do
		before=$(date +%s)
		cat held 3>&- &
		# Its name comes with its program.
		until_so via ps -p $! cat
		after=$(date +%s)
		start=$(via ps --json -o START $! | grep -o '[0-9]\{9,\}')
		kill $!
		wait $! || :
		echo "$before, $start, $after"
		[ "$before" -le "$start" ] && [ "$start" -le "$after" ]
	done
}

@test "shares of CPU and memory agree with ps" {
	command -v ps || skip 'needs ps (procps)'
	cat >burn.py <<-'END'
		import os, sys, time
		kept = bytearray(os.urandom(1 << 20)) * 50
		while time.process_time() < 0.5: pass
		print(flush=True)
		sys.stdin.read()
	END
	mkfifo in told
	exec 8<>in 9<>told
	python3 burn.py <in >told 3>&- 8>&- 9>&- &
	burner=$!
	read -r _ <&9
	# Both look one after the other, so the time since the start differs.
	for pair in %CPU,pcpu %MEM,pmem; do
		ours=$(via ps -nr -o "${pair%,*}" "$burner")
		theirs=$(ps -o "${pair#*,}=" -p "$burner")
		python3 -c "
a, b = $ours, $theirs
print('$pair', a, b)
assert a > 0 and abs(a - b) <= 0.3 * max(a, b) + 0.1"
	done
	kill "$burner"
}

@test "the columns of aux and ajx" {
	command -v ps || skip 'needs ps (procps)'
	for format in aux ajx; do
		[ "$(via ps --$format | head -n 1 | tr -s ' ')" = \
			"$(ps $format | head -n 1 | sed 's/^ *//' | tr -s ' ')" ]
	done
	start_sleepers
	via ps --ajx | sed 's/^ *//' | tr -s ' ' >ours
	ps ajx | sed 's/^ *//' | tr -s ' ' >theirs
	for pid in $threads $cat; do
		grep "^[0-9]* $pid " theirs >line
		grep -Fx -f line ours
	done
	via ps --aux | grep -q '<defunct>$'
}

@test "what they wait for, and whom they talk to" {
	start_pipeline
	run via ps -n -o WAITS,TALKS "$last"
	echo "$output"
	[[ "$output" =~ ^read\ $pipe\ [0-9.]+m?s\ +$pipe\ \<\ $first,cat ]] ||
		[[ "$output" == "read $pipe "*"$pipe < $first,cat"* ]]
	via ps --json "$first" | python3 -c 'import json, sys
[p] = json.load(sys.stdin)["processes"]
[w] = p["waits"]
assert w["op"] == "read" and w["object"].startswith("fifo:/"), w
assert {"pid": '"$last"', "comm": "wc", "object": "'"$pipe"'",
        "to": True, "from": False} in p["talks"], p'
	# Who has it, by its name.
	[ "$(via ps -nr -o PID "$pipe" | sort -n | tr '\n' ' ')" = \
		"$(printf '%s\n' "$first" "$last" | sort -n | tr '\n' ' ')" ]
}

@test "a tree" {
	start_sleepers
	run via ps --tree -n -o COMMAND
	echo "$output"
	grep -q '[├└]─.*cat hold$' <<<"$output"
	via ps --tree --json | python3 -c 'import json, sys
def find(list, pid):
    for p in list:
        if p["pid"] == pid: return p
        if q := find(p.get("children", []), pid): return q
p = find(json.load(sys.stdin)["processes"], '"$threads"')
assert [c["pid"] for c in p["children"]] == ['"$zombie"'], p'
}

# Nine below each other leave no room for what they talk over.
@test "a deep tree on a narrow terminal" {
	python3 - >deep.json <<-'END'
		import json
		print(json.dumps({"via_inspect": 1, "sight": {}, "processes": [
			{"pid": 100 + i, "ppid": 99 + i, "comm": f"name{i}"}
			for i in range(9)]}))
	END
	for columns in 80 40; do
		TERM=xterm python3 "$BATS_TEST_DIRNAME/terminal.py" \
			"stty cols $columns; '$VIA' ps -o \
			PID,EXE,WAITS,TALKS,COMMAND --from deep.json" 3>&- |
			tr -d '\r' | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g' >$columns
		grep '^1' $columns | tee rows
		[ "$(grep -c '─\[name[1-8]\]$' rows)" -eq 8 ]
		[ "$(wc -L <rows)" -le "$columns" ]
	done
	grep -q '^PID EXE WAITS TALKS COMMAND' 80
	grep -q '^PID EXE WAITS COMMAND' 40
}

@test "threads" {
	start_sleepers
	[ "$(via ps -nr --threads -o TID "$threads" | wc -l)" = 2 ]
	via ps --threads "$threads" | head -1 | grep -q '^ *PID *TID USER'
	[ "$(via ps -nr --threads -o TID,STAT "$threads" | sort -n)" = \
		"$(ps -L -o tid=,stat= -p "$threads" | sed 's/^ *//' |
			tr -s ' ' | sort -n)" ]
}

@test "names that a terminal would act on" {
	start_sleepers
	[ "$(via ps -n -o COMM "$threads")" = 'a b\x1b\xffc' ]
	via ls --json --pid "$threads" >json
	[ "$(grep -c $'[\e\xff]' json)" = 0 ]
	python3 -c 'import base64, json
# A process has one name, whatever it is named for.
names = {e.get("comm_base64") for o in json.load(open("json"))["objects"]
         for e in o["ends"] + o["waits"] if e["pid"] == '"$threads"'}
assert {base64.b64decode(name) for name in names} == {b"a b\x1b\xffc"}, names'
	[ "$(via ps | grep -c $'[\e\xff]')" = 0 ]
}

@test "filters" {
	start_sleepers
	[ "$(via ps -nr -o PID --state zombie)" = "$zombie" ]
	[ "$(via ps -nr -o PID --state Z)" = "$zombie" ]
	[ "$(via ps -nr -o PID --pid "$cat")" = "$cat" ]
	run via ps 999999999
	failed_with 1 'there is no '
	run via ps --aux --ajx
	failed_with 2 'exclude each other'
}
