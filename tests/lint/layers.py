# SPDX-License-Identifier: MIT
"""layers.py ROOT: includes follow the arrows of docs/ARCHITECTURE.md."""
import pathlib
import re
import sys

# Folder -> the folders whose headers it may include besides its own. The
# longest name that fits a file is its layer.
ARROWS = {
    'include/via': [],
    'src/core': ['include/via'],
    'src/sync': ['include/via', 'src/core'],
    'src/ring': ['include/via', 'src/core', 'src/sync'],
    'src/transport': ['include/via', 'src/core', 'src/sync', 'src/ring'],
    'src/channel': ['include/via', 'src/core', 'src/transport'],
    'src/loop': ['include/via', 'src/core'],
    'src/process': ['include/via', 'src/core'],
    'inspect/model': ['include/via'],
    'inspect/collect': ['include/via', 'inspect/model'],
    'inspect/view': ['include/via', 'inspect/model'],
    'inspect/diagnose': ['include/via', 'inspect/model', 'inspect/view'],
    'cli': ['include/via', 'bench', 'inspect', 'lab'],
    'lab': [],
    'bench': ['include/via'],
    'examples': ['include/via'],
}

# Where an include is looked for, as in the build; then beside the file.
PLACES = ['.', 'src', 'include']

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)


def layer_of(path):
    fits = [name for name in ARROWS if path.is_relative_to(name)]
    return max(fits, key=len, default=path.parts[0])


def resolve(root, file, name):
    for place in [*PLACES, file.parent]:
        path = root / place / name
        if path.exists() or path.with_name(path.name + '.in').exists():
            return path.resolve().relative_to(root)
    return None


def faults(root, file):
    layer = layer_of(file)
    allowed = [layer, *ARROWS[layer]]
    if file.stem.endswith('_test'):
        allowed.append('tests')

    for quote, name in INCLUDE.findall((root / file).read_text()):
        target = resolve(root, file, name)
        if target is None:
            if quote == '"':
                yield f'"{name}" is nowhere to be found'
        elif not any(target.is_relative_to(folder) for folder in allowed):
            yield f'{layer} may not include {layer_of(target)} ({name})'


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    bad = 0
    for folder in {name.split('/')[0] for name in ARROWS}:
        for path in sorted((root / folder).rglob('*.[ch]*')):
            file = path.relative_to(root)
            if layer_of(file) not in ARROWS:
                print(f'{file}: {file.parent} has no arrows')
                bad += 1
                continue
            for fault in faults(root, file):
                print(f'{file}: {fault}')
                bad += 1
    return bad > 0


sys.exit(main())
