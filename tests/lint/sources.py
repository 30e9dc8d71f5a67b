# SPDX-License-Identifier: MIT
"""sources.py ROOT: each source names its licence; no notes to self."""
import pathlib
import re
import sys

SOURCES = re.compile(
    r'.*\.([chm]|cc|def|map|in|pml|py|sh|bats|bash|zsh|fish|[1-9])|meson\.build'
    r'|meson_options\.txt|dev|run')
SKIPPED = re.compile(r'\.git|build(-.*)?|corpus')
TAG = 'SPDX-License-Identifier: MIT'
NOTE = re.compile(r'\b(TOD[O]|FIXM[E]|XX[X])\b')


def sources(folder):
    for path in sorted(folder.iterdir()):
        if SKIPPED.fullmatch(path.name):
            continue
        if path.is_dir():
            yield from sources(path)
        elif SOURCES.fullmatch(path.name):
            yield path


def faults(path):
    lines = path.read_text().splitlines()
    head = lines[1:2] if lines[:1] and lines[0].startswith('#!') else lines[:1]
    if not head or TAG not in head[0]:
        yield 1, f'does not begin with {TAG}'
    for number, line in enumerate(lines, 1):
        if note := NOTE.search(line):
            yield number, f'says {note[0]}: do it or drop it'


def main():
    root = pathlib.Path(sys.argv[1])
    bad = 0
    for path in sources(root):
        for number, fault in faults(path):
            print(f'{path.relative_to(root)}:{number}: {fault}')
            bad += 1
    return bad > 0


sys.exit(main())
