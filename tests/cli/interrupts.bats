#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Signals and readers that leave: the names are put away, the exit status says
# what it was.

load lib.bash

@test "Ctrl-C ends a waiting receiver and its name goes" {
	start_ready recv unix:s
	[ -S s ]
	kill -INT "$pid"
	ended "$pid"
	[ "$status" -eq 130 ]
	[ ! -e s ]
}

@test "so do SIGTERM and SIGHUP" {
	start_ready recv unix:s
	kill -TERM "$pid"
	ended "$pid"
	[ "$status" -eq 143 ]
	start_ready recv unix:s
	kill -HUP "$pid"
	ended "$pid"
	[ "$status" -eq 129 ]
	[ ! -e s ]
}

@test "Ctrl-C shows the statistics" {
	start_ready recv --stats --follow unix:s
	via send unix:s -m x
	kill -INT "$pid"
	ended "$pid"
	[ "$status" -eq 130 ]
	read -r line <&5
	[[ "$line" == 'via recv: received 1 message,'* ]]
}

# Send for ever.
flood() {
	start send "$1" 2>/dev/null < <(exec 3>&- 5>&- 6>&-; exec yes)
}

@test "Ctrl-C ends a receiver whose output is stuck" {
	mkfifo out
	exec 6<>out
	start_ready recv unix:s >out
	receiver=$pid
	flood unix:s
	full out
	kill -INT "$receiver"
	ended "$receiver"
	[ "$status" -eq 130 ]
	[ ! -e s ]
}

@test "Ctrl-C ends a receiver that is busy" {
	start_ready recv unix:s >out
	receiver=$pid
	flood unix:s
	until [ -s out ]; do :; done
	kill -INT "$receiver"
	ended "$receiver"
	[ "$status" -eq 130 ]
	[ ! -e s ]
}

@test "an ignored SIGINT stays ignored" {
	mkfifo ready
	exec 5<>ready
	(
		trap '' INT
		exec "$VIA" recv -v unix:s >out 2>&5 3>&-
	) &
	pid=$!
	read -r _ <&5
	kill -INT "$pid"
	via send unix:s -m x
	ended "$pid"
	[ "$status" -eq 0 ]
	[ "$(cat out)" = x ]
}

@test "Ctrl-C ends a sender that waits for its receiver" {
	start send unix:s -m x
	until [ "/proc/$pid/exe" -ef "${VIA%/*}/via-verbs" ]; do :; done
	kill -INT "$pid"
	ended "$pid"
	[ "$status" -eq 130 ]
}

@test "a sender killed half-way leaves a receiver that goes on" {
	start_ready recv --follow -n 2 unix:s >out
	receiver=$pid
	mkfifo in
	exec 6<>in
	start send unix:s in
	echo one >&6
	until grep -q one out; do :; done
	kill -9 "$pid"
	ended "$pid"
	exec 6>&-
	via send unix:s -m two
	ended "$receiver"
	[ "$status" -eq 0 ]
	[ "$(cat out)" = $'one\ntwo' ]
}

@test "a reader that leaves ends a receiver by SIGPIPE" {
	mkfifo out
	exec 6<>out
	start_ready recv unix:s >out
	receiver=$pid
	flood unix:s
	head -1 out >/dev/null
	exec 6>&-
	ended "$receiver"
	[ "$status" -eq 141 ]
	[ ! -e s ]
}
