#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via graph: pictures of processes that are known to talk.

load lib.bash

# Two processes that each wait for the other to say something first, in
# $first and $second; a third, $idle, has nothing to do with them. 5 ends all.
start_pair() {
	cat >pair.py <<-'END'
		import os
		there, back = os.pipe(), os.pipe()
		def be(reads, writes):
		    os.close(reads[1]); os.close(writes[0])
		    for fd in 0, 1, 2: os.close(fd)
		    os.read(reads[0], 1)
		    os._exit(0)
		children = []
		for reads, writes in ((there, back), (back, there)):
		    pid = os.fork()
		    if pid == 0: be(reads, writes)
		    children.append(pid)
		for fd in there + back: os.close(fd)
		def asleep(pid):
		    with open(f"/proc/{pid}/syscall") as f:
		        return f.read().startswith("0 ")
		while not all(map(asleep, children)): pass
		print(*children, flush=True)
		os.read(0, 1)
		for pid in children: os.kill(pid, 9)
		for pid in children: os.waitpid(pid, 0)
	END
	mkfifo started hold
	exec 5<>hold
	python3 pair.py <hold >started 2>/dev/null 3>&- 5>&- &
	pair=$!
	read -r first second <started
	rm started hold
}

stop_pair() {
	echo >&5
	exec 5>&-
	wait "$pair"
}

@test "both of a pair are drawn, and that they are stuck" {
	start_pair
	via graph "$first" >text
	via graph "$first" --json >out.json
	stop_pair
	cat text
	grep -q "^$first,python3" text
	grep -q "^$second,python3" text
	grep -q "reads  pipe:.*with $second,python3 (writes)  STUCK: read" text
	python3 - "$first" "$second" <<-'END'
		import json, sys
		pair = set(map(int, sys.argv[1:]))
		out = json.load(open("out.json"))
		processes = {n["id"]: n for n in out["nodes"]
		             if n["kind"] == "process"}
		assert {n["pid"] for n in processes.values()} == pair, processes
		assert all(n["verdict"] == "deadlock" for n in processes.values())
		assert [n["wanted"] for n in processes.values()] == [True, False]
		pipes = [n for n in out["nodes"] if n["kind"] == "pipe"]
		assert len(pipes) == 2 and len(out["edges"]) == 4, out
		assert sum(e["stuck"] for e in out["edges"]) == 2
	END
}

@test "on a terminal words are whole, at any width" {
	start_pair
	via graph --save all.json "$first" >whole
	stop_pair
	grep -q '(0/64K)' whole
	for columns in 40 200; do
		TERM=xterm python3 "$BATS_TEST_DIRNAME/terminal.py" \
			"stty cols $columns; '$VIA' graph --from all.json $first" \
			3>&- 5>&- | tr -d '\r' |
			sed -n "/^$first/,/^ready> /p" | sed '$d' >seen
		cat seen
		[ "$(wc -L <seen)" -le "$columns" ]
		diff <(tr -s ' \n' ' ' <whole) <(tr -s ' \n' ' ' <seen)
	done
	diff whole seen
}

@test "depth stops before the other side" {
	start_pair
	via graph --depth 1 "$first" >text
	stop_pair
	run ! grep -q "^$second" text
	grep -q "^$first" text
}

@test "a snapshot that was saved gives the same picture" {
	start_pair
	via graph --save all.json "$first" --json >now.json
	stop_pair
	via graph --from all.json "$first" --json >later.json
	cmp now.json later.json
}

@test "graphviz draws it" {
	command -v dot || skip 'needs graphviz'
	start_pair
	via graph "$first" --dot | dot -Tplain >plain
	via graph "$first" --svg >out.svg
	via graph "$first" --svg 2>full >/dev/full || [ $? -eq 1 ]
	stop_pair
	[[ "$(<full)" == 'via graph: standard output: No space left'* ]]
	[ "$(wc -l <full)" -eq 1 ]
	[ "$(grep -c '^node' plain)" -eq 4 ]
	[ "$(grep -c '^edge' plain)" -eq 4 ]
	grep -q '<svg' out.svg
	grep -q "$second,python3" out.svg
}

@test "without graphviz SVG is refused in a sentence" {
	mkdir bin
	ln -s "$(command -v sh)" bin/sh
	PATH=$PWD/bin run "$VIA" graph --svg
	failed_with 1 'install graphviz'
}

@test "the page works in a browser" {
	browser=$(command -v chromium) || skip 'needs chromium'
	start_pair
	via graph --html --save all.json >page.html
	via graph --json --from all.json >page.json
	stop_pair
	python3 "${BATS_TEST_FILENAME%/*}/page.py" "$browser" page.html page.json
}

@test "bad input gets one sentence" {
	run via graph nobody-has-this
	failed_with 1 "there is no 'nobody-has-this'"
	run via graph --html --dot
	[ "$status" -eq 2 ]
	run via graph --json --dot
	[ "$status" -eq 2 ]
	run via graph --from /nothing
	failed_with 1 'No such file'
	echo '{' >bad.json
	run via graph --from bad.json
	failed_with 1 'bad.json'
}
