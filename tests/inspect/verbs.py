# SPDX-License-Identifier: MIT
"""verbs.py VIA VIA_MK I/N: what the command says of situations.

via ls names the objects and who has them, via ps the processes, via why what
each waits for, via stuck whether that can end, also by its exit status, via gc
what is left over and nothing else. Nothing that is printed for people has a
byte that a terminal would obey, and all comes to an end.
"""
import json
import re
import subprocess
import sys

import factory
from truth import ALARMS

PATIENCE_S = 60
# What a terminal obeys: C0 but for tabs and the line's end, and C1.
OBEYED = re.compile('[\x00-\x08\x0b-\x1f\x80-\x9f]')
# In JSON, which is for programs, only what JSON itself forbids.
FORBIDDEN = re.compile('[\x00-\x08\x0b-\x1f]')
# Every view, of hostile processes.
VIEWS = [['ls'], ['ls', '--all'], ['ls', '--fd'], ['ls', '--net'],
         ['ls', '--ipc'], ['ls', '--usage'], ['ls', '--tree'],
         ['ls', '--raw', '--all'], ['ps'], ['ps', '--all'], ['graph'],
         ['graph', '--dot'], ['stuck', '--all']]
ORPHANS = 'orphaned-segment', 'orphaned-queue', 'unmapped-shm'
# Views that may not be there, or take no such option: exit status 2.
USAGE = 2


class Verbs:
    def __init__(self, via, tap):
        self.via, self.tap, self.faults = via, tap, []
        self.pids = set()  # of those that were run

    def run(self, *args):
        """Exit status and text, which has been looked through."""
        said = ' '.join(args)
        with subprocess.Popen([self.via, *args], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as ran:
            self.pids.add(ran.pid)
            try:
                out, errors = ran.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                ran.kill()
                self.faults.append(f'via {said} does not end')
                return None, ''
        if ran.returncode not in (0, 1, USAGE):
            self.faults.append(f'via {said} ended with {ran.returncode}: '
                               + errors.decode(errors='replace')[-2000:])
        for where, data in ('prints', out), ('says', errors):
            try:
                text = data.decode()
            except UnicodeDecodeError as error:
                self.faults.append(f'via {said} {where} no text: {error}')
                text = data.decode(errors='replace')
            bad = FORBIDDEN if '--json' in args else OBEYED
            if found := bad.search(text):
                line = text[:found.start()].count('\n')
                self.faults.append(f'via {said} {where} {found[0]!r} in '
                                   + repr(text.splitlines()[line]))
        return ran.returncode, out.decode(errors='replace')

    def json(self, *args):
        status, text = self.run(args[0], '--json', *args[1:])
        try:
            return status, json.loads(text)
        except ValueError as error:
            self.faults.append(f'via {" ".join(args)} --json: {error}')
            return status, {}

    # --- One verb each ---

    def check_ls(self, truth):
        _, seen = self.json('ls', '--all')
        for thing in truth['objects']:
            if thing['ino'] < 0:
                continue
            # Both ends of a connection are one row.
            both = [thing] + ([] if thing['peer'] is None else
                              [truth['objects'][thing['peer']]])
            ends = [end for there in seen.get('objects', []) for one in both
                    if there['kind'] in one['kind'].split('|')
                    and str(there['ino']) == str(one['ino'])
                    for end in there['ends']]
            for holder in thing['holders']:
                if not any(end['pid'] == holder['pid']
                           and end['how'] == holder['how']
                           and (holder['how'] != 'fd'
                                or end['id'] == holder['fd'])
                           for end in ends):
                    self.faults.append(
                        f'via ls: {holder["role"]} does not have '
                        f'{thing["kind"]} {thing["ino"]}')

    def check_ps(self, truth):
        _, seen = self.json('ps')
        there = {p['pid'] for p in seen.get('processes', [])}
        for task in truth['tasks']:
            if task['pid'] not in there:
                self.faults.append(f'via ps: {task["role"]} is not there')

    def check_why(self, truth):
        pids = sorted({str(task['pid']) for task in truth['tasks']})
        if not pids:
            return
        _, seen = self.json('why', '--threads', *pids)
        said = {chain['tasks'][0]['tid']: chain['tasks'][0]['verdict']
                for chain in seen.get('chains', []) if chain['tasks']}
        for task in truth['tasks']:
            verdict = said.get(task['tid'])
            if task['verdict'] and not truth['moves'] and \
                    verdict not in task['verdict'].split('|'):
                self.faults.append(f'via why: {task["role"]} is '
                                   f'{task["verdict"]}, not {verdict}')
        self.run('why', *pids)

    def ours(self, tasks):
        """The threads of those that are this test's, be they ended."""
        return {task['tid'] for task in tasks
                if task['pid'] in self.pids or factory.is_ours(task['pid'])}

    def check_stuck(self, truth):
        verdicts = [task['verdict'] or '' for task in truth['tasks']]
        sure = any(task['certainty'] for task in truth['tasks'])
        # Guesses are shown on request.
        guess = truth['cycles'] and not sure
        status, seen = self.json('stuck', *(['--all'] if guess else []))
        in_cycles = [task for cycle in seen.get('cycles', [])
                     for task in cycle['tasks']]
        behind = seen.get('stuck', [])
        if status != (1 if in_cycles or behind else 0):
            self.faults.append(f'via stuck ends with {status}')
        found = self.ours(in_cycles)
        for cycle in truth['cycles']:
            if not found & set(cycle):
                self.faults.append(f'via stuck: no cycle of {cycle}')
        if not truth['cycles'] and not truth['alarm']:
            found |= self.ours(behind)
        if found and not any(alarm in verdict for alarm in ALARMS
                             for verdict in verdicts):
            self.faults.append(f'via stuck finds {found}')
        self.run('stuck')

    def check_gc(self, truth):
        status, seen = self.json('gc')
        left = {orphan['name'].split(':', 1)[-1]: orphan['kind']
                for orphan in seen.get('orphans', [])}
        for finding in truth['findings']:
            if not finding['rule'].startswith(ORPHANS):
                continue
            thing = truth['objects'][finding['object']]
            name = thing['text'] or str(thing['ino'])
            if left.pop(name, None) != thing['kind']:
                self.faults.append(f'via gc: no {thing["kind"]} {name}')
        # What others leave beside us is not ours to judge.
        if not factory.is_alone('ipc'):
            left = {name: left[name] for name in left for thing
                    in truth['objects']
                    if name == (thing['text'] or str(thing['ino']))}
        if left:
            self.faults.append(f'via gc would remove {left}')

    def check(self, truth):
        self.faults = []
        self.check_gc(truth)
        self.check_ls(truth)
        self.check_ps(truth)
        self.check_why(truth)
        self.check_stuck(truth)
        if truth['situation'].startswith('hostile'):
            for view in VIEWS:
                self.run(*view)
            for task in truth['tasks']:
                self.run('why', str(task['tid']))
                self.run('ls', str(task['pid']))
                self.run('maps', str(task['pid']))
        return self.faults


def main():
    via, program, part = sys.argv[1:]
    tap = factory.Tap()
    verbs = Verbs(via, tap)
    for kind in factory.mine(factory.kinds(program), part):
        try:
            with factory.situation(program, kind) as truth:
                bad = verbs.check(truth)
            tap.case(kind, bad)
        except factory.Missing as missing:
            tap.case(kind, [], str(missing))
        except factory.Broken as broken:
            tap.case(kind, [str(broken)])
    return tap.end()


sys.exit(main())
