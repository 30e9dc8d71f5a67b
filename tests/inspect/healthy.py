# SPDX-License-Identifier: MIT
"""healthy.py VIA_MK VIA_SEE busy|dead|real [NAME...]: alarms, true and false.

busy: all pairs that are busy with each other run at once and are looked at 100
times (1,000 times in the long tests): nobody may be said to be stuck.
dead: all deadlocks there are stand at once and are looked at 60 times: each is
to be found each time.
real: programs with something to do; nobody in them may be said to be stuck.
"""
import collections
import contextlib
import json
import os
import subprocess
import sys

import factory
import programs

ALARMS = ('deadlock', 'stuck', 'orphaned')


def looks(see, n, pids):
    """What each of n looks said about the processes and all below them."""
    command = [see, '--suppose', '--closest', '--looks', str(n), *map(str, pids)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as looked:
        for line in looked.stdout:
            yield json.loads(line)
    if looked.returncode:
        raise factory.Broken(f'{see} ended with {looked.returncode}')


def together(stack, mk, kinds, tap, wanted=lambda truth: True):
    """The truth about each of many situations at once."""
    made = {}
    for kind in kinds:
        with contextlib.ExitStack() as alone:
            try:
                # Who looks comes first, or the busy would keep him waiting.
                truth = alone.enter_context(
                    factory.situation(mk, kind, before=('nice', '-n', '15')))
            except factory.Missing as missing:
                tap.case(kind, [], str(missing))
                continue
            except factory.Broken as broken:
                tap.case(kind, [str(broken)])
                continue
            if wanted(truth):
                made[kind] = truth
                stack.push(alone.pop_all())
    return made


def busy(mk, see, n, tap):
    kinds = [kind for kind in factory.kinds(mk) if kind.startswith('busy-')]
    with contextlib.ExitStack() as stack:
        made = together(stack, mk, kinds, tap)
        whose = {task['tid']: kind for kind, truth in made.items()
                 for task in truth['tasks']}
        whose_pid = {task['pid']: kind for kind, truth in made.items()
                     for task in truth['tasks']}
        said = collections.defaultdict(collections.Counter)
        waited = collections.Counter()
        for look in looks(see, n, [t['maker'] for t in made.values()]):
            for rule, pid, what in look.pop('findings'):
                said[whose_pid.get(pid)][f'{rule}: {what}'] += 1
            for tid, (verdict, certainty, comm) in look.items():
                kind = whose.get(int(tid))
                waited[kind] += verdict != 'running'
                if verdict in ALARMS:
                    said[kind][f'{comm} is {verdict} ({certainty})'] += 1
    for kind in made:
        tap.case(f'{kind}: {n} looks, {waited[kind]} waits seen',
                 [f'{times} times {what}'
                  for what, times in said[kind].items()])
    tap.case('nobody else', [f'{times} times {what}'
                             for what, times in said[None].items()])


def dead(mk, see, n, tap):
    kinds = [kind for kind in factory.kinds(mk)
             if not kind.startswith('busy-')]
    with contextlib.ExitStack() as stack:
        made = together(stack, mk, kinds, tap, lambda truth: truth['cycles'])
        found = collections.Counter()
        for look in looks(see, n, [t['maker'] for t in made.values()]):
            for kind, truth in made.items():
                found[kind] += all(
                    look.get(str(tid), [''])[0] == 'deadlock'
                    for cycle in truth['cycles'] for tid in cycle)
    for kind in made:
        tap.case(f'{kind}: found {found[kind]}/{n}',
                 [] if found[kind] == n else ['not every time'])


def real(name, see, n, tap):
    said = collections.Counter()
    seen = collections.Counter()
    try:
        with programs.run(name) as pids:
            for look in looks(see, n, pids):
                for rule, _, what in look.pop('findings'):
                    said[f'{rule}: {what}'] += 1
                seen[len(look)] += 1
                for verdict, certainty, comm in look.values():
                    if verdict in ALARMS:
                        said[f'{comm} is {verdict} ({certainty})'] += 1
    except factory.Missing as missing:
        tap.case(name, [], str(missing))
        return
    tap.case(f'{name}: {n} looks at {max(seen)} threads',
             [f'{times} times {what}' for what, times in said.items()])


def main():
    mk, see, which, *names = sys.argv[1:]
    tap = factory.Tap()
    n = 1000 if os.environ.get('VIA_LONG') else 100
    if which == 'busy':
        busy(mk, see, n, tap)
    elif which == 'dead':
        dead(mk, see, 60, tap)
    else:
        for name in names or programs.names():
            real(name, see, n, tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
