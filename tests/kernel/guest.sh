#!/bin/sh
# SPDX-License-Identifier: MIT
# The first process of the machine that tests/kernel/run boots: mounts what a
# Debian has, does what is in /command, and turns the machine off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8

# put TYPE WHERE [OPTIONS]: mount it unless it is there.
put() {
	mkdir -p "$2"
	mountpoint -q "$2" || mount -t "$1" ${3:+-o "$3"} "$1" "$2"
}

put proc /proc
put sysfs /sys
put devtmpfs /dev
put devpts /dev/pts gid=5,mode=620
put tmpfs /dev/shm mode=1777
put mqueue /dev/mqueue
put tmpfs /run mode=755
put tmpfs /tmp mode=1777
put cgroup2 /sys/fs/cgroup
put tracefs /sys/kernel/tracing
ln -sfn /proc/self/fd /dev/fd
hostname debian
ip link set lo up
modprobe -qa vsock_loopback fuse
prlimit --pid $$ --nofile=1024:524288

# Not a terminal, which would be told of progress.
{
	setsid sh /command </dev/null
	echo $? >/status
} 2>&1 | cat
sync
mount -o remount,ro /
# The first process must not end; there is no disk to load another from while
# the machine goes.
(
	sleep 1
	echo o >/proc/sysrq-trigger
) &
exec sleep 60
