#!/bin/sh
# SPDX-License-Identifier: MIT
# scripts.sh ROOT: shellcheck of every shell script and bats file.
set -eu
cd "$1"
find dev .ci bench cli completions man tests -type f \
	\( -name dev -o -name run -o -name '*.sh' -o -name '*.bash' \
	-o -name '*.bats' \) -exec shellcheck -x {} +
