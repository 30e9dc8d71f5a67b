# SPDX-License-Identifier: MIT
"""agreement.py VIA [PROGRAM...]: every edge that other tools show, we show.

Compared are lsof +E, ss -xp, ss -tunap, ipcs, lslocks and ps, while real
programs run. These change while one looks: what a tool shows counts as shown by
us if we see it just before or just after. What only we show is told.
"""
import collections
import json
import re
import subprocess
import sys

import factory
import programs

ATTEMPTS = 5
END = re.compile(r'(\d+),[^, ]*,(\d+)[a-zA-Z]*')
USER = re.compile(r'pid=(\d+),fd=(\d+)')


class Seen:
    """A snapshot, and in the tools' terms what is in it."""

    def __init__(self, via):
        said = subprocess.run([via, 'ls', '--all', '--save', '/dev/stdout',
                               '--usage'], capture_output=True, timeout=60)
        text = said.stdout.decode(errors='replace')
        s, _ = json.JSONDecoder().raw_decode(text[text.index('{"via'):])
        self.pids = [p['pid'] for p in s['processes']]
        self.parents = {p['pid']: p.get('ppid', 0) for p in s['processes']}
        self.objects = s['objects']
        self.fds, self.ends, self.owners = {}, collections.defaultdict(set), {}
        for hold in s['holds']:
            pid, thing = self.pids[hold['process']], hold['object']
            if hold['how'] == 'fd':
                self.fds[pid, hold.get('id', 0)] = thing
                self.ends[thing].add((pid, hold.get('id', 0)))
            if hold['how'] == 'lock':
                self.owners.setdefault(thing, set()).add(pid)
        self.sockets = {sock['object']: sock for sock in s['sockets']}
        self.locks = s['locks']

    def joined(self, a, b):
        one, other = self.fds.get(a), self.fds.get(b)
        return one is not None and other is not None and (
            one == other or self.objects[one].get('peer') == other)

    def edges(self):
        """Pairs of (pid, fd) of different processes that have one object or
        its two ends."""
        for thing, ends in self.ends.items():
            kind = self.objects[thing]['kind']
            if kind in ('file', 'dir', 'char', 'other', 'block'):
                continue
            peer = self.objects[thing].get('peer')
            for a in ends:
                for b in ends | self.ends.get(peer, set()):
                    if a < b and a[0] != b[0]:
                        yield kind, a, b

    def inode(self, kind, ino):
        return {i for i, thing in enumerate(self.objects)
                if thing['kind'] == kind and str(thing.get('ino')) == str(ino)}


def tool(*args):
    return subprocess.run(args, capture_output=True, text=True, timeout=60,
                          errors='replace').stdout


# --- What each tool shows: (words for people, question to a Seen) ---

def lsof():
    pid = fd = None
    for line in tool('lsof', '+E', '-n', '-P', '-w', '-F', 'pfn').splitlines():
        if line[0] == 'p':
            pid = int(line[1:])
        elif line[0] == 'f':
            fd = int(line[1:]) if line[1:].isdigit() else None
        elif line[0] == 'n' and fd is not None:
            # What an epoll set watches is no end.
            for other in END.finditer(re.sub(r'\[eventpoll:[^]]*\]', '', line)):
                end = int(other[1]), int(other[2])
                yield (pid, end[0]), f'{pid},{fd} - {end[0]},{end[1]} ' \
                    f'({line[1:60]})', \
                    lambda s, a=(pid, fd), b=end: s.joined(a, b)


def has(seen, kinds, ino, user):
    things = set().union(*(seen.inode(kind, ino) for kind in kinds))
    return any(user in seen.ends[thing] for thing in things)


