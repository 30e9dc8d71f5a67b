#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via ls: what real processes share.

load lib.bash

@test "a pipe, with both ends and who waits" {
	start_pipeline
	run via ls -n "$pipe"
	echo "$output"
	[ "${#lines[@]}" -eq 2 ]
	[[ "${lines[0]}" =~ ^pipe\ +\[[0-9]+\]\ 0/64K\ $last,wc\ read\ [0-9.]+m?s\ $first,cat,1w ]]
	[[ "${lines[1]}" =~ ^\ +$last,wc,0r$ ]]
	# Among all as well, by either process, by name.
	via ls | grep -qF "[${pipe//[!0-9]/}]"
	for filter in "$first" "$last" wc cat; do
		via ls -nr -o OBJECT "$filter" | grep -qxF "$pipe"
	done
	via ls -nr -o OBJECT --pid "$first,$last" --kind pipe,fifo |
		grep -qxF "$pipe"
}

@test "the same as JSON" {
	start_pipeline
	via ls --json "$pipe" >json
	python3 - "$first" "$last" "$pipe" <<-'END'
		import json, sys
		first, last, name = sys.argv[1:]
		[o] = json.load(open("json"))["objects"]
		assert (o["kind"], o["object"]) == ("pipe", name), o
		assert (o["level"], o["capacity"]) == (0, 65536), o
		ends = {(e["pid"], e["comm"], e["how"], e["id"], e["read"])
		        for e in o["ends"]}
		assert ends == {(int(first), "cat", "fd", 1, False),
		                (int(last), "wc", "fd", 0, True)}, ends
		[w] = o["waits"]
		assert (w["pid"], w["op"], w["fd"]) == (int(last), "read", 0), w
		assert w["since_ns"] >= 0
	END
}

@test "a pipe that is full" {
	mkfifo hold
	yes >hold 3>&- &
	exec 8<hold
	until_so via ls --state full "$PWD/hold"
	run via ls -nr -o KIND,NAME,LEVEL,STATE "$PWD/hold"
	[ "$output" = "fifo $PWD/hold 64K/64K full" ]
	[ "$(via ls -nrb -o LEVEL "$PWD/hold")" = 65536/65536 ]
	[[ "$(via ls -n -o WAITS "$PWD/hold")" == "$!,yes write "* ]]
}

@test "a socket, its listener and its client" {
	start_ready recv "unix:$PWD/s" >/dev/null
	exec 7> >(exec "$VIA" send "unix:$PWD/s" 3>&- 5>&-)
	connected() {
		[ "$(via ls -nr -o STATE "$PWD/s" | sort | tr '\n' ' ')" = \
			"established listen " ]
	}
	until_so connected
	run via ls -n -o NAME,STATE,ENDS "$PWD/s"
	echo "$output"
	grep -qE "^$PWD/s listen +$pid,via,[0-9]+rw$" <<<"$output"
	grep -qE "^ +[0-9]+,via,[0-9]+rw$" <<<"$output"
	run via ls --net -nr -o PROTO,TYPE,LOCAL --state listen "$PWD/s"
	[ "$output" = "unix seqpacket $PWD/s" ] ||
		[ "$output" = "unix stream $PWD/s" ]
	# By other ways to it, and not by those of another time.
	ln -s s link
	for path in ./s ./link "$PWD/link"; do
		via ls -nr -o STATE "$path" | grep -qx listen
	done
	via ls --save snapshot >/dev/null
	run via ls --from snapshot ./link
	failed_with 1 'there is no '
	exec 7>&-
}

@test "files that two processes map" {
	truncate -s 4096 data
	cat >map.py <<-'END'
		import mmap, sys
		f = open("data", "r+b")
		m = mmap.mmap(f.fileno(), 4096)
		f.close()
		print(flush=True)
		sys.stdin.read()
	END
	mkfifo in told
	python3 map.py <in >told 3>&- &
	python3 map.py <in >told 3>&- &
	exec 8>in 9<told
	read -r _ <&9
	read -r _ <&9
	run via ls -n -o KIND,NAME,PROCESSES "$PWD/data"
	[[ "$output" =~ ^file\ $PWD/data\ +2$ ]]
	via ls -nr -o NAME | grep -qxF "$PWD/data"
}

