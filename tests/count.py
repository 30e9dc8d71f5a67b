#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sum up Meson's test logs by single test cases: N passed, N failed[, N skipped].

A program that speaks TAP counts with each of its lines, any other as one. One
that fails outside of its lines (killed, leaked, timed out) is a failure more.
"""
import collections
import json
import pathlib
import re
import sys

TAP_LINE = re.compile(r"^(not )?ok\b([^#\n]*)(#\s*SKIP)?", re.I | re.M)


def cases(test):
    """Yield (name, outcome) for each case of one entry of a log."""
    bad = test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")
    lines = TAP_LINE.findall(test["stdout"] or "")
    for negated, name, skip in lines:
        outcome = "skipped" if skip else "failed" if negated else "passed"
        bad = bad and outcome != "failed"
        yield f"{test['name']}: {name.strip(' -')}", outcome
    if bad:
        yield f"{test['name']}: {test['result']}", "failed"
    elif not lines:
        outcome = "skipped" if test["result"] == "SKIP" else "passed"
        yield test["name"], outcome


def main(logs):
    count = collections.Counter()
    for log in logs:
        build = pathlib.Path(log).resolve().parents[1].name
        with open(log, encoding="utf-8") as lines:
            for test in map(json.loads, lines):
                for name, outcome in cases(test):
                    count[outcome] += 1
                    if outcome == "failed":
                        print(f"failed: {build}: {name}")
    line = f"{count['passed']} passed, {count['failed']} failed"
    if count["skipped"]:
        line += f", {count['skipped']} skipped"
    print(line)
    return 1 if count["failed"] or not count["passed"] else 0


sys.exit(main(sys.argv[1:]))
