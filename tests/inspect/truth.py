# SPDX-License-Identifier: MIT
"""truth.py VIA_MK VIA_SEE I/N|KIND...: what the library sees of situations.

Compared are the tasks, what they hold and how full that is, what they wait for,
what is made of it, and that nothing else is said to be wrong.

Parts are looked at as if this pid namespace were the machine's own. Situations
that are named are looked at as they are: if not all processes of the machine
can be seen, nothing may be said to be proven.
"""
import json
import os
import subprocess
import sys

import factory

ALARMS = ('deadlock', 'stuck', 'orphaned')
# Of the whole machine there may be very much to see.
PATIENCE_S = 240
# Found in a situation, but common and harmless: no false alarm.
REMARKS = ()


def number(value):
    """Numbers beyond 2^53 are strings; the factory has them negative."""
    if isinstance(value, str):
        return int(value)
    return value + (1 << 64) if value is not None and value < 0 else value


class Sight:
    """What was seen, with the indices that comparing needs."""

    def __init__(self, seen):
        self.snapshot = seen['snapshot']
        self.verdicts = seen['verdicts']
        self.cycles = seen['cycles']
        self.findings = seen['findings']
        sight = self.snapshot['sight']
        # All who hold anything; and what they do. Somebody beside us who ends
        # while being looked at does something that nobody can tell.
        self.holders_seen = sight.get('init_ns', 0) and not any(
            sight.get(part) for part in (
                'n_hidden_fds', 'n_hidden_maps', 'n_in_flight'))
        self.all_seen = self.holders_seen and not sight.get('n_hidden_waits')
        self.objects = self.snapshot['objects']
        self.processes = {p['pid']: i for i, p
                          in enumerate(self.snapshot['processes'])}
        self.threads = {t['tid']: i for i, t
                        in enumerate(self.snapshot['threads'])}
        self.holds, self.waits = {}, {}
        for hold in self.snapshot['holds']:
            self.holds.setdefault(hold['process'], []).append(hold)
        for wait in self.snapshot['waits']:
            self.waits.setdefault(wait['thread'], []).append(wait)

    def thread(self, index):
        return self.snapshot['threads'][index]

    def pid_of(self, process):
        return self.snapshot['processes'][process]['pid']

    def holds_of(self, pid):
        return self.holds.get(self.processes.get(pid), [])


def look(*program):
    said = subprocess.run(program, capture_output=True, timeout=PATIENCE_S)
    if said.returncode:
        raise factory.Broken(f'{program}: {said.returncode}: '
                             + said.stderr.decode(errors='replace')[-2000:])
    return Sight(json.loads(said.stdout))


