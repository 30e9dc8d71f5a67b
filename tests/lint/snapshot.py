# SPDX-License-Identifier: MIT
"""snapshot.py ROOT: every member of a snapshot's records is saved.

What inspect.h declares has a row in inspect/view/fields.c, but for what is
derived from the rest.
"""
import pathlib
import re
import sys

# struct -> members without a row.
DERIVED = {
    'via_sight': [],
    'via_process': ['task', 'signals', 'first_thread', 'n_threads',
                    'first_hold', 'n_holds'],
    'via_task': [],
    'via_task_signals': [],
    'via_thread': ['call', 'first_wait', 'n_waits'],
    'via_object': ['detail', 'first_user', 'n_users', 'first_waiter',
                   'n_waiters'],
    'via_holding': [],
    'via_wait': [],
    'via_link': [],
    'via_socket': [],
    'via_ipc': ['first_semaphore', 'n_semaphores'],
    'via_semaphore': [],
    'via_file_lock': [],
    'via_futex': [],
    'via_lane': [],
}
# Members that are rows of who has them.
WITHIN = {'via_task': ('via_process', 'task.'),
          'via_task_signals': ('via_process', 'signals.')}


def members(header, struct):
    body = re.search(r'struct %s \{(.*?)\n\};' % struct, header, re.S)[1]
    body = re.sub(r'/\*.*?\*/', '', body, flags=re.S)
    for declaration in body.split(';'):
        for name in re.findall(r'(\w+)(?:\[[^]]*\])?\s*(?:,|$)',
                               declaration.strip()):
            yield name


def rows(table, struct):
    part = re.search(r'#define R struct %s\n(.*?)#undef R' % struct, table,
                     re.S)[1]
    return re.findall(r'[A-Z_]+\((?:VIA__\w+,\s*)?([a-z_.]+),', part)


def main():
    root = pathlib.Path(sys.argv[1])
    header = (root / 'include/via/inspect.h').read_text()
    table = (root / 'inspect/view/fields.c').read_text()
    saved = set(re.findall(r'#define R struct (\w+)', table))
    bad = 0
    for struct in saved - set(DERIVED):
        print(f'{struct} is saved, but not known here')
        bad += 1
    for struct, derived in DERIVED.items():
        holder, prefix = WITHIN.get(struct, (struct, ''))
        there = rows(table, holder)
        for name in members(header, struct):
            if name not in derived and prefix + name not in there:
                print(f'{struct}: {name} is not saved')
                bad += 1
    arrays = re.findall(r'struct (\w+) \*\w+;', re.search(
        r'struct via_snapshot \{(.*?)\n\};', header, re.S)[1])
    for struct in arrays:
        if struct not in saved:
            print(f'{struct} is not saved')
            bad += 1
    return bad > 0


sys.exit(main())
