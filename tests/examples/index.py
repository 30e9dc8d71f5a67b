#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""index.py ROOT: the examples and what is written about them agree.

Each program is built and is in the index, once; each rule that the index names
exists; a program is short; a translation has the links, rules and output of its
original.
"""
import pathlib
import re
import sys

LINES_MAX = 60
LINK = re.compile(r'\]\(([^)#]+)\)')
OUTPUT = re.compile(r'^    \$ .*\n(?:(?:    .*)?\n)*', re.MULTILINE)
RULE = re.compile(r'\b([a-z]+\.\d\d)\b')


def differences(what, seen, expected):
    for name in sorted(set(seen) ^ set(expected)):
        yield f'{name} is not in both: {what}'
    for name in sorted(set(seen)):
        if seen.count(name) > 1:
            yield f'{name} is twice in {what}'


def shared(path):
    """What a README has in common with its translation."""
    text = path.read_text().replace('README.zh-CN.md', 'README.md')
    return [part.findall(text) for part in (LINK, RULE, OUTPUT)]


def faults(root):
    examples = root / 'examples'
    programs = sorted(path.name for path in examples.glob('*.c'))
    index = (examples / 'README.md').read_text()
    built = re.findall(r"^  '(\w+)',$",
                       (examples / 'meson.build').read_text(), re.MULTILINE)

    yield from differences('meson.build and the folder',
                           [name + '.c' for name in built], programs)
    yield from differences('README.md and the folder',
                           [link for link in LINK.findall(index)
                            if link.endswith('.c')], programs)

    rules = (root / 'tests/lab/ids.txt').read_text().split()
    for rule in RULE.findall(index):
        if rule not in rules:
            yield f'there is no rule {rule}'

    for name in programs:
        lines = len((examples / name).read_text().splitlines())
        if lines > LINES_MAX:
            yield f'{name} has {lines} lines, more than {LINES_MAX}'

    for original in root / 'README.md', examples / 'README.md':
        if shared(original) != shared(original.with_suffix('.zh-CN.md')):
            yield f'{original}: its translation has other links or output'


bad = list(faults(pathlib.Path(sys.argv[1])))
print('\n'.join(bad))
sys.exit(len(bad) > 0)