def ss_unix():
    for line in tool('ss', '-xpaH', '-O').splitlines():
        words = line.split()
        users = [(int(pid), int(fd)) for pid, fd in USER.findall(line)]
        numbers = [word for word in words[4:8] if word.isdigit()]
        if not users or len(numbers) < 2:
            continue
        ino, peer = numbers[0], numbers[1]
        for user in users:
            yield (user[0],), f'{user} has unix {ino}', \
                lambda s, i=ino, u=user: has(s, ['unix'], i, u)
        if peer != '0':
            yield (users[0][0],), f'unix {ino} - {peer}', \
                lambda s, i=ino, p=peer: any(
                    s.objects[thing].get('peer') in s.inode('unix', p)
                    for thing in s.inode('unix', i))


def ss_inet():
    for line in tool('ss', '-tunapeH', '-O').splitlines():
        ino = re.search(r'\bino:(\d+)', line)
        for pid, fd in USER.findall(line):
            if ino:
                yield (int(pid),), f'{pid},{fd} has {line.split()[0]} ' + \
                    line.split()[4], \
                    lambda s, i=ino[1], u=(int(pid), int(fd)): \
                    has(s, ['tcp', 'udp'], i, u)


def ipcs():
    for option, kind in ('-m', 'sysvshm'), ('-q', 'sysvmq'), ('-s', 'sysvsem'):
        for line in tool('ipcs', option).splitlines():
            words = line.split()
            if len(words) > 2 and words[0].startswith('0x'):
                yield (), f'{kind} {words[1]}', \
                    lambda s, k=kind, i=words[1]: bool(s.inode(k, i))


def lslocks():
    for lock in json.loads(tool('lslocks', '--json', '-u', '-o',
                                'PID,TYPE,INODE') or '{}').get('locks', []):
        if lock['pid'] and int(lock['pid']) > 0 and lock['inode']:
            yield (int(lock['pid']),), f'{lock}', \
                lambda s, ino=lock['inode'], pid=int(lock['pid']): any(
                    pid in s.owners.get(i, ()) or any(
                        one['object'] == i and one.get('pid') == pid
                        for one in s.locks)
                    for i in s.inode('lock', ino))


def ps():
    for line in tool('ps', '-e', '-o', 'pid=,ppid=').splitlines():
        pid, ppid = map(int, line.split())
        yield (pid,), f'process {pid} of {ppid}', \
            lambda s, pid=pid, ppid=ppid: s.parents.get(pid) == ppid


TOOLS = {'lsof +E': lsof, 'ss -xp': ss_unix, 'ss -tunap': ss_inet,
         'ipcs': ipcs, 'lslocks': lslocks, 'ps': ps}


def compare(via, show):
    """What is not shown by us in any attempt, and how much is shown."""
    missing = None
    for _ in range(ATTEMPTS):
        before, shown, after = Seen(via), list(show()), Seen(via)
        # Of those who are there all the time: not of the tool itself.
        shown = [(words, asked) for pids, words, asked in shown
                 if all(pid in before.parents and pid in after.parents
                        for pid in pids)]
        now = {words for words, asked in shown
               if not asked(before) and not asked(after)}
        missing = now if missing is None else missing & now
        if not missing:
            break
    return sorted(missing), len(shown)


def only_ours(via):
    """How many edges lsof does not show, by kind."""
    seen = Seen(via)
    theirs = {words.split(' (')[0] for _, words, _ in lsof()}
    count = collections.Counter()
    for kind, a, b in seen.edges():
        names = {f'{x[0]},{x[1]} - {y[0]},{y[1]}' for x, y in ((a, b), (b, a))}
        count[kind] += not names & theirs
    return ', '.join(f'{n} {kind}' for kind, n in count.items() if n)


def main():
    via, *names = sys.argv[1:]
    tap = factory.Tap()
    for name in names or programs.names():
        try:
            with programs.run(name):
                for title, show in TOOLS.items():
                    programs.need(title.split()[0])
                    missing, n = compare(via, show)
                    tap.case(f'{name}: {title}: {n} shown', missing)
                print(f'# {name}: only we show: {only_ours(via) or "nothing"}')
        except factory.Missing as missing:
            tap.case(name, [], str(missing))
        except factory.Broken as broken:
            tap.case(name, [str(broken)])
    return tap.end()


sys.exit(main())