@test "names that a terminal would act on" {
	name=$'a\e[31m\x9b\xe2\x80\xaeb c'
	mkfifo "$name"
	exec 8<>"$name"
	run via ls -n -o NAME --pid $$ --kind fifo
	[ "$output" = "$PWD/a\\x1b[31m\\x9b\\xe2\\x80\\xaeb c" ]
	via ls --json --pid $$ --kind fifo | grep -qF '\\x1b[31m'
	via ls --all >out
	via ls --fd --all >>out
	via ls --all --json >>out
	run grep -c $'[\e\x9b]' out
	[ "$output" = 0 ]
}

@test "saved, and looked at again" {
	start_pipeline
	via ls --save snapshot "$pipe" >now
	[ -s snapshot ]
	cmp now <(via ls --from snapshot "$pipe")
	cmp now <(via ls --from - "$pipe" <snapshot)
	exec 8>&-
	cmp now <(via ls --from snapshot "$pipe")
	python3 -c 'import json, sys
assert json.load(sys.stdin)["via_inspect"] == 1' <snapshot
	for view in --fd --net --ipc --usage --tree --json; do
		via ls $view --from snapshot >/dev/null
	done
	echo '{"via_inspect":1}' >bad
	run via ls --from bad
	failed_with 1 'bad: sight[0]: not an object'
	run via ls --from /nowhere
	failed_with 1 '/nowhere: '
	run via ls --save /dev/full "$pipe"
	failed_with 1 '/dev/full: '
}

@test "every key that is saved is in via-inspect(5)" {
	start_pipeline
	via ls --save snapshot >/dev/null
	via ls --json "$pipe" | grep -q '"ends"'
	python3 - "$MAN/via-inspect.5" <<-'END'
		import json, re, sys
		page = open(sys.argv[1]).read()
		sections = dict(re.findall(r"^\.Ss (\w+)\n(.*?)(?=^\.S)", page, re.M | re.S))
		n = 0
		for name, records in json.load(open("snapshot")).items():
		    if name == "via_inspect": continue
		    known = set(re.findall(r"^\.It Cm (\w+) Pq", sections[name], re.M))
		    for record in [records] if name == "sight" else records:
		        n += len(record)
		        assert {k.removesuffix("_base64") for k in record} <= known, record
		assert n > 100
	END
}

@test "each descriptor, as /proc has them" {
	start_pipeline
	via ls --fd -nr -o NUMBER,KIND --pid "$last" |
		grep -v '^-' | sort >seen
	for fd in "/proc/$last/fd"/*; do
		case $(readlink "$fd") in
		pipe:*) kind=pipe ;;
		/dev/*) kind=char ;;
		*) kind='file' ;;
		esac
		echo "${fd##*/} $kind"
	done | sort >there
	diff there seen
	[ "$(via ls --fd -nr -o FD --pid "$last" "$pipe")" = 0r ]
}

@test "System V and POSIX objects, as ipcs has them" {
	command -v ipcmk || skip 'needs ipcmk (util-linux)'
	for kind in '-M 8192' -Q '-S 3'; do
		# shellcheck disable=SC2086 # two words
		ids="${ids:-} $(ipcmk $kind | tr -cd '0-9\n')"
	done
	read -r shm queue sem <<<"$ids"
	via ls --ipc -nrb -o KIND,NAME,SIZE >seen
	via ls --ipc --json >json
	ipcrm -m "$shm" -q "$queue" -s "$sem"
	cat seen
	grep -qx "sysvshm $shm 8192" seen
	grep -qx "sysvsem $sem 3" seen
	grep -q "^sysvmq $queue " seen
	python3 -c 'import json, os
for o in json.load(open("json"))["ipc"]:
    if o["kind"].startswith("sysv"):
        assert o["uid"] == os.getuid() and o["mode"] == "644", o'
}

