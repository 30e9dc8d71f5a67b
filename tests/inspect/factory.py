# SPDX-License-Identifier: MIT
"""The factory: situations that are made, looked at and undone again."""
import contextlib
import json
import os
import select
import subprocess
import tempfile

MISSING = 77


class Missing(Exception):
    """Something is not to be had here; the text says what."""


class Broken(Exception):
    """The factory itself failed."""


def kinds(program):
    """The names of all situations."""
    listed = subprocess.run([program, '--list'], check=True, text=True,
                            capture_output=True).stdout
    return [line.split('\t')[0] for line in listed.splitlines()]


@contextlib.contextmanager
def situation(program, kind, patience=100, before=()):
    """The truth about one, which stands as long as the context does.

    before: a command that runs the factory.
    """
    with tempfile.TemporaryFile() as said:
        made = subprocess.Popen([*before, program, kind], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=said)
        try:
            select.select([made.stdout], [], [], patience)
            os.set_blocking(made.stdout.fileno(), False)
            line = made.stdout.readline()
            if line:
                yield json.loads(line)
        finally:
            made.stdin.close()
            made.stdout.close()
            try:
                status = made.wait(patience)
            except subprocess.TimeoutExpired:
                made.kill()
                status = made.wait()
            said.seek(0)
            words = said.read().decode(errors='replace').strip()
        if not line and status == MISSING:
            raise Missing(words.split('needs ', 1)[-1])
        if not line or status or words:
            raise Broken(f'status {status}: {words}')


def parent(pid):
    try:
        with open(f'/proc/{pid}/stat', 'rb') as stat:
            return int(stat.read().rpartition(b')')[2].split()[1])
    except OSError:
        return 0


def is_ours(pid):
    """Whether a process is below the one that guards this test.

    Where there are no namespaces to be had, other tests run beside it.
    """
    guard = os.getppid()
    while pid not in (0, guard):
        pid = parent(pid)
    return pid == guard


def is_alone(ns):
    """Whether nobody else is in a namespace of ours: 'ipc'."""
    own = os.stat(f'/proc/self/ns/{ns}').st_ino
    for pid in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError):
            if os.stat(f'/proc/{pid}/ns/{ns}').st_ino == own and \
                    not is_ours(int(pid)):
                return False
    return True


class Tap:
    """Test Anything Protocol, a case at a time."""

    def __init__(self):
        self.n = self.bad = 0

    def case(self, name, faults, skip=None):
        self.n += 1
        self.bad += bool(faults)
        print(f'{"not " if faults else ""}ok {self.n} {name}'
              + (f' # SKIP {skip}' if skip else ''))
        for fault in faults:
            print(f'#   {fault}'.replace('\n', '\n#   '))

    def end(self):
        print(f'1..{self.n}', flush=True)
        return self.bad > 0


def mine(items, part):
    """Those that part "I/N" has."""
    i, n = map(int, part.split('/'))
    return items[i::n]
