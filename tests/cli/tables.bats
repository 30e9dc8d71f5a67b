#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Tables on a terminal: at any width, each line of the table is one there.

load lib.bash

# A process with something of every kind, with names that have no end.
start_all() {
	cat >all.py <<-'END'
		import ctypes, os, socket, sys
		libc = ctypes.CDLL(None)
		long = "0123456789" * 15
		sets = [libc.shmget(0, 4096, 0o1600), libc.semget(0, 9, 0o1600),
		        libc.msgget(0, 0o1600)]
		left = [f"/dev/shm/{long}", "/dev/shm/字符串"]
		for path in left: open(path, "w").close()
		os.mkfifo(long)
		fifo = os.open(long, os.O_RDWR)
		unix = [socket.socket(socket.AF_UNIX) for _ in range(3)]
		unix[0].bind("\0" + "名字" * 12); unix[0].listen()
		unix[1].connect("\0" + "名字" * 12)
		tcp = socket.create_server(("127.0.0.1", 0))
		other = socket.create_connection(tcp.getsockname())
		pipe = os.pipe()
		if os.fork() == 0:
		    os.dup2(pipe[0], 0)
		    os.execlp("sh", "sh", "-c", f"read x; : {long}")
		os.write(1, b"ready\n")
		os.read(0, 1)
		libc.shmctl(sets[0], 0, 0); libc.semctl(sets[1], 0, 0)
		libc.msgctl(sets[2], 0, 0)
		for path in left: os.unlink(path)
	END
	mkfifo in out
	python3 all.py <in >out 3>&- &
	all=$!
	exec 5>in 6<out
	rm in out
	read -r _ <&6
}

stop_all() {
	exec 5>&- 6>&-
	wait
}

# What script $1 prints on a terminal that is $2 columns wide, to the file seen.
on_terminal() {
	TERM=xterm python3 "$BATS_TEST_DIRNAME/terminal.py" \
		"stty cols $2; . ./$1" 3>&- | tr -d '\r' |
		sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g' |
		sed '0,/^ready> /d; /^ready> /,$d' >seen
}

@test "every table fits, at every width" {
	start_all
	via ls --save all.json >table
	for view in ls 'ls --all' 'ls --fd' 'ls --fd --all' 'ls --net' \
		'ls --ipc' 'ls --usage' 'ls --tree' ps 'ps --all' 'ps --table' \
		'ps --aux' 'ps --ajx' 'ps --threads' gc; do
		echo "'$VIA' $view --from all.json"
	done >tables
	for view in limits "maps $all" "maps --all $all" "maps '$VIA'" \
		'maps --symbols 99 /bin/sh' 'kill --list' \
		"signals $all $$" "signals --threads $all" mechanisms \
		'mechanisms unix' 'mechanisms shm'; do
		echo "'$VIA' $view"
	done >>tables
	for columns in 40 60 80 132; do
		on_terminal tables "$columns"
		[ "$(wc -l <seen)" -gt 200 ]
		echo "$columns:"
		! grep -nP "^.{$((columns + 1))}" seen || false
		[ "$(wc -L <seen)" -le "$columns" ]
	done
	stop_all
}

@test "what matters most stays where there is little room" {
	start_all
	via ls --save all.json >table
	cat >tables <<-END
		'$VIA' ps --aux --from all.json
		'$VIA' limits
		'$VIA' gc --from all.json
		'$VIA' ls --net --from all.json
		'$VIA' maps $all
	END
	on_terminal tables 40
	grep '^ *[A-Z][A-Z]' seen
	grep -q '^USER *PID *%CPU *STAT.* COMMAND' seen
	grep -q '^NAME *LIMIT *USED *USE%' seen
	grep -q '^NAME *AGE *STATE' seen
	grep -q '^PROTO *STATE *LOCAL *HOLDERS' seen
	grep -q ' ADDRESS *KIND .*NAME' seen
	on_terminal tables 80
	grep -q 'private,* ' seen
	on_terminal tables 200
	grep -q '^USER .* VSZ .* START .* COMMAND' seen
	grep -q '^NAME .* FOR EACH *NEAREST *WHAT' seen
	stop_all
}