class Comparison:
    """Of one situation's truth with what was seen of it."""

    def __init__(self, truth, sight):
        self.truth, self.sight = truth, sight
        self.pids = {task['pid'] for task in truth['tasks']}
        self.found = [self.match(thing) for thing in truth['objects']]

    # --- Objects ---

    def same_key(self, thing, there):
        if there['kind'] not in thing['kind'].split('|'):
            return False
        if thing['dev'] is not None and \
                number(there.get('dev', 0)) != number(thing['dev']):
            return False
        ino, sub = number(thing['ino']), number(thing['sub'])
        return (ino == (1 << 64) - 1 or number(there.get('ino', 0)) == ino) \
            and (sub == (1 << 64) - 1 or number(there.get('sub', 0)) == sub)

    def match(self, thing):
        """The indices of what it may be: usually one."""
        found = {i for i, there in enumerate(self.sight.objects)
                 if self.same_key(thing, there)}
        if number(thing['ino']) == (1 << 64) - 1:
            for holder in thing['holders']:
                if holder['how'] == 'fd':
                    found &= {h['object'] for h
                              in self.sight.holds_of(holder['pid'])
                              if h['how'] == 'fd'
                              and h.get('id', 0) == holder['fd']}
        return found

    def name(self, thing):
        return thing['text'] or \
            f'{thing["kind"]} {thing["dev"]}:{thing["ino"]}+{thing["sub"]}'

    def object_faults(self):
        for thing, found in zip(self.truth['objects'], self.found):
            used = thing['holders'] or any(
                finding['object'] is not None and
                self.truth['objects'][finding['object']] is thing
                for finding in self.truth['findings'])
            if not found:
                if used:
                    yield f'there is no {self.name(thing)}'
                continue
            for holder in thing['holders']:
                yield from self.hold_faults(thing, found, holder)
            yield from self.level_faults(thing, found)
            yield from self.peer_faults(thing, found)

    def hold_faults(self, thing, found, holder):
        holds = [h for h in self.sight.holds_of(holder['pid'])
                 if h['object'] in found and h['how'] == holder['how']]
        if holder['how'] == 'fd':
            holds = [h for h in holds if h.get('id', 0) == holder['fd']]
        if not holds:
            yield f'{holder["role"]} does not have {self.name(thing)} ' \
                f'({holder["how"]} {holder["fd"]})'
            return
        flags = {flag[0] for h in holds for flag in h.get('flags', [])}
        if not set(holder['flags'] or '') <= flags:
            yield f'{holder["role"]} has {self.name(thing)} not for ' \
                f'{holder["flags"]} but {sorted(flags)}'

    def level_faults(self, thing, found):
        if self.truth['moves']:
            return
        for key in ('level', 'capacity'):
            seen = {self.sight.objects[i].get(key) for i in found}
            if thing[key] is not None and thing[key] not in seen:
                yield f'{key} of {self.name(thing)} is {thing[key]}, ' \
                    f'not {seen}'

    def peer_faults(self, thing, found):
        if thing['peer'] is None:
            return
        peers = {self.sight.objects[i].get('peer') for i in found}
        if not peers & self.found[thing['peer']]:
            yield f'{self.name(thing)} is not the peer of ' + \
                self.name(self.truth['objects'][thing['peer']])

    # --- Tasks ---

    def task_faults(self):
        for task in self.truth['tasks']:
            thread = self.sight.threads.get(task['tid'])
            if task['pid'] not in self.sight.processes:
                yield f'{task["role"]} is not there'
            elif thread is None:
                if task['state'] != 'Z':
                    yield f'{task["role"]} has no thread'
            else:
                yield from self.thread_faults(task, thread)

    def thread_faults(self, task, thread):
        there = self.sight.thread(thread)
        if self.truth['moves']:
            yield from self.verdict_faults(task, thread)
            return
        if there.get('state') != task['state']:
            yield f'{task["role"]} is {task["state"]}, not ' + \
                str(there.get('state'))
        waits = self.sight.waits.get(thread, [])
        for wait in task['waits']:
            if not any(self.same_wait(wait, w) for w in waits):
                yield f'{task["role"]} does not wait to {wait["op"]} ' \
                    f'{self.what(wait)}, but {self.say(waits)}'
        for wait in waits:
            if task['waits'] and \
                    not any(self.same_wait(w, wait) for w in task['waits']) \
                    and wait['op'] not in ('time', 'signal'):
                yield f'{task["role"]} is said to wait: {self.say([wait])}'
        yield from self.verdict_faults(task, thread)

    def what(self, wait):
        if wait['object'] is not None:
            return self.name(self.truth['objects'][wait['object']])
        return f'{wait["on_pid"]}/{wait["on_tid"]}' if wait['on_pid'] else ''

    def say(self, waits):
        said = []
        for w in waits:
            thing = self.sight.objects[w['object']] if 'object' in w else {}
            on = self.sight.pid_of(w['on_process']) if 'on_process' in w else ''
            said.append(f'{w["op"]} {thing.get("kind", "")} '
                        f'{thing.get("dev", "")}:{thing.get("ino", "")}+'
                        f'{thing.get("sub", "")} fd {w.get("fd", "-")} {on}')
        return '; '.join(said) or 'nothing'

    def same_wait(self, wait, there):
        if there['op'] not in wait['op'].split('|'):
            return False
        if wait['object'] is not None and \
                there.get('object') not in self.found[wait['object']]:
            return False
        if wait['fd'] is not None and there.get('fd', wait['fd']) != wait['fd']:
            return False
        if wait['on_pid'] is None:
            return True
        if there['op'] == 'join':
            return there.get('on_thread') == \
                self.sight.threads.get(wait['on_tid'])
        return there.get('on_process') == \
            self.sight.processes.get(wait['on_pid'])

    def verdict_faults(self, task, thread):
        verdict = self.sight.verdicts[thread]
        if task['verdict'] and \
                verdict['verdict'] not in task['verdict'].split('|'):
            yield f'{task["role"]} is {task["verdict"]}, not ' \
                f'{verdict["verdict"]} ({verdict["certainty"]})'
        elif verdict['certainty'] != 'exact' and \
                (task['certainty'] == 'own' or
                 task['certainty'] == 'exact' and self.sight.all_seen):
            yield f'{task["role"]} is for sure {task["verdict"]}, not ' + \
                verdict['certainty']
        elif verdict['certainty'] == 'guess' and task['certainty'] == 'likely':
            yield f'{task["role"]} is no mere guess'
        elif verdict['certainty'] == 'exact' and \
                not self.sight.holders_seen and \
                verdict['verdict'] in ALARMS and task['certainty'] != 'own':
            yield f'{task["role"]} cannot be proven to be ' \
                + verdict['verdict']
        if verdict['verdict'] in ALARMS and (self.truth['moves'] or not any(
                alarm in (task['verdict'] or '') for alarm in ALARMS)):
            yield f'false alarm: {task["role"]} is {verdict["verdict"]}'

    # --- The whole ---

    def cycle_faults(self):
        seen = [{self.sight.thread(t)['tid'] for t in cycle['threads']}
                for cycle in self.sight.cycles]
        for cycle in self.truth['cycles']:
            # Where one could also help itself, it alone is one, too.
            if not any(tids and tids <= set(cycle) for tids in seen):
                yield f'no cycle of {cycle}'

    def finding_faults(self):
        said = []
        for finding in self.sight.findings:
            process = finding['process']
            pid = None if process is None else self.sight.pid_of(process)
            if pid in self.pids or any(finding['object'] in found
                                       for found in self.found):
                said.append((finding['rule'], pid, finding))
        for finding in self.truth['findings']:
            if not finding['may'] and \
                    not any(rule in finding['rule'].split('|') and
                       (finding['pid'] in (None, pid) or pid is None)
                       for rule, pid, _ in said):
                yield f'not found: {finding["rule"]} of {finding["pid"]}' \
                    f', but {[rule for rule, _, _ in said]}'
        if not self.truth['alarm']:
            for rule, pid, finding in said:
                if rule not in REMARKS:
                    yield f'false alarm: {rule} of {pid}: {finding["what"]}'

    def faults(self):
        yield from self.task_faults()
        yield from self.object_faults()
        yield from self.cycle_faults()
        yield from self.finding_faults()


# The ways of mk/ways.c.
WAYS = ('pipe full fifo unix unixfull seqpacket tcp poll epoll flock ofd posix '
        'mutex robust pi sem mq pty').split()


def pairs():
    """In the long tests, each mechanism with each other one."""
    if not os.environ.get('VIA_LONG'):
        return []
    # The kernel refuses a ring of these itself.
    return [f'mix-{a}-{b}' for a in WAYS for b in WAYS
            if (a, b) not in (('posix', 'posix'), ('pi', 'pi'))]


def main():
    program, see, *which = sys.argv[1:]
    tap = factory.Tap()
    looked = [see]
    if '/' in which[0]:
        which = factory.mine(factory.kinds(program) + pairs(), which[0])
        looked += ['--suppose']
    for kind in which:
        try:
            with factory.situation(program, kind) as truth:
                bad = list(Comparison(truth, look(*looked)).faults())
            tap.case(kind, bad)
        except factory.Missing as missing:
            tap.case(kind, [], str(missing))
        except factory.Broken as broken:
            tap.case(kind, [str(broken)])
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
