#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What goes wrong is told in one sentence and an exit status, loses nothing
# that was accepted and leaves nothing behind.

load lib.bash

@test "a program without its verbs says so" {
	cp "$VIA" .
	run ./via version
	failed_with 1 'the verbs are missing: '
}

@test "no verb, an unknown verb" {
	run via
	failed_with 2 'which verb?'
	run via snd unix:s
	failed_with 2 "there is no verb 'snd'"
}

@test "missing and surplus arguments" {
	run via send
	failed_with 2 'usage: via send'
	run via recv
	failed_with 2 'usage: via recv'
	run via recv unix:s unix:t
	failed_with 2 'usage: via recv'
	run via bridge unix:s
	failed_with 2 'usage: via bridge'
}

@test "unknown options and values of the wrong kind" {
	run via recv --frobnicate unix:s
	failed_with 2 'frobnicate'
	run via recv -n x unix:s
	failed_with 2 "--count=x: not a number"
	run via recv -n 0 unix:s
	failed_with 2 'at least 1'
	run via recv -s 64Q unix:s
	failed_with 2 '--size=64Q'
	run via recv -s 99999999999999999999 unix:s
	failed_with 2 '--size='
	run via recv -t soon unix:s
	failed_with 2 '--timeout=soon'
	run via recv -t -1 unix:s
	failed_with 2 '--timeout=-1'
	run via recv -t 0x10 unix:s
	failed_with 2 '--timeout=0x10'
	run via recv --raw --json unix:s
	failed_with 2 '--raw and --json exclude each other'
	run via send --raw --size 3 unix:s
	failed_with 2 '--size'
	run via send unix:s -m x file
	failed_with 2 '--message'
	run via bridge - -
	failed_with 2 'standard input and output'
}

@test "an unknown scheme names those there are" {
	run via recv carrier:pigeon
	failed_with 1 "'carrier'"
	[[ "$output" == *unix* ]]
}

@test "a malformed URL" {
	for url in '' /tmp/x x -x :x 'unix:%zz' 'UNIX:x' 'tcp:nowhere'; do
		run via recv -t 1s -- "$url"
		failed_with 1 ''
	done
	[ ! -e x ]
}

@test "an unknown URL option names those there are" {
	run via recv 'unix:s?sise=3'
	failed_with 1 "sise"
	[[ "$output" == *buffer* ]]
	run via recv 'unix:s?mode=999'
	failed_with 1 mode
	[ ! -e s ]
}

@test "a role that the mechanism does not have" {
	run via bridge --connect --timeout 1s shm:x unix:s
	failed_with 1 'shm'
}

@test "no permission" {
	become_nobody
	start_ready recv unix:s
	run "${nobody[@]}" send --timeout 1s "unix:$PWD/s" -m x
	failed_with 1 "$PWD/s"
	run "${nobody[@]}" recv "unix:$PWD/mine"
	failed_with 1 "$PWD/mine"
	kill "$pid"
	ended "$pid"
	start_ready recv "unix:@via-test-$$"
	run "${nobody[@]}" send --timeout 5s "unix:@via-test-$$" -m x
	failed_with 1 admit
	kill "$pid"
	ended "$pid"
}

@test "a path that is too long" {
	long=$(printf '%0200d' 0)
	run via recv "unix:$long"
	failed_with 1 '107'
	run via recv "unix:@$long"
	failed_with 1 '107'
}

@test "a directory that is not there" {
	run via recv unix:no/such/s
	failed_with 1 no/such/s
	run via recv fifo:no/such/s
	failed_with 1 no/such/s
}

@test "a name that is taken" {
	for address in "${addresses[@]}"; do
		echo "$address"
		start_ready recv "$address"
		run via recv "$url"
		failed_with 1 ''
		[[ "$output" == *"another receiver"* ||
			"$output" == *"in use"* ]]
		via send "$url" -m fine
		ended "$pid"
		[ "$status" -eq 0 ]
	done
}

@test "a name that is something else" {
	echo precious >file
	run via recv unix:file
	failed_with 1 file
	run via recv fifo:file
	failed_with 1 file
	run via send --timeout 0 fifo:file -m x
	failed_with 1 file
	[ "$(cat file)" = precious ]
}

@test "no receiver" {
	for address in "${addresses[@]}"; do
		address=${address/tcp::0/tcp::1}
		echo "$address"
		run via send --timeout 0.05 "$address" -m x
		failed_with 1 ''
		[[ "$address" == *\?* ]] && continue
		run via send "$address?wait=0" -m x
		failed_with 1 ''
	done
	[ -z "$(ls)" ]
}

@test "no message" {
	run via recv --timeout 0.05 unix:s
	failed_with 1 'no message for 0.05 s'
	[ ! -e s ]
	run via recv --whole unix:s <<<'' &
	receiver=$!
	: | via send unix:s
	ended "$receiver"
	[ ! -e s ]
}

@test "a receiver that takes nothing" {
	mkfifo out
	exec 6<>out
	start_ready recv unix:s >out
	receiver=$pid
	run sh -c 'yes | "$VIA" send --timeout 0.2 unix:s'
	failed_with 1 'full'
	exec 6>&-
	ended "$receiver"
	[ "$status" -eq 141 ]
}

@test "a receiver that leaves early" {
	start_ready recv -n 1 unix:s >/dev/null
	run sh -c 'yes | "$VIA" send unix:s'
	failed_with 1 ''
	ended "$pid"
}

