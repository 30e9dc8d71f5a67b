# SPDX-License-Identifier: MIT
"""symbols.py ROOT SHARED STATIC NM...: the names that leave the library.

The shared library exports what the headers declare and the symbol map lists,
no more and no less; the static one defines nothing outside via_ and via__.
"""
import pathlib
import re
import subprocess
import sys

DECLARED = re.compile(r'^VIA_API\s[^;]*?\b(via_\w+)\(', re.MULTILINE)
MAPPED = re.compile(r'^\s+(via_\w+);', re.MULTILINE)


def defined(nm, *args):
    out = subprocess.run([*nm, '--defined-only', '--format=posix', *args],
                         check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in out.splitlines()]
    # Versions themselves are absolute symbols (A).
    return {row[0].split('@')[0] for row in rows
            if len(row) > 2 and row[1] != 'A'}


def main():
    root, shared, static = sys.argv[1:4]
    nm = sys.argv[4:]
    headers = pathlib.Path(root, 'include/via').glob('*.h*')
    names = {
        'the headers': {name for header in headers
                        if header.name != 'inspect.h'
                        for name in DECLARED.findall(header.read_text())},
        'libvia.map': set(MAPPED.findall(
            pathlib.Path(root, 'src/libvia.map').read_text())),
        'the library': defined(nm, '--dynamic', shared),
    }
    bad = 0
    for place, there in names.items():
        for name in sorted(set.union(*names.values()) - there):
            print(f'{name} is missing in {place}')
            bad += 1
    for name in sorted(defined(nm, '--extern-only', static)):
        if not re.match('via_|_', name):
            print(f'{name}, in the static library, could collide')
            bad += 1
    return bad > 0


sys.exit(main())
