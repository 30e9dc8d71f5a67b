#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via limits: what a program that is known to use something uses.

load lib.bash

# A program that has a lot of everything, until its standard input ends; it
# writes its pid when it has.
start_user() {
	cat >user.py <<-'END'
		import ctypes, fcntl, os, resource, socket, sys
		libc = ctypes.CDLL(None)
		left, right = os.pipe()
		fcntl.fcntl(left, 1031, 1 << 19)
		sets = [libc.semget(0, 5, 0o600) for _ in range(3)]
		notify = libc.inotify_init()
		for path in b"/", b"/proc", b"/dev":
		    libc.inotify_add_watch(notify, path, 1)
		listener = socket.socket()
		listener.bind(("127.0.0.1", 0))
		listener.listen(77)
		clients = [socket.create_connection(listener.getsockname())
		           for _ in range(3)]
		prctl = libc.prctl(15, b"\x1b[1m\n", 0, 0, 0)
		resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
		try:
		    while True: os.dup(0)
		except OSError:
		    pass
		os.write(1, b"%d\n" % os.getpid())
		os.read(0, 1)
		for s in sets:
		    libc.semctl(s, 0, 0)
	END
	mkfifo in out
	python3 user.py <in >out 3>&- &
	exec 5>in 6<out
	rm in out
	read -r user <&6
}

end_user() {
	exec 5>&- 6>&-
	wait
}

@test "what is used is counted" {
	start_user
	via limits --json >json 2>err
	[ ! -s err ]
	python3 - "$user" <<-'END'
		import json, sys
		at = {l["name"]: l for l in json.load(open("json"))["limits"]}
		def used(name, n, **more):
		    print(at[name])
		    assert at[name]["used"] == n, name
		    for key, value in more.items():
		        assert at[name][key] == value, key
		who = sys.argv[1] + r",\x1b[1m\x0a"
		used("RLIMIT_NOFILE", 50, limit=50, share=1, scope="process", who=who)
		used("fs.pipe-max-size", 1 << 19, who=who, unit="B")
		used("kernel.sem SEMMNI", 3)
		used("kernel.sem SEMMNS", 15)
		used("kernel.sem SEMMSL", 5)
		used("fs.inotify.max_user_watches", 3, scope="user")
		used("fs.inotify.max_user_instances", 1)
		used("net.core.somaxconn", 3, who=who)
		used("kernel.msgmni", 0)
		assert at["fs.pipe-user-pages-soft"]["used"] >= 128
		assert at["kernel.msgmax"]["used"] is None
		assert at["fs.file-max"]["used"] > 50
		names = list(at)
		shares = [at[n]["share"] or -1 for n in names]
		assert shares == sorted(shares, reverse=True)
		assert all(l["what"] for l in at.values())
	END
	end_user
}

@test "what is near comes first, and alone" {
	start_user
	run --separate-stderr via limits
	[ "$status" -eq 0 ]
	[[ "${lines[0]}" == NAME*USED* ]]
	[[ "${lines[1]}" == RLIMIT_NOFILE*' 50 '*100%* ]]
	[[ "$output" != *$'\e'* ]]
	run --separate-stderr via limits --near 100
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 2 ]
	[[ "${lines[1]}" == *"$user,"* ]]
	end_user
	run --separate-stderr via limits --near 100 --json
	[ "$status" -eq 0 ]
	[ "$output" = '{"limits":[]}' ]
}

@test "an ordinary user is told what was not seen" {
	become_nobody
	run --separate-stderr "${nobody[@]}" limits
	[ "$status" -eq 0 ]
	[[ "$output" == *RLIMIT_NOFILE* ]]
	[[ "$stderr" == *' processes whole'* ]]
	run via limits extra
	[ "$status" -eq 2 ]
}
