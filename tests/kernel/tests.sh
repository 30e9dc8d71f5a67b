#!/bin/sh
# SPDX-License-Identifier: MIT
# tests.sh [NAME...]: on the machine of tests/kernel/run, the tests whose names
# have one of these in them, or all but the lints.
cd /via || exit
uname -srv
for name in "${@:-}"; do
	meson test -C build --list --no-suite lint --no-suite install |
		sed -n 's|.*:.* / ||p' | grep -F -e "$name"
done | sort -u >/run/names
[ -s /run/names ] || {
	echo "no test has one of these in its name: $*"
	exit 1
}
# Emulated, all takes ten to thirty times as long.
xargs meson test -C build --no-rebuild --timeout-multiplier 20 </run/names
