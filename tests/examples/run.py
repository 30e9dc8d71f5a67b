#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py DIRECTORY NAME: run the example NAME and check what it does.

Servers are talked to, by their clients and by sockets of our own. What a
program leaves behind is the guard's business.
"""
import contextlib
import fcntl
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios

DIRECTORY, NAME = sys.argv[1:]

# What the whole output must match, of programs that only print. They run
# without arguments.
PRINTS = {
    'count_one_second': r'silently to (\d{4,}), writing to (\d{3,})',
    'deadlock': 'thread 0: waited in vain\nthread 1: waited in vain',
    'deadlock_cured': 'both locks taken 400000 times',
    'mmap_anonymous': 'shared 2, private 1, variable 1',
    'mmap_parent_child': '\n'.join(
        f'parent: {i}\nchild: {i + 1}' for i in (1, 3, 5)),
    'nonblocking_read': 'EAGAIN: nothing there yet\n'
                        '5 bytes: hello\n'
                        'EAGAIN: nothing there yet\n'
                        'end of file: no writer is left',
    'nonblocking_read_via': 'EAGAIN: nothing there yet\n'
                            'ETIMEDOUT: nothing came in time\n'
                            '5 bytes: hello\n'
                            'EPIPE: no sender is left',
    'pass_descriptor': 'from the pipe: hello from the child',
    'pass_descriptor_via': 'from the pipe: hello from the child',
    'pipe_capacity': r'a full pipe holds (\d+) bytes\n'
                     r'F_GETPIPE_SZ says \1, PIPE_BUF is 4096\n'
                     r'write of 8192: 4096 taken\n'
                     r'write of 96: 96 taken\n'
                     r'write of 4096: EAGAIN, nothing taken\n'
                     r'write of 4000: 4000 taken',
    'pipe_parent_child': 'hello from the parent\n'
                         'and goodbye\n'
                         'child: end of file',
    'pipe_parent_child_via': 'hello from the parent\n'
                             'and goodbye\n'
                             'child: end of stream',
    'producer_consumer': '10000 items, sum 50005000',
    'producer_consumer_via': '10000 items, sum 50005000',
    'reader_writer': 'both readers are inside at once\n'
                     'they saw the writer at work 0 times',
    'signal_mask': 'sa_mask is empty:\n'
                   '  USR1 begins\n'
                   '  USR2\n'
                   '  USR1 ends\n'
                   '  USR1 once more\n'
                   'sa_mask has USR2:\n'
                   '  USR1 begins\n'
                   '  USR1 ends\n'
                   '  USR1 once more\n'
                   '  USR2',
    'sysv_queue_types': r' 2 \(the first of type 2\): second, type 2\n'
                        r'-2 \(the lowest type up to 2\): third, type 1\n'
                        r' 0 \(the first of any type\): first, type 3\n'
                        r' 0 \(the first of any type\): fourth, type 2',
    'sysv_shm_sem': '40000 of 40000',
    'thread_create_join': 'thread 0: 4950\n'
                          'thread 1: 14950\n'
                          'thread 2: 24950\n'
                          'total 44850',
}


class Program:
    """A running example."""

    def __init__(self, name, *args):
        self.process = subprocess.Popen(
            [os.path.join(DIRECTORY, name), *args], text=True,
            stdout=subprocess.PIPE)

    def line(self):
        return self.process.stdout.readline().rstrip('\n')

    def send(self, sig):
        self.process.send_signal(sig)

    @contextlib.contextmanager
    def stopped(self):
        """Stop it, once it waits, for a while: some waits end by that."""
        with open(f'/proc/{self.process.pid}/stat', encoding='ascii') as stat:
            while stat.read().rpartition(') ')[2][0] != 'S':
                os.sched_yield()
                stat.seek(0)
        self.send(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        yield
        self.send(signal.SIGCONT)

    def rest(self, status=0):
        """What it has still to say, once it has ended as it should."""
        rest = self.process.communicate()[0].rstrip('\n')
        equal(self.process.returncode, status)
        return rest

    def stop(self, status=-signal.SIGTERM):
        self.send(signal.SIGTERM)
        equal(self.rest(status), '')


def output(name, *args, status=0):
    return Program(name, *args).rest(status)


def equal(seen, expected):
    if seen != expected:
        sys.exit(f'expected {expected!r}, saw {seen!r}')


def match(pattern, text):
    found = re.fullmatch(pattern, text)
    if not found:
        sys.exit(f'expected {pattern!r}, saw {text!r}')
    return found


def path(name):
    """A path in the directory where the guard looks for what is left."""
    return os.path.join(tempfile.gettempdir(), name)


CASES = {}


def case(*names):
    def add(function):
        CASES.update(dict.fromkeys(names, function))
        return function
    return add


@case('fork_exec')
def fork_exec():
    equal(output('fork_exec', 'true'), 'true: exit status 0')
    equal(output('fork_exec', 'sh', '-c', 'exit 3'), 'sh: exit status 3')
    equal(output('fork_exec', 'sh', '-c', 'kill -9 $$'),
          'sh: signal 9, Killed')
    equal(output('fork_exec', '/no/such/program'),
          '/no/such/program: exit status 127')


@case('fork_exec_via')
def fork_exec_via():
    equal(output('fork_exec_via', 'true'), 'true: exit status 0')
    equal(output('fork_exec_via', 'sh', '-c', 'exit 3'), 'sh: exit status 3')
    equal(output('fork_exec_via', 'sh', '-c', 'kill -9 $$'),
          'sh: signal 9, Killed')
    equal(output('fork_exec_via', 'sleep', '600'),
          'sleep: signal 15, Terminated')
    equal(output('fork_exec_via', '/no/such/program', status=127),
          'exec /no/such/program: not found')


@case('pipe_siblings', 'pipe_siblings_via')
def pipe_siblings():
    if not shutil.which('ps'):
        print('skipped: needs ps')
        sys.exit(77)
    # The shell that waits for it is one line of ps with "bash" in it.
    program = os.path.join(DIRECTORY, NAME)
    shell = subprocess.run(['bash', '-c', program + '; exit $?'], text=True,
                           stdout=subprocess.PIPE, check=True)
    text = shell.stdout
    if NAME == 'pipe_siblings_via':
        stages = '\nps: exit status 0\ngrep: exit status 0\n'
        equal(text[-len(stages):], stages)
        text = text[:-len(stages)]
    match(fr'(?s).* bash -c .*{NAME}; exit.*', text)
    for line in text.splitlines():
        match('.*bash.*', line)


@case('fifo_reader', 'fifo_writer')
def fifo():
    first = Program(NAME, path('fifo'), *['hello'] * (NAME == 'fifo_writer'))
    if NAME == 'fifo_writer':
        equal(output('fifo_reader', path('fifo')), 'hello')
        equal(first.rest(), '')
    else:
        equal(output('fifo_writer', path('fifo'), 'hello'), '')
        equal(first.rest(), 'hello')

    # While we have it open, the reader does not come to the end.
    kept = os.open(path('fifo'), os.O_RDWR)
    reader = Program('fifo_reader', path('fifo'))
    texts = [letter * 3000 for letter in 'abcdef']
    writers = [Program('fifo_writer', path('fifo'), text) for text in texts]
    for writer in writers:
        equal(writer.rest(), '')
    while fcntl.ioctl(kept, termios.FIONREAD, b'\0' * 4) != b'\0' * 4:
        os.sched_yield()
    os.close(kept)
    equal(sorted(reader.rest().splitlines()), texts)

    output('fifo_writer', path('fifo'), 'x' * 4096, status=2)
    os.unlink(path('fifo'))


@case('shared_counter')
def shared_counter():
    found = match(r'no lock (\d+), lock 2000000, atomic 2000000, of 2000000',
                  output('shared_counter'))
    # How much is lost is chance, so is whether anything is.
    assert 1000000 <= int(found[1]) <= 2000000, found[0]


@case('mmap_writer', 'mmap_reader')
def mmap_unrelated():
    writer = Program('mmap_writer', path('shared'), 'hello, you')
    equal(writer.line(), 'ready')
    output('mmap_writer', path('shared'), 'not twice', status=1)
    equal(output('mmap_reader', path('shared')), 'hello, you')
    equal(writer.rest(), '')
    with open(path('short'), 'w', encoding='ascii') as file:
        file.write('not a segment')
    output('mmap_reader', path('short'), status=1)
    os.unlink(path('short'))


@case('mmap_read_file')
def mmap_read_file():
    for text, lines in ('', 0), ('no end', 0), ('a\n' * 5000, 5000):
        with open(path('file'), 'w', encoding='ascii') as file:
            file.write(text)
        equal(output('mmap_read_file', path('file')), f'{lines} lines')
    os.unlink(path('file'))
    output('mmap_read_file', '/dev/null', status=1)


@case('signal_pending')
def signal_pending():
    program = Program('signal_pending', '2')
    match(r'process \d+', program.line())
    equal(program.line(), 'pending:')
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGINT,
                signal.SIGRTMIN + 1):
        program.send(sig)
    equal(program.rest().splitlines()[-1],
          f'pending: INT TERM {signal.SIGRTMIN + 1}')


@case('periodic_timer')
def periodic_timer():
    lines = output('periodic_timer', '5').splitlines()
    times = [float(match(rf'tick {i} at (\d+\.\d+) s', line)[1])
             for i, line in enumerate(lines, 1)]
    equal(len(times), 5)
    # Never early; how late depends on what else runs.
    assert all(time > 0.0999 * i for i, time in enumerate(times, 1)), times


@case('who_talks')
def who_talks():
    mine, other = socket.socketpair()
    end, beginning = os.pipe()
    holder = subprocess.Popen(['cat'], stdin=end, stdout=other.fileno(),
                              stderr=subprocess.DEVNULL, close_fds=True)
    os.close(end)
    other.close()
    seen = set(output('who_talks', str(os.getpid())).splitlines())
    for line in (
            f'pipe {beginning}: descriptor 0 of process {holder.pid}',
            f'unix {mine.fileno()}: descriptor 1 of process {holder.pid}'):
        assert line in seen, (line, seen)
    os.close(beginning)
    equal(holder.wait(), 0)
    mine.close()
    output('who_talks', '4194305', status=1)
    output('who_talks', status=2)


@case('signal_catch')
def signal_catch():
    program = Program('signal_catch')
    match(r'process \d+', program.line())
    for _ in range(2):
        program.send(signal.SIGINT)
        equal(program.line(), 'caught 2, Interrupt')
    program.send(signal.SIGTERM)
    equal(program.rest(), 'caught 15, Terminated')


@case('reap_children')
def reap_children():
    *lines, last = output('reap_children').splitlines()
    equal(sorted(lines), [f'child ended with {i}' for i in range(5)])
    match('5 children, [1-5] signals', last)


@case('daemon')
def daemon():
    starter = Program('daemon', path('log'))
    pid = int(match(r'daemon (\d+)', starter.rest())[1])
    # It leads neither its session nor its group, has no terminal, and "/".
    equal(os.getsid(pid) in (pid, os.getsid(0)), False)
    equal(os.readlink(f'/proc/{pid}/cwd'), '/')
    equal({os.readlink(f'/proc/{pid}/fd/{fd}') for fd in range(3)},
          {'/dev/null'})
    ended = os.pidfd_open(pid)
    os.kill(pid, signal.SIGTERM)
    select.select([ended], [], [])
    os.close(ended)
    os.unlink(path('log'))


def stream(address):
    client = socket.socket(socket.AF_UNIX if isinstance(address, str)
                           else socket.AF_INET)
    client.connect(address)
    return client


def all_of(client, length):
    data = bytearray()
    while len(data) < length and (more := client.recv(65536)):
        data += more
    return data


def leave(client):
    """Say that this is all, and see the server close its side."""
    client.shutdown(socket.SHUT_WR)
    equal(client.recv(1), b'')
    client.close()


def rude_clients(address):
    """Clients that leave before the answer, politely and with a reset."""
    for linger in struct.pack('ii', 0, 0), struct.pack('ii', 1, 0):
        with stream(address) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            client.sendall(b'x' * 100000 if linger[0] else b'x')


def crowd(server, address):
    """Clients at once, one of whom does not read what it is sent."""
    with stream(address) as lazy:
        lazy.settimeout(0.2)
        sent = bytearray()
        try:
            while True:
                chunk = b'%9d' % len(sent) * 1000
                sent += chunk[:lazy.send(chunk)]
        except TimeoutError:
            pass  # All buffers on the way there and back are full.
        with server.stopped():
            clients = [stream(address) for _ in range(20)]
        while clients:
            for i, client in enumerate(clients):
                client.sendall(b'%2d' % i * 5000)
            for i, client in enumerate(clients):
                equal(all_of(client, 10000), b'%2d' % i * 5000)
            for client in clients[::2]:
                leave(client)
            clients = clients[1::2]
        lazy.settimeout(None)
        assert all_of(lazy, len(sent)) == sent, 'the lazy one lost bytes'
        leave(lazy)


@case('unix_stream_server', 'unix_stream_client')
def unix_stream():
    server = Program('unix_stream_server', path('socket'))
    equal(server.line(), 'listening on ' + path('socket'))
    equal(output('unix_stream_client', path('socket'), 'hello'), 'hello')
    rude_clients(path('socket'))
    equal(output('unix_stream_client', path('socket'), 'again'), 'again')
    output('unix_stream_server', path('socket'), status=1)
    server.stop(0)
    output('unix_stream_client', path('socket'), 'gone', status=1)


@case('unix_dgram_server', 'unix_dgram_client')
def unix_dgram():
    server = Program('unix_dgram_server', path('socket'))
    equal(server.line(), 'bound to ' + path('socket'))
    equal(output('unix_dgram_client', path('socket'), 'one', '', 'three'),
          'one\n\nthree')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as nameless:
        nameless.sendto(b'who am I', path('socket'))
    equal(output('unix_dgram_client', path('socket'), 'four'), 'four')
    server.stop(0)


@case('tcp_server', 'tcp_client', 'echo_select', 'echo_poll',
      'echo_epoll_level', 'echo_epoll_edge')
def tcp():
    server = Program(NAME if NAME != 'tcp_client' else 'tcp_server')
    port = match(r'listening on 127.0.0.1 (\d+)', server.line())[1]
    equal(output('tcp_client', '127.0.0.1', port, 'hello'), 'hello')
    address = '127.0.0.1', int(port)
    rude_clients(address)
    crowd(server, address)
    equal(output('tcp_client', '127.0.0.1', port, 'again'), 'again')
    server.stop()
    output('tcp_client', '127.0.0.1', port, 'gone', status=1)


@case('udp_server', 'udp_client')
def udp():
    server = Program('udp_server')
    port = match(r'bound to 127.0.0.1 (\d+)', server.line())[1]
    equal(output('udp_client', '127.0.0.1', port, 'hello'), 'hello')
    equal(output('udp_client', '127.0.0.1', port, ''), '')
    server.stop()
    output('udp_client', '127.0.0.1', port, 'gone', status=1)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lossy:
        lossy.bind(('127.0.0.1', 0))
        client = Program('udp_client', '127.0.0.1',
                         str(lossy.getsockname()[1]), 'hello')
        lossy.recv(100)
        lossy.sendto(*lossy.recvfrom(100))
        equal(client.rest(), 'hello')


@case('echo_server_via', 'echo_client_via')
def echo_via():
    for url in f'unix:{path("socket")}', 'tcp:127.0.0.1:0':
        server = Program('echo_server_via', url)
        url = match('listening on (.*)', server.line())[1]
        for texts in ('hello', 'you'), ('again',):
            equal(output('echo_client_via', url, *texts), '\n'.join(texts))
        server.stop(0)
        output('echo_client_via', url + '?wait=0', 'gone', status=1)


@case('talk')
def talk():
    for url in ('fifo:' + path('fifo'), 'unix:' + path('unix'),
                f'shm:talk-{os.getpid()}'):
        receiver = Program('talk', url)
        equal(output('talk', url, 'hello, you'), '')
        equal(receiver.rest(), 'hello, you')
    os.unlink(path('fifo'))

    # Not taken: both sides know.
    receiver = Program('talk', url)
    output('talk', url, 'too long' * 100, status=1)
    equal(receiver.rest(1), '')


if NAME in PRINTS:
    match(PRINTS[NAME], output(NAME))
else:
    CASES[NAME]()
