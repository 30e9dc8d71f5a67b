#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via maps: the address spaces of processes, and programs' files.

load lib.bash

# A process that has a private and a shared mapping of a file of 64 KiB, in
# which it has written 8 KiB, and a child that shares it.
start_mapper() {
	cat >mapper.py <<-'END'
		import mmap, os, signal
		with open("file", "wb") as f:
		    f.truncate(65536)
		fd = os.open("file", os.O_RDWR)
		own = mmap.mmap(fd, 65536, mmap.MAP_PRIVATE)
		own[:8192] = b"x" * 8192
		ours = mmap.mmap(fd, 65536, mmap.MAP_SHARED)
		ours[0] = 1
		child = os.fork()
		if child == 0:
		    while True: signal.pause()
		print(os.getpid(), child, flush=True)
		signal.signal(signal.SIGTERM, lambda *args: os.kill(child, 9))
		os.wait()
	END
	mkfifo started
	python3 mapper.py >started 3>&- &
	mapper=$!
	read -r parent child <started
}

stop_mapper() {
	kill "$mapper"
	wait "$mapper"
}

@test "an address space has all its kinds, in order" {
	via maps $$ >out
	for kind in text rodata data bss heap stack kernel; do
		grep -q " $kind " out || { echo "no $kind"; false; }
	done
	awk '/^ *[0-9a-f]+ / {print $1}' out >addresses
	sort -c addresses
}

@test "the areas are those of /proc/PID/maps" {
	via maps --json $$ >out.json
	python3 - $$ <<-'END'
		import json, sys
		areas = json.load(open("out.json"))["areas"]
		ours = [(f"{a['start'][2:]}-{a['end'][2:]}", a["mode"],
		         a.get("name", "")) for a in areas if a["kind"] != "heap"]
		theirs = []
		for line in open(f"/proc/{sys.argv[1]}/maps"):
		    where, mode, _, _, _, *name = line.rstrip("\n").split(None, 5)
		    if name != ["[heap]"]:
		        theirs.append((where, mode, "".join(name)))
		assert ours == theirs, (ours, theirs)
	END
}

@test "copied pages and those who share are told" {
	start_mapper
	via maps --json "$parent" >out.json
	via maps "$parent" >out
	stop_mapper
	python3 - "$parent" "$child" <<-'END'
		import json, sys
		parent, child = map(int, sys.argv[1:])
		file = [a for a in json.load(open("out.json"))["areas"]
		        if a.get("name", "").endswith("/file")]
		own = next(a for a in file if a["mode"] == "rw-p")
		ours = next(a for a in file if a["mode"] == "rw-s")
		assert own["copied"] == 8192 and own["kind"] == "file", own
		assert ours["kind"] == "shared", ours
		assert ours["shared_with"] == [child], ours
	END
	grep -q 'private, 8K copied' out
	grep -q "shared with $child,python3" out
}

@test "a program's parts add up to its size" {
	via maps --json --symbols 3 "$VIA" >out.json
	python3 - "$VIA" <<-'END'
		import json, os, sys
		out = json.load(open("out.json"))
		parts = out["parts"]
		assert sum(p["file"] for p in parts.values()) == out["size"]
		assert out["size"] == os.stat(sys.argv[1]).st_size
		assert parts["bss"]["file"] == 0 < parts["bss"]["memory"]
		assert len(out["symbols"]) == 3
		assert any(s["name"] == ".text" and s["exec"]
		           for s in out["sections"])
	END
	via maps "$VIA" | grep -q ' \.text$'
}

@test "bad input gets one sentence" {
	run via maps 4194305
	failed_with 1 'there is no process 4194305'
	run via maps nobody-has-this
	failed_with 1 "no process has the name 'nobody-has-this'"
	run via maps ./nothing
	failed_with 1 'nothing: No such file or directory'
	echo text >text
	run via maps text
	failed_with 1 'text: is not an ELF file'
	head -c 1000 "$VIA" >half
	run via maps ./half
	failed_with 1 'half: is a damaged ELF file'
	run via maps
	[ "$status" -eq 2 ]
}

@test "somebody else's memory is not shown" {
	become_nobody
	run "${nobody[@]}" maps $$
	failed_with 1 "the memory of process $$: access denied"
}

@test "names that a terminal would act on are not printed raw" {
	local name=$'./esc\e[31m\u202e\\'

	cp "$(command -v sleep)" "$name"
	"$name" 1000 3>&- &
	until grep -q '^esc' /proc/$!/comm; do :; done
	via maps $! >out
	kill $!
	run ! grep -q $'\e' out
	[ "$(head -n 1 out)" = "$!,"'esc\x1b[31m\xe2\x80\xae\x5c' ]
	grep -qF '/esc\x1b[31m\xe2\x80\xae\x5c' out
	run ! grep -q $'\u202e' out
}
