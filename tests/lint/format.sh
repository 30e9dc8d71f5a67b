#!/bin/sh
# SPDX-License-Identifier: MIT
# format.sh ROOT [-i]: complain of what clang-format would change, or change it.
set -eu
cd "$1"
shift
[ $# -gt 0 ] || set -- --dry-run -Werror
find bench cli examples include inspect lab src tests \
	\( -name '*.[ch]' -o -name '*.cc' \) -exec clang-format "$@" {} +
