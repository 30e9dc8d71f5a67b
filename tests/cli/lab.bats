#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The kernel's rules: all there, all run, none vacuous, all told.

load lib.bash

ids() {
	cat "$BATS_TEST_DIRNAME/../lab/ids.txt"
}

@test "every rule has exactly one experiment" {
	diff <(via lab --list | cut -f1 | sort) <(ids | sort)
}

@test "sections add up" {
	run -0 via lab
	[[ "${lines[-1]}" =~ ^\ *$(ids | wc -l)\ + ]]
	[ "$(via lab pipe --list | wc -l)" -eq "$(ids | grep -c '^pipe\.')" ]
}

@test "all hold, or are skipped with a reason" {
	run via lab --all
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(ids | wc -l)" -eq "$(grep -cE '^  [a-z]+\.[0-9]+ +(holds|skipped)' <<<"$output")" ]
	[ "$(grep -c '^  [a-z0-9.]* *skipped' <<<"$output")" -eq \
		"$(grep -c '^ *needs ' <<<"$output")" ]
}

@test "all hold for an ordinary user" {
	become_nobody
	mkdir -m 1777 tmp
	TMPDIR=$PWD/tmp run "${nobody[@]}" lab --all
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$(ls tmp)" ]
}

@test "none is vacuous" {
	run via lab --self-check
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a rule is explained with what happened and its source" {
	run -0 via lab explain pipe.09
	[[ "$output" == *'write(p[1]=4, "x", 1) = -1 EPIPE'* ]]
	[[ "$output" == *'static void pipe_09(void)'* ]]
	[[ "$output" == *SIGPIPE* ]]
}

@test "Chinese by option and by environment" {
	run -0 via lab explain --lang zh pipe.09
	[[ "$output" == *管道* ]]
	LC_ALL='' LC_MESSAGES='' LANG=zh_CN.UTF-8 run -0 via lab pipe.09
	[[ "$output" == *成立* ]]
	LC_ALL=C LANG=zh_CN.UTF-8 run -0 via lab pipe.09
	[[ "$output" == *holds* ]]
}

@test "JSON and JUnit can be read" {
	via lab fifo --json | python3 -c '
import json, sys
r = json.load(sys.stdin)
assert r["schema"] == 1
for e in r["experiments"]:
    assert e["id"].startswith("fifo.") and e["verdict"] == "holds"
    assert e["expectations"] and e["calls"]'
	via lab fifo --junit | python3 -c '
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.stdin).getroot()
assert int(suite.get("tests")) == len(suite.findall("testcase")) > 1
assert suite.get("failures") == "0"'
}

@test "a profile is compared" {
	via lab fifo --json >here.json
	run -0 via lab fifo --profile here.json
	[ -z "$output" ]
	sed '0,/"holds"/s//"differs"/' here.json >there.json
	run -1 via lab fifo --profile there.json
	[[ "$output" == "fifo.01 "*"differs -> holds"* ]]
}

@test "bad input" {
	run via lab pype
	failed_with 2 "no section or experiment 'pype'"
	run via lab explain
	failed_with 2 "explain which"
	run via lab pipe.01 --profile /nowhere
	failed_with 1 "/nowhere"
	echo '{}' >other.json
	run via lab pipe.01 --profile other.json
	failed_with 1 "other.json: this is not what via lab --json prints"
	run via lab pipe --lang fr
	failed_with 2 "fr"
}

@test "Ctrl-C and kill -9 leave nothing behind" {
	local signal

	export TMPDIR=$PWD/tmp
	mkdir tmp
	for signal in INT KILL; do
		start lab signal.13 >/dev/null
		until ls tmp/* >/dev/null 2>&1; do kill -0 "$pid"; done
		kill -"$signal" "$pid"
		ended "$pid"
		[ "$status" -gt 128 ]
		until [ -z "$(ls tmp)" ]; do :; done
	done
}
