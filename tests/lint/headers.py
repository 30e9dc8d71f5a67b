# SPDX-License-Identifier: MIT
"""headers.py ROOT BUILD LANGUAGE COMPILER...: each header compiles alone.

LANGUAGE c11 or c++11: the public ones, as a user's program may compile them.
LANGUAGE gnu17: all others, as the project compiles them.
"""
import pathlib
import subprocess
import sys

WARNINGS = ['-Wall', '-Wextra', '-Werror']
FOLDERS = ['src', 'cli', 'bench', 'lab', 'inspect', 'tests']


def compiles(command, header):
    # Twice: the guard is tested too.
    program = f'#include "{header}"\n' * 2 + 'extern int unused;\n'
    return subprocess.run([*command, '-fsyntax-only', '-'], text=True,
                          input=program).returncode == 0


def main():
    root, build = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    language, compiler = sys.argv[3], sys.argv[4:]
    places = ['include', build / 'include']
    if language == 'gnu17':
        # Programs for the kernel are compiled for another machine.
        headers = [path for folder in FOLDERS
                   for path in (root / folder).rglob('*.h')
                   if path.parent.name != 'bpf']
        places += ['.', 'src']
        flags = ['-D_GNU_SOURCE']
    else:
        headers = [path for place in places
                   for path in (root / place / 'via').glob('*.h')]
        flags = ['-pedantic']

    flags += [f'-I{root / place}' for place in places]
    command = [*compiler, '-x', 'c++' if '++' in language else 'c',
               f'-std={language}', *WARNINGS, *flags]
    bad = [header for header in sorted(headers)
           if not compiles(command, header)]
    for header in bad:
        print(f'{header} does not compile alone as {language}')
    return len(bad) > 0 or not headers


sys.exit(main())
