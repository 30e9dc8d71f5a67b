#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via send and via recv: what goes in comes out.

load lib.bash

# What is sent with the given options arrives the same, by each address.
crosses() {
	local address

	for address in "${addresses[@]}"; do
		echo "$address"
		start_ready recv "$@" "$address" >out
		via send "$@" "$url" in
		ended "$pid"
		[ "$status" -eq 0 ]
		cmp in out
	done
}

@test "lines arrive as lines over every mechanism" {
	seq 100000 >in
	crosses
}

@test "raw bytes arrive over every mechanism" {
	seq 1000000 >in
	crosses --raw
}

@test "a whole file is one message over every mechanism" {
	seq 1000000 >in
	crosses --whole
}

@test "empty lines and a last line without a newline are records" {
	start recv unix:s >out
	printf 'a\n\n\nb' | via send unix:s
	ended "$pid"
	[ "$(cat out)" = $'a\n\n\nb' ]
}

@test "no input sends no message, an empty whole file sends one" {
	: >empty
	start recv --json unix:s >out
	via send unix:s empty
	ended "$pid"
	[ ! -s out ]
	start recv --json unix:s >out
	via send --whole unix:s empty
	ended "$pid"
	[[ "$(cat out)" == *'"length":0,"data":""'* ]]
}

@test "null keeps newlines within records" {
	printf 'a\nb\0c\0' >in
	start recv --null unix:s >out
	via send --null unix:s in
	ended "$pid"
	cmp in out
}

@test "size cuts blocks, the last may be shorter" {
	head -c 1000 "$VIA" >in
	start recv --size 64 unix:s >out
	via send --size 64 --stats unix:s in 2>err
	ended "$pid"
	[ "$status" -eq 0 ]
	cmp in out
	grep -q 'sent 16 messages, 1.0 kB' err
}

@test "recv --size refuses a message of another size" {
	start recv --size 4 unix:s 2>err
	run via send unix:s -m 1234 -m 123 -m 1234
	ended "$pid"
	[ "$status" -eq 1 ]
	[ "$(cat err)" = 'via recv: message 2 is no block of 4 bytes' ]
	start recv --size 4 unix:s 2>err
	run via send unix:s -m 12345
	ended "$pid"
	[ "$status" -eq 1 ]
}

@test "messages from the command line" {
	start recv unix:s >out
	via send -m one unix:s -m 'two words'
	ended "$pid"
	[ "$(cat out)" = $'one\ntwo words' ]
}

@test "several files and standard input, one after the other" {
	echo a >a
	echo c >c
	start recv unix:s >out
	echo b | via send unix:s a - c
	ended "$pid"
	[ "$(cat out)" = $'a\nb\nc' ]
}

@test "count ends the sender and the receiver" {
	start recv unix:s >out
	seq 1000 | via send -n 7 unix:s
	ended "$pid"
	[ "$(wc -l <out)" -eq 7 ]
	start recv -n 3 unix:s >out
	seq 3 | via send unix:s
	ended "$pid"
	[ "$status" -eq 0 ]
	[ "$(cat out)" = $'1\n2\n3' ]
}

@test "a sender may start first" {
	start send unix:s -m early
	[ "$(via recv unix:s)" = early ]
	ended "$pid"
	[ "$status" -eq 0 ]
}

@test "a typed line is sent at once" {
	mkfifo keyboard
	exec 6<>keyboard
	start send unix:s <keyboard
	echo hello >&6
	[ "$(via recv -n 1 unix:s)" = hello ]
	exec 6>&-
	ended "$pid"
}

@test "a received line is written at once" {
	mkfifo screen
	exec 6<>screen
	start recv unix:s >screen
	via send unix:s -m first
	read -r line <&6
	[ "$line" = first ]
	exec 6<&-
	ended "$pid"
}

@test "a slow reader gets everything" {
	seq 300000 >in
	mkfifo screen
	exec 6<>screen
	start recv unix:s >screen
	receiver=$pid
	start send unix:s in
	full screen
	cat screen >out 6>&- &
	reader=$!
	ended "$receiver"
	exec 6>&-
	ended "$reader"
	cmp in out
}

@test "follow goes on when the last sender has left" {
	start recv --follow -n 2 unix:s >out
	via send unix:s -m one
	via send unix:s -m two
	ended "$pid"
	[ "$status" -eq 0 ]
	[ "$(cat out)" = $'one\ntwo' ]
}

@test "follow ends where nobody can come again" {
	[ "$(via send 'pipe:?fd=1' -m x | via recv --follow 'pipe:?fd=0')" = x ]
}

@test "many senders" {
	start recv --follow -n 4000 unix:s >out
	receiver=$pid
	for i in 1 2 3 4; do
		seq $((i * 10000)) $((i * 10000 + 999)) | start send unix:s
	done
	ended "$receiver"
	[ "$(sort -u out | wc -l)" -eq 4000 ]
}

@test "json tells what is known of a message" {
	start recv --json unix:s >out
	printf 'plain "quoted" \\ \303\251\t\n\377\0\1\n' | via send unix:s
	ended "$pid"
	run python3 - out <<-END
		import base64, json, os, sys
		text, binary = [json.loads(l) for l in open(sys.argv[1])]
		assert text["data"] == 'plain "quoted" \\\\ \u00e9\t', text
		assert text["seq"] == 0 and binary["seq"] == 1
		assert text["uid"] == os.getuid() and text["pid"] > 0
		assert len(text["sender"]) == 16
		assert base64.b64decode(binary["base64"]) == b"\xff\0\1"
		assert binary["length"] == 3
	END
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "stats on both sides" {
	start recv --stats unix:s 2>err >/dev/null
	seq 10 | via send --stats unix:s 2>err2
	ended "$pid"
	grep -q '^via recv: received 10 messages, 11 B in ' err
	grep -q '^via send: sent 10 messages, 11 B in ' err2
}

@test "raw URLs talk with any program" {
	start_ready recv --raw 'fifo:f?raw' >out
	echo 'from cat' >f
	ended "$pid"
	[ "$(cat out)" = 'from cat' ]
	start send 'fifo:f?raw' -m 'to cat'
	[ "$(cat f)" = 'to cat' ]
	ended "$pid"
}