@test "a server that does not speak via" {
	socat UNIX-LISTEN:s SYSTEM:'head -c 64 /dev/zero; cat >heard' 3>&- &
	until [ -S s ]; do :; done
	run via send --timeout 5s unix:s -m x
	failed_with 1 'via'
	wait
}

@test "a client that does not speak via" {
	start_ready recv --follow -n 1 unix:s >out
	receiver=$pid
	head -c 4096 /dev/zero | socat -u - UNIX-CONNECT:s
	via send unix:s -m fine
	ended "$receiver"
	[ "$status" -eq 1 ]
	[ "$(cat out)" = fine ]
	read -r line <&5
	[[ "$line" == 'via recv: '*via* ]]
}

@test "garbage on a shared medium" {
	start_ready recv --follow fifo:f
	head -c 4096 /dev/zero >f
	ended "$pid"
	[ "$status" -eq 1 ]
}

@test "a message over the limit" {
	start_ready recv unix:s >out
	run via send 'unix:s?max=4' -m 1234 -m 12345
	failed_with 1 'limit'
	ended "$pid"
	[ "$(cat out)" = 1234 ]
	start_ready recv unix:s >out
	run sh -c 'tr "\0" x </dev/zero | "$VIA" send "unix:s?max=1M"'
	failed_with 1 'record 1 is over the limit of 1048576 bytes'
	ended "$pid"
	start_ready recv 'unix:s?max=4'
	run via send unix:s -m 12345
	[ "$status" -eq 1 ]
	ended "$pid"
	[ "$status" -eq 1 ]
	read -r line <&5
	[[ "$line" == 'via recv: '*limit* ]]
}

@test "files that cannot be read" {
	mkdir dir
	start_ready recv unix:s >out
	run via send unix:s missing
	failed_with 1 'missing: No such file'
	ended "$pid"
	start_ready recv unix:s >out
	run via send unix:s dir
	failed_with 1 'dir: Is a directory'
	ended "$pid"
}

@test "a full disk" {
	[ -e /dev/full ] || skip 'needs /dev/full'
	start_ready recv unix:s >/dev/full
	run via send unix:s -m x
	ended "$pid"
	[ "$status" -eq 1 ]
	read -r line <&5
	[ "$line" = 'via recv: standard output: No space left on device' ]
	[ ! -e s ]
	run sh -c '"$VIA" help >/dev/full'
	failed_with 1 'No space left on device'
	run sh -c '"$VIA" mechanisms >/dev/full'
	failed_with 1 'No space left on device'
}

@test "a disk that fills up keeps what fits" {
	mkdir small
	mount -t tmpfs -o size=64k none small 2>/dev/null ||
		skip 'needs to mount a tmpfs'
	seq 300000 >big
	start_ready recv --raw unix:s >small/out
	run via send --raw unix:s big
	[ "$status" -eq 1 ]
	ended "$pid"
	[ "$status" -eq 1 ]
	cmp -n 65536 small/out big
	umount small
}

@test "no room for a name" {
	mkdir small
	unshare -rm mount -t tmpfs none small 2>/dev/null ||
		skip 'needs to mount a tmpfs'
	# The one inode is its root's.
	cat >in_small <<-'END'
		mount -t tmpfs -o nr_inodes=1 none small && cd small
		"$VIA" recv --timeout 0 "$1"
		status=$?
		ls -A
		exit $status
	END
	for address in fifo:f unix:s 'unix:q?type=seqpacket' \
		'unix:d?type=dgram' "shm:$PWD/small/n"; do
		echo "$address"
		run unshare -rm sh in_small "$address"
		failed_with 1 'No space left on device'
	done
}

@test "closed standard input and output" {
	start_ready recv unix:s >out
	run sh -c '"$VIA" send unix:s <&-'
	failed_with 1 'standard input: Bad file descriptor'
	ended "$pid"
	run sh -c '"$VIA" recv --timeout 1s unix:s >&-'
	failed_with 1 ''
	run sh -c '"$VIA" version >&-'
	failed_with 1 'Bad file descriptor'
	run sh -c '"$VIA" send --timeout 0 unix:s -m x 2>&-'
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "$(ls)" = out ]
}

@test "no descriptors left" {
	for address in "${addresses[@]}"; do
		echo "$address"
		run sh -c 'exec 3>&-; ulimit -n 4; exec "$VIA" recv "$1"' sh "$address"
		failed_with 1 ''
		run sh -c 'exec 3>&-; ulimit -n 4; exec "$VIA" send --timeout 0 "$1" -m x' \
			sh "$address"
		failed_with 1 ''
	done
	[ ! -e s ]
}

@test "no memory for a ring" {
	limited() {
		sh -c 'ulimit -v 400000; exec "$VIA" "$@"' sh "$@"
	}
	limited version || skip 'needs to run in 400 MB of address space'
	start_ready recv "shm:via-test-$$" >out
	run limited send "$url?ring=1G" -m x
	failed_with 1 'memory'
	via send "$url" -m fine
	ended "$pid"
	[ "$status" -eq 0 ]
	[ "$(cat out)" = fine ]
}

@test "words of others do not control the terminal" {
	run via send unix:s $'\033[2Jmissing' --timeout 0
	[[ "$output" != *$'\033'* ]]
	run via recv $'unix:s?\033[2J=3'
	[[ "$output" != *$'\033'* ]]
	run via $'\033[2J\xc2\x9bä'
	failed_with 2 "no verb '\x1b[2J\xc2\x9bä'"
}
