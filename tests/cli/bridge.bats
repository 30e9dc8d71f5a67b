#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via bridge: between mechanisms, and against socat.

load lib.bash

@test "messages from every mechanism to every other" {
	seq 20000 >in
	for address in "${addresses[@]}"; do
		echo "$address"
		start_ready recv unix:to >out
		receiver=$pid
		start bridge "${address/tcp::0/unix:from}" unix:to
		bridge=$pid
		via send "${address/tcp::0/unix:from}" in
		ended "$bridge"
		[ "$status" -eq 0 ]
		ended "$receiver"
		cmp in out

		start_ready recv "$address" >out
		receiver=$pid
		start bridge unix:from "$url"
		bridge=$pid
		via send unix:from in
		ended "$bridge"
		[ "$status" -eq 0 ]
		ended "$receiver"
		cmp in out
	done
	[ ! -e from ]
	[ ! -e to ]
}

@test "boundaries, topics and sizes cross a bridge" {
	start_ready recv --json tcp::0 >out
	receiver=$pid
	start bridge 'unix:from?type=seqpacket' "$url"
	via send 'unix:from?type=seqpacket' -m '' -m $'a\nb' -m c
	ended "$receiver"
	run python3 -c 'import json
print([json.loads(line)["data"] for line in open("out")])'
	[ "$output" = "['', 'a\\nb', 'c']" ]
}

@test "standard input and output, both ways, with half-close" {
	socat UNIX-LISTEN:echo,fork EXEC:cat 3>&- &
	server=$!
	until [ -S echo ]; do :; done
	seq 100000 >in
	via bridge - 'unix:echo?raw' <in >out
	cmp in out
	kill "$server"
}

@test "a socat client to a socat server" {
	head -c 2000000 "$VIA" >in
	socat -t60 UNIX-LISTEN:server SYSTEM:'sha256sum' 3>&- &
	until [ -S server ]; do :; done
	start bridge 'unix:front?raw' 'unix:server?raw'
	bridge=$pid
	until [ -S front ]; do :; done
	[ "$(socat -t60 - UNIX-CONNECT:front <in)" = "$(sha256sum <in)" ]
	ended "$bridge"
	[ "$status" -eq 0 ]
}

# What sort answers, it answers after the end of what it is asked.
@test "half-close goes through frames, whichever side binds" {
	seq 100000 >in
	for options in '' '?type=seqpacket'; do
		socat -t60 UNIX-LISTEN:server SYSTEM:'sort -rn' 3>&- &
		until [ -S server ]; do :; done
		start bridge "unix:back$options" 'unix:server?raw'
		start bridge "unix:front$options" "unix:back$options"
		via bridge - "unix:front$options" <in >out
		wait
		sort -rn in | cmp - out

		socat -t60 UNIX-LISTEN:server SYSTEM:'sort -rn' 3>&- &
		until [ -S server ]; do :; done
		start bridge --connect "unix:back$options" 'unix:server?raw'
		start bridge --bind "unix:front$options" "unix:back$options"
		via bridge - "unix:front$options" <in >out
		wait
		sort -rn in | cmp - out
	done
}

@test "one way to standard output" {
	head -c 2000000 "$VIA" >in
	start bridge --one-way 'unix:s?raw' - >out
	until [ -S s ]; do :; done
	socat -u OPEN:in UNIX-CONNECT:s
	ended "$pid"
	[ "$status" -eq 0 ]
	cmp in out
}

@test "framed messages become bytes, bytes become messages" {
	start bridge --one-way unix:s - >out
	via send unix:s -m one -m two
	ended "$pid"
	[ "$(cat out)" = onetwo ]
	start recv unix:s >out
	printf bytes | via bridge - unix:s
	ended "$pid"
	[ "$(cat out)" = bytes ]
}

@test "both sides can be bound, or connected to" {
	start bridge --bind 'unix:a?raw' 'unix:b?raw'
	bridge=$pid
	until [ -S b ]; do :; done
	start bridge --connect 'unix:a?raw' 'unix:c?raw'
	until [ -S c ] && break; do
		[ -S c ] || socat -u UNIX-LISTEN:c OPEN:out,creat 3>&- &
		until [ -S c ]; do :; done
	done
	echo through | socat -u - UNIX-CONNECT:b
	ended "$bridge"
	[ "$status" -eq 0 ]
	wait
	[ "$(cat out)" = through ]
}

@test "linger ends the direction that does not end itself" {
	socat UNIX-LISTEN:s SYSTEM:'echo bye' 3>&- &
	until [ -S s ]; do :; done
	mkfifo keyboard
	exec 6<>keyboard
	run via bridge --linger 0.05 - 'unix:s?raw' <keyboard
	[ "$status" -eq 0 ]
	[ "$output" = bye ]
}

@test "follow serves one sender after the other" {
	start_ready recv unix:to >out
	receiver=$pid
	start bridge --one-way --follow unix:from unix:to
	bridge=$pid
	via send unix:from -m one
	via send unix:from -m two
	kill -TERM "$bridge"
	ended "$bridge"
	[ "$status" -eq 143 ]
	[ ! -e from ]
	ended "$receiver"
	[ "$(cat out)" = $'one\ntwo' ]
}

@test "nobody to connect to" {
	run via bridge --timeout 0.05 unix:from unix:to
	failed_with 1 'to'
	[ ! -e from ]
}

@test "a receiver that leaves is told of, and the name goes" {
	start_ready recv -n 1 unix:to >/dev/null
	start bridge unix:from unix:to 2>err
	bridge=$pid
	yes | via send unix:from 2>/dev/null || true
	ended "$bridge"
	[ "$status" -eq 1 ]
	[ "$(wc -l <err)" -eq 1 ]
	[ ! -e from ]
}

@test "Ctrl-C puts the names away" {
	start bridge --bind 'unix:a?raw' 'unix:b?raw'
	until [ -S b ]; do :; done
	kill -INT "$pid"
	ended "$pid"
	[ "$status" -eq 130 ]
	[ -z "$(ls)" ]
}

@test "a reader that leaves ends it by SIGPIPE" {
	mkfifo out
	exec 6<>out
	start bridge --one-way --follow 'unix:s?raw' - >out
	until [ -S s ]; do :; done
	exec 6>&-
	ended "$pid"
	[ "$status" -eq 141 ]
	[ ! -e s ]
}
