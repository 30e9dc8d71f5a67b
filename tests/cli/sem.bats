#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# via sem: semaphores of every kind.

load lib.bash

sems=(sysvsem:0x$$ posixsem:/via-$$ futex:via-$$)

@test "made, changed, looked at and removed" {
	for url in "${sems[@]}"; do
		via sem create "$url" 3
		run via sem create "$url"
		failed_with 1 'exists'
		[ "$(via sem value "$url")" = 3 ]
		via sem wait "$url"
		via sem post "$url" 2
		[ "$(via sem value --json "$url")" = \
			"{\"url\":\"$url\",\"kind\":\"${url%%:*}\",\"value\":4}" ]
		via sem rm "$url"
		run via sem value "$url"
		failed_with 1 'No such file'
		run via sem rm "$url"
		failed_with 1 'No such file'
	done
}

@test "who waits gets what is posted" {
	for url in "${sems[@]}"; do
		via sem create "$url" 0
		run via sem wait -t 0 "$url"
		failed_with 1 ''
		run via sem wait -t 20ms "$url"
		failed_with 1 'at the deadline'
		"$VIA" sem wait -t 1m "$url" 3>&- &
		via sem post "$url"
		ended $!
		[ "$status" -eq 0 ]
		[ "$(via sem value "$url")" = 0 ]
		via sem rm "$url"
	done
}

@test "a command with a unit" {
	for url in "${sems[@]}"; do
		via sem create "$url" 2
		run via sem wait "$url" -- sh -c "\"$VIA\" sem value $url; exit 5"
		[ "$status" -eq 5 ]
		[ "$output" = 1 ]
		[ "$(via sem value "$url")" = 2 ]
		run -127 via sem wait "$url" -- ./nonesuch
		failed_with 127 'exec ./nonesuch: not found'
		[ "$(via sem value "$url")" = 2 ]
		via sem rm "$url"
	done
}

@test "at most two at once" {
	url=sysvsem:$$
	via sem create "$url" 2
	mkfifo in out
	for _ in 1 2 3; do
		start sem wait "$url" -- sh -c 'echo >in; read -r _ <out'
	done
	exec 5<>in 6<>out
	read -r _ <&5
	read -r _ <&5
	[ "$(via sem value "$url")" = 0 ]
	run read -r -t 0.05 _ <&5
	[ "$status" -ne 0 ]
	echo >&6
	read -r _ <&5
	echo >&6
	echo >&6
	wait
	[ "$(via sem value "$url")" = 2 ]
	via sem rm "$url"
}

@test "several at once, all or none" {
	via sem create sysvsem:$$ 2
	run via sem wait -t 0 sysvsem:$$ 3
	failed_with 1 'not enough'
	[ "$(via sem value sysvsem:$$)" = 2 ]
	via sem wait sysvsem:$$ 2
	via sem rm sysvsem:$$
	via sem create posixsem:/via-$$ 2
	run via sem wait posixsem:/via-$$ 2
	failed_with 1 'one at a time'
	via sem rm posixsem:/via-$$
}

@test "an array" {
	via sem create "sysvsem:$$?count=3" 7
	via sem wait "sysvsem:$$?index=2" 4
	[ "$(via sem value "sysvsem:$$?index=1")" = 7 ]
	[ "$(via sem value "sysvsem:$$?index=2")" = 3 ]
	run via sem value "sysvsem:$$?index=3"
	failed_with 1 'array of 3'
	via sem rm sysvsem:$$
	: >key
	via sem create "sysvsem:./key"
	via sem rm "sysvsem:$PWD/key"
}

@test "killed with a unit" {
	local undo=--undo

	via sem create sysvsem:$$
	mkfifo held
	for expected in 1 0; do
		start sem wait $undo sysvsem:$$ -- \
			sh -c 'echo $$ >held; exec tail -f /dev/null'
		read -r child <held
		kill -9 "$pid" "$child"
		ended "$pid"
		[ "$(via sem value sysvsem:$$)" = "$expected" ]
		undo=
	done
	via sem rm sysvsem:$$
}

@test "too many units" {
	via sem create sysvsem:$$ 32767
	run via sem post sysvsem:$$
	failed_with 1 'more than 32767 units'
	via sem rm sysvsem:$$
	via sem create posixsem:/via-$$ 2147483647
	run via sem post posixsem:/via-$$
	failed_with 1 'more than 2147483647 units'
	via sem rm posixsem:/via-$$
	run via sem create sysvsem:$$ 32768
	failed_with 1 'value=32768'
}

@test "removed while waited on" {
	via sem create sysvsem:$$ 0
	"$VIA" sem wait sysvsem:$$ >out 2>&1 3>&- &
	until [[ "$(via lock --json sysvsem:$$)" == *'"n_waiters":1,'* ]]; do :; done
	via sem rm sysvsem:$$
	ended $!
	[ "$status" -eq 1 ]
	[ "$(cat out)" = "via sem: sysvsem:$$: was removed" ]
}

@test "garbage and another user's" {
	printf garbage >/dev/shm/sem.via-$$
	run via sem value posixsem:/via-$$
	failed_with 1 'cut off, or no semaphore'
	rm /dev/shm/sem.via-$$
	[ "$(id -u)" -eq 0 ] || skip 'needs root'
	for url in "${sems[@]}"; do
		via sem create "$url"
		run setpriv --reuid=65534 --clear-groups "$VIA" sem post "$url"
		failed_with 1 'access denied'
		via sem rm "$url"
	done
}

@test "bad input" {
	run via sem
	failed_with 2 'usage: via sem'
	run via sem grow sysvsem:1
	failed_with 2 "'grow' is none of"
	run via sem value flock:f
	failed_with 1 'is a lock, no semaphore'
	run via sem post sysvsem:x
	failed_with 1 'neither a key'
	run via sem post posixsem:/a/b
	failed_with 1 'one slash'
	run via sem post sysvsem:$$ x
	failed_with 2 'no number of units'
	run via sem post sysvsem:$$ 0
	failed_with 1 'No such file'
	run via sem value sysvsem:$$ 1
	failed_with 2 'takes no number'
	run via sem post --json sysvsem:$$
	failed_with 2 'goes with value'
	run via sem post -t 1s sysvsem:$$
	failed_with 2 'go with wait'
	run via sem wait --undo sysvsem:$$
	failed_with 2 'goes with a command'
	run via sem wait --undo posixsem:/via-$$ -- true
	failed_with 1 "unknown option 'undo'"
}
