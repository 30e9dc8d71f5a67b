# SPDX-License-Identifier: MIT
"""stranger.py VIA_MK VIA_SEE I/N: what an ordinary user is told of others.

The situations are root's, who looks is nobody. What may not be seen counts as
able to go on: nothing is said to be stuck for sure, and nothing that is well is
said to be stuck at all.
"""
import json
import os
import subprocess
import sys

import factory
from truth import ALARMS, Sight

NOBODY = 65534


def look(program):
    said = subprocess.run([program], capture_output=True, timeout=60,
                          user=NOBODY, group=NOBODY, extra_groups=[])
    if said.returncode:
        raise factory.Broken(said.stderr.decode(errors='replace')[-2000:])
    return Sight(json.loads(said.stdout))


def faults(truth, sight):
    pids = {task['pid'] for task in truth['tasks']}
    hidden = sight.snapshot['sight'].get('n_hidden_fds', 0)
    if pids and not hidden:
        yield 'nothing is said to be hidden'
    for task in truth['tasks']:
        thread = sight.threads.get(task['tid'])
        if thread is None:
            continue
        verdict = sight.verdicts[thread]
        if verdict['verdict'] not in ALARMS:
            continue
        if verdict['certainty'] == 'exact':
            yield f'{task["role"]} is said to be {verdict["verdict"]} for sure'
        if not any(alarm in (task['verdict'] or '') for alarm in ALARMS):
            yield f'{task["role"]} is said to be {verdict["verdict"]}'


def main():
    program, see, part = sys.argv[1:]
    tap = factory.Tap()
    if os.geteuid() != 0:
        tap.case('all', [], 'root, to be somebody else')
        return tap.end()
    try:
        look(see)
    except (PermissionError, factory.Broken) as why:
        # Below /root he may not load our library either.
        if isinstance(why, PermissionError) or 'shared libraries' in str(why):
            tap.case('all', [], f'a place where nobody may run {see}')
            return tap.end()
        raise
    for kind in factory.mine(factory.kinds(program), part):
        try:
            with factory.situation(program, kind) as truth:
                bad = list(faults(truth, look(see)))
            tap.case(kind, bad)
        except factory.Missing as missing:
            tap.case(kind, [], str(missing))
        except factory.Broken as broken:
            tap.case(kind, [str(broken)])
    return tap.end()


sys.exit(main())
