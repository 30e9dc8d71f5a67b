#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The texts and sources of the experiments, as C tables.

embed.py OUTPUT FILE...: the files are lab/NAME.c, lab/NAME_PART.c and
text/NAME.LANGUAGE.txt. An experiment's source is its function and those that
are its own, found by their names: pipe.08 is pipe_08() and pipe_08_WHAT().
"""
import pathlib
import re
import sys

KEYS = ('title', 'rule', 'why', 'myth', 'means')
NEEDED = {'en': ('rule', 'why', 'means'),
          'zh': ('title', 'rule', 'why', 'means')}
FUNCTION = re.compile(r'^(?:static )?\w[^\n]*?\b([a-z]+)_(\d\d)(?:_\w+)?'
                      r'\([^{]*\)\n\{\n.*?^\}\n', re.MULTILINE | re.DOTALL)
WIDE = re.compile(r'[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef“”…]')


def fail(path, words):
    sys.exit(f'{path}: {words}')


def join(lines):
    """A paragraph from its lines; Chinese is written without spaces."""
    text = ''
    for line in lines:
        wide = text and WIDE.match(text[-1]) and WIDE.match(line)
        text += line if wide or not text else ' ' + line
    return text


def read_text(path):
    """(section title or None, {id: {key: paragraph}})"""
    entries, head = {}, {}
    fields, lines = head, None
    for line in path.read_text().splitlines():
        if line.startswith('#') or not line.strip():
            continue
        if match := re.fullmatch(r'\[([a-z]+\.\d\d)\]', line):
            fields = entries.setdefault(match[1], {})
        elif match := re.fullmatch(r'([a-z]+): (.+)', line):
            if match[1] not in (KEYS if fields is not head else ('section',)):
                fail(path, f'what is {match[1]}?')
            lines = fields[match[1]] = [match[2].strip()]
        elif line.startswith('  ') and lines:
            lines.append(line.strip())
        else:
            fail(path, f'cannot read: {line}')
    whole = {name: {key: join(value) for key, value in fields.items()}
             for name, fields in entries.items()}
    return join(head.get('section', [])), whole


def check(path, language, entries, sources):
    for name in sources:
        lacking = [key for key in NEEDED[language]
                   if key not in entries.get(name, {})]
        if lacking:
            fail(path, f'{name} has no {", ".join(lacking)}')
    for name in entries:
        if name not in sources:
            fail(path, f'there is no experiment {name}')


def quote(text):
    if text is None:
        return 'NULL'
    escapes = {'\\': '\\\\', '"': '\\"', '\n': '\\n', '\t': '\\t'}
    return '"' + ''.join(escapes.get(c, c) for c in text) + '"'


def main():
    output, *paths = map(pathlib.Path, sys.argv[1:])
    sources, texts, titles = {}, [], []
    for path in paths:
        if path.suffix == '.c':
            for match in FUNCTION.finditer(path.read_text()):
                name = f'{match[1]}.{match[2]}'
                before = sources.get(name)
                sources[name] = (path.name, before[1] + '\n' + match[0]
                                 if before else match[0])
    for path in paths:
        if path.suffix != '.txt':
            continue
        section, language = path.name.split('.')[:2]
        title, entries = read_text(path)
        if title:
            titles.append((section, language, title))
        own = [name for name in sources if name.split('.')[0] == section]
        check(path, language, entries, own)
        texts += [(name, language, *(fields.get(key) for key in KEYS))
                  for name, fields in entries.items()]

    def rows(table):
        return ''.join('\t{' + ', '.join(map(quote, row)) + '},\n'
                       for row in table)

    output.write_text(
        '#include "lab/text.h"\n\n#include <stddef.h>\n\n'
        'const struct lab_text lab_texts[] = {\n' + rows(texts) + '\t{0},\n};\n'
        'const struct lab_source lab_sources[] = {\n' +
        rows((name, *source) for name, source in sources.items()) +
        '\t{0},\n};\n'
        'const struct lab_section_title lab_section_titles[] = {\n' +
        rows(titles) + '\t{0},\n};\n')


main()
