# SPDX-License-Identifier: MIT
# What the CLI tests share. VIA is the program under test, MAN and COMPLETIONS
# the directories of what was made from its tables.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# What a failed test has left running ends with it.
teardown() {
	local pid

	for pid in $(jobs -p); do
		kill -9 "$pid" 2>/dev/null
	done
	wait
}

via() {
	"$VIA" "$@"
}

# In the background, its pid in $pid, without the descriptors that are bats' or
# the test's own. Bash has background jobs ignore SIGINT; a terminal does not.
start() {
	env --default-signal=INT,TERM,HUP,PIPE "$VIA" "$@" <&0 3>&- 5>&- 6>&- &
	pid=$!
}

# Start with -v and wait for the URL that it tells, to be in $url; 5 is open
# for what it says on standard error after that.
start_ready() {
	mkfifo ready
	exec 5<>ready
	rm ready
	start "$@" -v 2>&5
	read -r _ _ _ url <&5
}

# Wait for process $1 to end; its exit status is in $status.
ended() {
	status=0
	wait "$1" || status=$?
}

# Wait until the pipe $1 has no room.
full() {
	python3 - "$1" <<-'END'
		import os, select, sys
		poll = select.poll()
		fd = os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK)
		poll.register(fd, select.POLLOUT)
		while poll.poll(0): pass
	END
}

# Have ${nobody[@]} run via as a user without rights, from a directory of his.
become_nobody() {
	[ "$(id -u)" -eq 0 ] || skip 'needs root to become somebody else'
	nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	chmod 755 . .. ../..
	run "${nobody[@]}" true || skip 'needs setpriv'
	# The build may be where nobody else can go, below /root.
	cp "$VIA" "${VIA%/*}/via-verbs" "${VIA%/*}/../src/libvia.so.0" .
	nobody+=(env "LD_LIBRARY_PATH=$PWD" "$PWD/via")
}

# The last command of run failed with status $1 and one line that has $2 in it.
failed_with() {
	echo "status $status: $output"
	[ "$status" -eq "$1" ]
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" == via*": "*"$2"* ]]
}

# URLs of every mechanism that two programs can meet by.
addresses=(fifo:f unix:s "unix:@via-test-$$" 'unix:q?type=seqpacket'
	"shm:via-test-$$" tcp::0 'unix:d?type=dgram')

# Until a command succeeds.
until_so() {
	until "$@" >/dev/null 2>&1; do :; done
}

# cat | wc with nothing to do, both in place: $first, $last and the $pipe
# between them.
start_pipeline() {
	mkfifo hold
	cat <hold | wc -c >out 3>&- &
	last=$!
	exec 8>hold
	until_so grep -qx wc "/proc/$last/comm"
	pipe=$(readlink "/proc/$last/fd/0")
	first=$(via ls -nr -o ENDS "$pipe" | sed 's/,.*//')
	until_so grep -qx cat "/proc/$first/comm"
	until_so via ls --state waited "$pipe"
}