@test "columns, and limits" {
	start_pipeline
	[ "$(via ls -o kind,ino "$pipe" | head -n 1 | tr -s ' ')" = "KIND INO" ]
	[[ "$(via ls -o +SEEN,STATE "$pipe" | head -n 1)" =~ ^KIND.*ENDS\ +SEEN\ +STATE ]]
	[ "$(via ls -r -o PROCESSES "$pipe")" = $'PROCESSES\n2' ]
	[[ "$(via ls -nr -o WAITS "$pipe")" == *,wc\\x20read\\x20* ]]
	run via ls -o COLOUR
	failed_with 2 'COLOUR: no such column'
	[ "$(via ls --limits | head -n 1)" = "$(via limits | head -n 1)" ]
	via ls --limits --json | grep -q '^{"limits":'
	run via ls --limits 4242
	failed_with 2 'with --json alone'
	run via ls --limits --save x
	failed_with 2 'with --json alone'
	run via ls --output ''
	failed_with 2 'no column is named'
	run via ls --raw --json
	failed_with 2 '--raw and --json exclude each other'
	[ "$(via ls --json -o KIND,LEVEL "$pipe")" = \
		$'{"objects":[\n{"kind":"pipe","level":0}\n]}' ]
}

# What appears on a terminal of 80 columns, to the file seen.
on_terminal() {
	TERM=xterm python3 "$BATS_TEST_DIRNAME/terminal.py" "$1" 3>&- |
		tr -d '\r' >seen
}

@test "a terminal" {
	start_pipeline
	mkfifo "$(printf '%0200d' 0)"
	yes >0* 3>&- 8>&- &
	exec 7<0*
	until_so via ls --state full "$PWD"/0*
	on_terminal "'$VIA' ls --all -o +OBJECT"
	sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g' seen | tee plain
	grep -q "^pipe *\[" plain
	run ! grep -E '^(KIND|pipe|fifo|file|char) .{76}' plain
	grep -q $'\e\[31m.*fifo' seen
	NO_COLOR=1 on_terminal "'$VIA' ls --all"
	run ! grep $'\e\[31m' seen
}

@test "filters" {
	run via ls pipe:[1]
	failed_with 1 "there is no 'pipe:[1]'"
	run via ls --kind pipes
	failed_with 2 'pipes: no kind'
	run via ls --pid 4194305
	failed_with 1 'there is nothing of process 4194305'
	run via ls --pid 0
	failed_with 2 '0: not a process id'
	run via ls nothing not-this
	failed_with 1 "there is no 'nothing', nor the other"
	run via ls --pid x
	failed_with 2 'x: not a process id'
	run via ls --user nobody-is-called-so
	failed_with 2 'no such user'
	run via ls --state waitd
	failed_with 2 'waitd: no state'
	run via ls ''
	failed_with 2 'an empty word'
	run via ls --source ebpf
	failed_with 2 'neither proc nor bpf'
	start_pipeline
	via ls --user "$(id -u)" -nr -o OBJECT | grep -qxF "$pipe"
	run via ls --user 12345 "$pipe"
	failed_with 1 'there is no '
}

@test "a snapshot that cannot be written or read says why" {
	run via ls --save /dev/full
	failed_with 1 '/dev/full: No space left on device'
	run via ls --from .
	failed_with 1 '.: Is a directory'
}

@test "a name in UTF-8 is shown, in any locale" {
	mkfifo ä
	exec 9<>ä
	LC_ALL=C via ls -nr -o NAME "$PWD/ä" | grep -qxF "$PWD/ä"
	LC_ALL=C via ls -n -o NAME "$PWD/ä" | grep -qxF "$PWD/ä"
	exec 9<&-
}

@test "a tree of who shares what" {
	start_pipeline
	run via ls --tree -n -o NAME "$pipe"
	echo "$output"
	[ "${lines[0]}" = "$first,cat" ]
	[[ "${lines[1]}" == *"─$pipe" ]]
	[[ "${lines[2]}" == *"─$last,wc,0r" ]]
	via ls --tree --json "$pipe" | python3 -c 'import json, sys
one, two = json.load(sys.stdin)["tree"]
assert one["children"][0]["children"][0]["name"].endswith(",wc,0r")'
}

@test "somebody without rights sees his own, and is told" {
	start_pipeline
	become_nobody
	run --separate-stderr "${nobody[@]}" ls
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	[[ "$stderr" =~ saw\ [0-9]+\ of\ [0-9]+\ processes\ whole ]]
	run ! grep -q "$last,wc" <<<"$output"
}
