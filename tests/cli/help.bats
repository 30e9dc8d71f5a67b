#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# -h, man pages and completions come from one table and agree.

load lib.bash

mapfile -t verbs < <(sed -n 's/^VERB(\(.*\))/\1/p' \
	"${BATS_TEST_FILENAME%/*}/../../cli/verbs.def")

@test "every verb is known to the list, to help and to its page" {
	run via help
	[ "$status" -eq 0 ]
	[[ "$output" == 'Usage: via VERB'* ]]
	listed=$(sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$output")
	[ "${listed//$'\n'/ }" = "${verbs[*]}" ]
	for verb in "${verbs[@]}"; do
		cmp <(via help "$verb") <(via "$verb" -h)
		[ -e "$MAN/via-$verb.1" ]
	done
	cmp <(via help) <(via -h)
	cmp <(via help) <(via --help)
	cmp <(via version) <(via --version)
}

@test "help fits a terminal" {
	for verb in "${verbs[@]}"; do
		run awk 'length > 79' <(via "$verb" -h)
		[ -z "$output" ]
	done
}

# Among the verbs that look at processes a letter has one meaning; with those
# that wait, -t is how long.
@test "a letter means one thing" {
	for verb in ls ps why stuck graph maps limits gc signals; do
		via "$verb" -h
	done | sed -n 's/^  -\(.\), --\([a-z-]*\).*/\1 \2/p' | sort -u >letters
	[ "$(wc -l <letters)" -ge 15 ]
	[ -z "$(cut -c 1 letters | uniq -d)" ]
	for verb in "${verbs[@]}"; do
		via "$verb" -h
	done | sed -n 's/^  -t, --\([a-z-]*\).*/\1/p' | sort -u >lasting
	diff lasting <(printf 'time\ntimeout\n')
}

# Text as one line.
flat() {
	tr -s ' \n' ' '
}

@test "help and page say the same" {
	for verb in "${verbs[@]}"; do
		page=$(mandoc -T ascii -O width=500 "$MAN/via-$verb.1" |
			col -bx | flat)
		# An option and its explanation become one line.
		via "$verb" -h | sed -n '/^Options:/,/^$/p' |
			awk '/^  -|^      -/ { print option; option = "" }
				{ option = option $0 }
				END { print option }' |
			sed '1d; s/  */ /g; s/^ //' >options
		n=0
		while read -r option; do
			echo "$verb: $option"
			[[ "$page" == *"$option"* ]]
			n=$((n + 1))
		done <options
		[ "$n" -ge 1 ]
		via "$verb" -h | sed -n 's/^  \(via .*\)/\1/p' >examples
		while read -r example; do
			echo "$verb: $example"
			[[ "$page" == *"$(flat <<<"$example" | sed 's/ $//')"* ]]
		done <examples
	done
}

@test "pages are clean" {
	for page in "$MAN"/*.[1357]; do
		run mandoc -T lint -W warning "$page"
		echo "$output"
		[ "$status" -eq 0 ]
	done
}

@test "every mechanism has a page with its options" {
	for scheme in $(via mechanisms --json | python3 -c 'import json, sys
for m in json.load(sys.stdin)["mechanisms"]: print(m["scheme"])'); do
		page=$(mandoc -T ascii "$MAN/via-$scheme.7" | col -bx)
		via mechanisms "$scheme" | sed '1,/^OPTION/d' |
			while read -r option _; do
				echo "$scheme: $option"
				[[ "$page" == *" $option="* ]]
			done
	done
}

@test "mechanisms as a table and as JSON" {
	run via mechanisms
	[ "$status" -eq 0 ]
	for scheme in pipe fifo unix tcp shm; do
		grep -q "^$scheme " <<<"$output"
	done
	run via mechanisms --json unix
	python3 - "$output" <<-'END'
		import json, sys
		d = json.loads(sys.argv[1])
		[m] = d["mechanisms"]
		assert m["scheme"] == "unix" and m["available"] is True
		assert "send-recv" in m["abilities"] and m["message_max"] > 0
		assert any(o["name"] == "type" for o in m["options"])
		assert any(o["name"] == "max" for o in d["common_options"])
	END
	run via mechanisms carrier
	failed_with 1 carrier
}

@test "version" {
	run via version
	[[ "$output" =~ ^via\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

# What bash would offer after these words, the last being typed.
offered() {
	COMP_WORDS=(via "$@") COMP_CWORD=$# COMP_LINE="via $*"
	COMP_POINT=${#COMP_LINE}
	_via
	printf '%s\n' "${COMPREPLY[@]}"
}

@test "completion in bash" {
	# shellcheck source=/dev/null
	source "$COMPLETIONS/via"
	[ "$(offered brid)" = bridge ]
	[ "$(offered recv --fol)" = --follow ]
	[ "$(offered recv fif)" = fifo: ]
	[ "$(offered lock flo)" = flock: ]
	[ "$(offered recv "'unix:/x?typ" | sort | head -1)" = \
		'unix:/x?type=dgram' ]
	[ "$(offered recv 'unix:/x?raw&allow-ui' | sort | head -1)" = \
		'allow-uid=' ]
	: >a-file
	[ "$(offered send unix:s a-f)" = a-file ]
	[ "$(offered help vers)" = version ]
	[ "$(offered lab pipe.01)" = pipe.01 ]
	[ "$(offered kill TER)" = TERM ]
	cp "$(command -v sleep)" "via-$$-c"
	"./via-$$-c" 600 3>&- &
	until [ "/proc/$!/exe" -ef "via-$$-c" ]; do :; done
	[ "$(offered signals "via-$$-")" = "via-$$-c" ]
	# shellcheck disable=SC2016 # not to be expanded, by nobody
	offered recv 'unix:$(touch oops)?ra'
	[ ! -e oops ]
}

@test "completion in zsh" {
	command -v zsh || skip 'needs zsh'
	zsh -n "$COMPLETIONS/_via"
	cat >drive <<-'END'
		zmodload zsh/zpty
		zpty z zsh -f -i
		say() { zpty -w z "$1"; }
		say "fpath=($COMPLETIONS \$fpath); PS1=; autoload -U compinit"
		say "compinit -u -d $PWD/dump; zstyle ':completion:*' list-colors ''"
		# What is typed before the prompt is not read by its editor.
		say "PS1='rea''dy> '"
		zpty -r z out '*ready> *'
		zpty -w -n z $'via brid\t\'unix:/x?type=s\t\C-a: \n'
		say 'print EN''D'
		zpty -r z out '*END*'
		print -r -- $out
	END
	run zsh -f drive
	echo "$output"
	[[ "$output" == *'via bridge'* ]]
}

@test "completion in fish" {
	command -v fish || skip 'needs fish'
	export HOME=$PWD
	fish --no-execute "$COMPLETIONS/via.fish"
	offers() {
		fish -c "source '$COMPLETIONS/via.fish'; complete -C '$1'" |
			cut -f1
	}
	[ "$(offers 'via brid')" = bridge ]
	[ "$(offers 'via recv --fol')" = --follow ]
	[ "$(offers 'via recv fif')" = fifo: ]
	[ "$(offers 'via lock flo')" = flock: ]
	PATH=$(dirname "$VIA"):$PATH
	[ "$(offers 'via lab pipe.01')" = pipe.01 ]
	[ "$(offers 'via kill TER')" = TERM ]
	offers 'via signals bas' | grep -qx bash
	offers 'via recv unix:/x?typ' | grep -qx 'unix:/x?type=seqpacket'
}
