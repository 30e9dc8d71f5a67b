#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via gc: what is made here and left, and what is not.

load lib.bash

# Objects that a process leaves behind, each printed: "KIND ID".
leave() {
	python3 - "$@" <<-'END' 3>&-
		import ctypes, os, sys
		libc = ctypes.CDLL(None)
		for what in sys.argv[1:]:
		    if what == "shm":
		        print(what, libc.shmget(0x1234, 10000, 0o1600))
		    elif what == "sem":
		        id = libc.semget(0, 2, 0o1600)
		        libc.semctl(id, 0, 16, 1)
		        libc.semop(id, (ctypes.c_short * 3)(0, -1, 0), 1)
		        print(what, id)
		    elif what == "msg":
		        id = libc.msgget(0, 0o1600)
		        libc.msgsnd(id, (ctypes.c_long * 2)(1, 2), 8, 0)
		        print(what, id)
	END
}

# What ipcs(1) has of a kind.
n_sysv() {
	sed 1d "/proc/sysvipc/$1" | wc -l
}

@test "what the dead have left is shown, and removed when asked" {
	leave shm sem msg >left
	: >'/dev/shm/via-gc'$'\e''[1m'
	python3 -c 'import ctypes, os
ctypes.CDLL(None).sem_open(b"/via-gc", os.O_CREAT, 0o600, 3)'
	run --separate-stderr via gc
	[ "$status" -eq 1 ]
	echo "$output"
	[ "${#lines[@]}" -eq 6 ]
	grep -q '^sysvshm:.*9.8K .* left over  *nobody has it attached' <<<"$output"
	grep -q '^sysvsem:.* left over  *all processes' <<<"$output"
	grep -q '^sysvmq:.* left over  *process .*1 message$' <<<"$output"
	grep -q '^posixshm:/via-gc\\x1b\[1m .* nobody has it open' <<<"$output"
	grep -q '^posixsem:/via-gc .* left over' <<<"$output"
	[ "$(n_sysv shm)$(n_sysv sem)$(n_sysv msg)" = 111 ]
	# Whose it is, and how old, as via ls and via ps say it.
	[[ "${lines[0]}" =~ ^NAME\ +SIZE\ USER\ +AGE ]]
	[[ "${lines[1]}" =~ \ $(id -un)\ +([0-9]+m)?[0-9.]+m?s\  ]]

	via gc --json >json || [ $? -eq 1 ]
	python3 - <<-'END'
		import json, pwd
		d = json.load(open("json"))
		assert len(d["orphans"]) == 5 and d["unjudged"] == 0, d
		[shm] = [o for o in d["orphans"] if o["kind"] == "sysvshm"]
		assert shm["size"] == 10000 and shm["removed"] is False
		assert shm["age_s"] < 100 and "dead" in shm["why"]
		assert shm["user"] == pwd.getpwuid(shm["uid"]).pw_name
	END
	run --separate-stderr via gc --yes
	[ "$status" -eq 0 ]
	[ "$(grep -c ' removed ' <<<"$output")" -eq 5 ]
	[ "$(n_sysv shm)$(n_sysv sem)$(n_sysv msg)" = 000 ]
	[ -z "$(ls /dev/shm)" ]
	run --separate-stderr via gc --yes
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "what somebody has is left alone" {
	cat >user.py <<-'END'
		import ctypes, mmap, os
		libc = ctypes.CDLL(None)
		libc.shmat.restype = ctypes.c_void_p
		shm = libc.shmget(0, 10000, 0o1600)
		libc.shmat(shm, None, 0)
		unused = libc.shmget(0, 10000, 0o1600)
		sem = libc.semget(0, 1, 0o1600)
		msg = libc.msgget(0, 0o1600)
		libc.msgsnd(msg, (ctypes.c_long * 2)(1, 2), 8, 0)
		fd = os.open("/dev/shm/held", os.O_CREAT | os.O_RDWR)
		ro = os.open("/dev/shm/mapped", os.O_CREAT | os.O_RDWR)
		os.ftruncate(ro, 4096)
		memory = mmap.mmap(ro, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ)
		os.close(ro)
		os.write(1, b"ready\n")
		os.read(0, 1)
		for id in shm, unused:
		    libc.shmctl(id, 0, None)
		libc.semctl(sem, 0, 0)
		libc.msgctl(msg, 0, None)
		os.unlink("/dev/shm/held")
		os.unlink("/dev/shm/mapped")
	END
	mkfifo in out
	python3 user.py <in >out 3>&- &
	exec 5>in 6<out
	rm in out
	read -r _ <&6
	run --separate-stderr via gc --yes
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(n_sysv shm)$(n_sysv sem)$(n_sysv msg)" = 211 ]
	[ "$(ls /dev/shm)" = $'held\nmapped' ]
	exec 5>&- 6>&-
	wait
}

@test "what is young is left alone, if asked" {
	leave shm >/dev/null
	run --separate-stderr via gc --yes --min-age 1h
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(n_sysv shm)" -eq 1 ]
	via gc --yes --min-age 0 >/dev/null
	[ "$(n_sysv shm)" -eq 0 ]
}

@test "sockets go only if they are named and nobody is behind them" {
	python3 - <<-'END' 3>&-
		import socket
		for name in "stale", "other \x1b[1m":
		    socket.socket(socket.AF_UNIX).bind(name)
	END
	: >file
	python3 - <<-'END' 3>&- 5>&- &
		import os, socket
		s = socket.socket(socket.AF_UNIX)
		s.bind("live"); s.listen()
		d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		d.bind("datagrams")
		os.mkfifo("ready"); open("ready", "w").close()
		s.accept()
	END
	until [ -p ready ]; do :; done
	cat ready
	run --separate-stderr via gc
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run --separate-stderr via gc stale live datagrams 'other '$'\e[1m'
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 3 ]
	[[ "$output" == *'stale '*'no socket'* ]]
	[[ "$output" == *'other \x1b[1m '* ]]
	run via gc --yes file
	failed_with 1 'not a Unix socket'
	[ -e file ]
	run --separate-stderr via gc --yes stale live datagrams
	[ "$status" -eq 0 ]
	[ ! -e stale ]
	[ -e live ]
	[ -e datagrams ]
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("live")'
	wait
}

@test "an ordinary user sees his own" {
	become_nobody
	leave shm >/dev/null
	run --separate-stderr "${nobody[@]}" gc --yes
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ "$stderr" == *'your own objects only'* ]]
	[ "$(n_sysv shm)" -eq 1 ]
	via gc --yes >/dev/null
	"${nobody[@]:0:6}" ipcmk --shmem 4096 || skip 'needs ipcmk'
	run --separate-stderr "${nobody[@]}" gc --yes
	echo "$output $stderr"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	[ "$(n_sysv shm)" -eq 0 ]
}

@test "a saved snapshot is only looked at" {
	leave shm >/dev/null
	via gc --save saved >/dev/null || [ $? -eq 1 ]
	via gc --yes >/dev/null
	run --separate-stderr via gc --from saved
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 2 ]
	run via gc --from saved --yes
	failed_with 2 from
}
