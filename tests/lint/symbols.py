# SPDX-License-Identifier: MIT
"""symbols.py ROOT MAP SHARED STATIC BESIDE NM...: the names that leave a library.

The shared library exports what the headers declare and the symbol map lists,
no more and no less; the static one defines nothing outside via_ and via__, and
nothing that the static library beside it does.
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


# The headers of a library by its symbol map; the others are libvia's.
HEADERS = {'libvia-inspect.map': {'inspect.h'}}


def headers_of(root, symbols):
    others = set.union(*HEADERS.values())
    for header in pathlib.Path(root, 'include/via').glob('*.h*'):
        mine = HEADERS.get(symbols.name)
        if header.name in mine if mine else header.name not in others:
            yield header


def main():
    root, symbols, shared, static, beside = sys.argv[1:6]
    nm = sys.argv[6:]
    symbols = pathlib.Path(symbols)
    names = {
        'the headers': {name for header in headers_of(root, symbols)
                        for name in DECLARED.findall(header.read_text())},
        symbols.name: set(MAPPED.findall(symbols.read_text())),
        'the library': defined(nm, '--dynamic', shared),
    }
    bad = 0
    for place, there in names.items():
        for name in sorted(set.union(*names.values()) - there):
            print(f'{name} is missing in {place}')
            bad += 1
    mine, others = (defined(nm, '--extern-only', library)
                    for library in (static, beside))
    for name in sorted(mine & others):
        print(f'{name} is in both static libraries')
        bad += 1
    for name in sorted(mine):
        if not re.match('via_|_', name):
            print(f'{name}, in the static library, could collide')
            bad += 1
    return bad > 0


sys.exit(main())
