#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh FUZZER CORPUS: fuzz for five seconds, or minutes if VIA_LONG is set.
# The kept inputs are only read; what crashes is written to where we are.
set -eu

seconds=5
[ -z "${VIA_LONG:-}" ] || seconds=300
inputs=$(find "$2" -type f | paste -sd, -)
exec "$1" -max_total_time=$seconds -timeout=5 -rss_limit_mb=1024 \
	-print_final_stats=1 -seed_inputs="$inputs"
