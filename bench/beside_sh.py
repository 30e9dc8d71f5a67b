#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""beside_sh.py VIA: what `via run` costs, beside sh: to start, and to watch.

Each way beside the same by sh, in every round and in turn first, so that
whatever else the machine does meets both alike; medians of the rounds and of
their ratios.
  line   programs that one line starts: the shell does it in via's place
  each   a program per message of `via run --each`, beside a loop of sh that
         starts one per line of its input
  one    `via run -- true` as a whole, beside `sh -c true`: what it costs once
  2 GiB  MB a second through a pipeline that is watched ten times a second
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

VIA = sys.argv[1]
ROUNDS, N = 9, 200
TRUE = '/bin/true'
LINE = f'i=0; while [ $i -lt {N} ]; do {TRUE}; i=$((i+1)); done'
ENV = dict(os.environ, SHELL='/bin/sh')


def rate(n, *command, feed=None):
    start = time.monotonic()
    worker = subprocess.Popen(command, env=ENV, stdin=subprocess.PIPE)
    if feed:
        feed(worker)
    worker.stdin.close()
    if worker.wait():
        sys.exit(f'{command} failed')
    return n / (time.monotonic() - start)


def line(*shell):
    return rate(N, *shell, LINE)


def each_by_via():
    url = 'unix:' + tempfile.mktemp(dir=os.environ.get('TMPDIR'))
    lines = b'x\n' * N

    def send(_):
        subprocess.run([VIA, 'send', url], input=lines, check=True)

    return rate(N, VIA, 'run', '--each', url, '--', TRUE, feed=send)


def each_by_sh():
    return rate(N, 'sh', '-c', f'while read -r x; do echo "$x" | {TRUE}; done',
                feed=lambda sh: sh.stdin.write(b'x\n' * N))


def once(*command):
    return sum(rate(1, *command) for _ in range(20)) / 20


GIB2 = 'head -c 2G /dev/zero | cat | cat >/dev/null'


def stream(*shell):
    return rate(2**31 / 1e6, *shell, GIB2)


def watched():
    return stream(VIA, 'run', '--json', os.devnull)


WAYS = {
    'line': (lambda: line(VIA, 'run'), lambda: line('sh', '-c')),
    'each': (each_by_via, each_by_sh),
    'one': (lambda: once(VIA, 'run', '--', TRUE),
            lambda: once('sh', '-c', TRUE)),
    '2 GiB': (watched, lambda: stream('sh', '-c')),
}

found = {name: [] for name in WAYS}
for i in range(ROUNDS):
    for name, ways in WAYS.items():
        order = (0, 1) if i % 2 else (1, 0)
        figures = {which: ways[which]() for which in order}
        found[name].append((figures[0], figures[1]))
print(f'programs, or MB, a second; medians of {ROUNDS} rounds\n'
      f'{"":8}{"via run":>10}{"sh":>10}{"ratio":>8}')
for name, pairs in found.items():
    via, sh = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    ratio = statistics.median(v / s for v, s in pairs)
    print(f'{name:8}{via:10.0f}{sh:10.0f}{ratio:8.2f}')
