#!/bin/sh
# SPDX-License-Identifier: MIT
# scripts.sh ROOT: shellcheck of every shell script and bats file.
set -eu
cd "$1"
find dev .ci bench cli completions man tests -type f \
	\( -name dev -o -name run -o -name '*.sh' \) -exec shellcheck {} +
# It takes the tests of bats for subshells and does not follow `load`.
find tests -type f \( -name '*.bats' -o -name '*.bash' \) \
	-exec shellcheck -e SC2030,SC2031,SC2034,SC2153,SC2154 {} +
