#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py SPIN MODEL CC...: no sequence of steps breaks the model, and Spin sees
that one does when either of its two precautions is left out."""
import os
import re
import subprocess
import sys
import tempfile

SPIN, MODEL, CC = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3:]


def faults(*without):
    with tempfile.TemporaryDirectory() as folder:
        def run(*words):
            return subprocess.run(words, cwd=folder, check=True, text=True,
                                  stdout=subprocess.PIPE).stdout

        run(SPIN, *(f'-D{name}=false' for name in without), '-a', MODEL)
        run(*CC, '-O2', '-w', '-o', 'pan', 'pan.c')
        found = run('./pan', '-m100000')
    print('#', re.search(r'\d+ states, stored', found)[0],
          *(f'without {name}' for name in without))
    assert 'search depth too small' not in found
    return int(re.search(r'errors: (\d+)', found)[1])


CASES = [((), False), (('MEMBARRIER',), True), (('MARK',), True)]
print(f'1..{len(CASES)}')
bad = 0
for i, (without, breaks) in enumerate(CASES, 1):
    good = bool(faults(*without)) == breaks
    bad += not good
    print('ok' if good else 'not ok', i, 'breaks' if breaks else 'holds',
          *(f'without {name}' for name in without))
sys.exit(bad > 0)
