# SPDX-License-Identifier: MIT
"""Real programs, each started as a process of the test in a directory of its
own, with something for it to do: never the system's service."""
import contextlib
import os
import pathlib
import pty
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import factory

PATIENCE_S = 60


def need(*names):
    """Paths of programs, which Debian keeps in places of their own."""
    path = os.environ['PATH'] + ':/usr/sbin'
    for version in sorted(pathlib.Path('/usr/lib/postgresql').glob('*/bin')):
        path = f'{version}:{path}'
    found = [shutil.which(name, path=path) for name in names]
    for name, where in zip(names, found):
        if not where:
            raise factory.Missing(name)
    return found if len(found) > 1 else found[0]


def until(ready, what):
    """Ask again until it is so: the program says it in no other way."""
    end = time.monotonic() + PATIENCE_S
    while not (got := ready()):
        if time.monotonic() > end:
            raise factory.Broken(f'{what} is not ready')
        time.sleep(0.01)
    return got


def connected(family, address):
    def attempt():
        client = socket.socket(family)
        try:
            client.connect(address)
            return client
        except OSError:
            client.close()
            return None
    return attempt


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def process(*args, **options):
    """A program that runs as long as the context does, and all below it."""
    options.setdefault('stdin', subprocess.DEVNULL)
    options.setdefault('stdout', subprocess.DEVNULL)
    options.setdefault('stderr', subprocess.DEVNULL)
    made = subprocess.Popen(args, start_new_session=True, **options)
    try:
        yield made
    finally:
        made.terminate()
        try:
            made.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            made.kill()
            made.wait()


@contextlib.contextmanager
def redis(tmp):
    server, client = need('redis-server', 'redis-cli')
    port, path = free_port(), f'{tmp}/redis.sock'
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(process(
            server, '--port', str(port), '--bind', '127.0.0.1',
            '--unixsocket', path, '--dir', tmp, '--save', ''))
        stack.enter_context(until(connected(socket.AF_UNIX, path), 'redis'))
        stack.enter_context(until(
            connected(socket.AF_INET, ('127.0.0.1', port)), 'redis'))
        for way in ['-s', path], ['-p', str(port)]:
            listener = stack.enter_context(process(
                client, *way, 'SUBSCRIBE', 'news', stdout=subprocess.PIPE))
            listener.stdout.readline()
            stack.callback(listener.stdout.close)
        yield [made.pid]


@contextlib.contextmanager
def nginx(tmp):
    server = need('nginx')
    port, path = free_port(), f'{tmp}/nginx.sock'
    pathlib.Path(tmp, 'nginx.conf').write_text(f'''
        daemon off; pid {tmp}/pid; worker_processes 2;
        error_log {tmp}/error.log;
        events {{ worker_connections 64; }}
        http {{
            access_log off; client_body_temp_path {tmp}; proxy_temp_path {tmp};
            fastcgi_temp_path {tmp}; uwsgi_temp_path {tmp};
            scgi_temp_path {tmp};
            server {{ listen 127.0.0.1:{port}; listen unix:{path};
                      location / {{ return 200 "hello"; }} }}
        }}''')
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(process(
            server, '-p', tmp, '-c', f'{tmp}/nginx.conf', '-e', 'stderr'))
        for family, address in ((socket.AF_INET, ('127.0.0.1', port)),
                                (socket.AF_UNIX, path)):
            client = stack.enter_context(until(connected(family, address),
                                               'nginx'))
            client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
            client.recv(4096)
        yield [made.pid]


@contextlib.contextmanager
def dbus(tmp):
    server, monitor = need('dbus-daemon', 'dbus-monitor')
    address = f'unix:path={tmp}/bus'
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(process(
            server, '--session', '--nofork', '--nopidfile', '--nosyslog',
            f'--address={address}'))
        stack.enter_context(until(connected(socket.AF_UNIX, f'{tmp}/bus'),
                                  'dbus-daemon'))
        for _ in range(2):
            client = stack.enter_context(process(
                monitor, '--address', address, stdout=subprocess.PIPE))
            client.stdout.readline()
            stack.callback(client.stdout.close)
        yield [made.pid]


@contextlib.contextmanager
def tmux(tmp):
    program = need('tmux')
    command = [program, '-S', f'{tmp}/tmux', '-f', '/dev/null']
    try:
        master, slave = pty.openpty()
    except OSError as error:
        raise factory.Missing('pseudo-terminals') from error
    env = {**os.environ, 'TERM': 'xterm', 'SHELL': '/bin/sh'}
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, master)
        client = stack.enter_context(process(
            *command, 'new-session', 'cat', ';', 'split-window', 'cat',
            stdin=slave, stdout=slave, stderr=slave, env=env))
        os.close(slave)

        def panes():
            # The client waits for room in its terminal else.
            os.set_blocking(master, False)
            with contextlib.suppress(BlockingIOError):
                os.read(master, 65536)
            said = subprocess.run([*command, 'list-panes', '-a', '-F',
                                   '#{pid} #{pane_pid}'], text=True, env=env,
                                  capture_output=True)
            return len(said.stdout.split()) == 4 and said.stdout.split()
        pids = until(panes, 'tmux')
        stack.callback(subprocess.run, [*command, 'kill-server'], env=env,
                       stderr=subprocess.DEVNULL)
        yield [client.pid, int(pids[0])]


def account(name):
    """Options that run a program as somebody, if we may."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam(name)
    except KeyError as error:
        raise factory.Missing(f'the user {name}') from error
    return {'user': user.pw_uid, 'group': user.pw_gid, 'extra_groups': []}


@contextlib.contextmanager
def postgres(tmp):
    initdb, server, bench, ready = need('initdb', 'postgres', 'pgbench',
                                        'pg_isready')
    who = account('postgres')
    if who:
        os.chown(tmp, who['user'], who['group'])
    port = str(free_port())
    where = ['-h', tmp, '-p', port]
    env = {'PATH': os.environ['PATH'], 'PGUSER': 'test', 'LC_ALL': 'C'}
    quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL,
             'cwd': tmp, 'env': env, **who}
    subprocess.run([initdb, '-D', f'{tmp}/data', '-U', 'test', '-A', 'trust',
                    '--no-sync'], check=True, **quiet)
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(process(
            server, '-D', f'{tmp}/data', '-k', tmp, '-p', port, '-h',
            '127.0.0.1', **quiet))
        until(lambda: subprocess.run([ready, *where], **quiet).returncode == 0,
              'postgres')
        subprocess.run([bench, *where, '-i', '-s', '2', 'postgres'],
                       check=True, **quiet)
        for way in where, ['-h', '127.0.0.1', '-p', port]:
            # Few rows and many who change them: they wait for each other.
            stack.enter_context(process(bench, *way, '-c', '6', '-j', '2',
                                        '-T', '3600', 'postgres', **quiet))
        yield [made.pid]


@contextlib.contextmanager
def chromium(tmp):
    program = need('chromium')
    port = free_port()
    # Pages that load each other, for ever.
    for i in range(3):
        pathlib.Path(tmp, f'{i}.html').write_text(
            f'<meta http-equiv=refresh content="0;url={(i + 1) % 3}.html">'
            f'<iframe src="frame.html"></iframe><canvas></canvas>'
            '<script>new Worker("w.js")</script>' + '<p>text' * 500)
    pathlib.Path(tmp, 'frame.html').write_text('<video></video>')
    pathlib.Path(tmp, 'w.js').write_text('setInterval(() => postMessage(1), 1)')
    with contextlib.ExitStack() as stack:
        web = stack.enter_context(process(
            'python3', '-m', 'http.server', '-b', '127.0.0.1', '-d', tmp,
            str(port)))
        stack.enter_context(until(
            connected(socket.AF_INET, ('127.0.0.1', port)), 'http.server'))
        made = stack.enter_context(process(
            program, '--headless', '--no-sandbox', '--disable-gpu',
            '--no-first-run', f'--user-data-dir={tmp}/profile',
            '--remote-debugging-port=0', f'http://127.0.0.1:{port}/0.html',
            cwd=tmp, env={**os.environ, 'HOME': tmp, 'TMPDIR': tmp}))
        until(lambda: pathlib.Path(
            tmp, 'profile/DevToolsActivePort').exists(), 'chromium')
        yield [made.pid, web.pid]


@contextlib.contextmanager
def make(tmp):
    """Makes below a make, with more jobs than tokens."""
    program = need('make')
    jobs = ' '.join(f'job{i}' for i in range(3))
    pathlib.Path(tmp, 'Makefile').write_text(
        f'all: a b c d\na b c d:\n\t+@$(MAKE) -f jobs DIR=$@\n')
    pathlib.Path(tmp, 'jobs').write_text(
        f'all: {jobs}\n{jobs}:\n'
        '\t@echo $(DIR) >>started; sleep 3600 | cat\n')
    with process(program, '-j3', '-C', tmp) as made:
        until(lambda: len(pathlib.Path(tmp, 'started').read_text().split())
              == 3 if pathlib.Path(tmp, 'started').exists() else 0, 'make')
        try:
            yield [made.pid]
        finally:
            # Not all that its jobs have started ends with them.
            os.killpg(made.pid, signal.SIGKILL)


QUICK = redis, nginx, dbus, tmux, make
# Of the long tests (./dev long) alone.
SLOW = postgres, chromium
ALL = {program.__name__: program for program in QUICK + SLOW}


def names():
    """Of those that are to be run."""
    return [program.__name__ for program
            in QUICK + (SLOW if os.environ.get('VIA_LONG') else ())]


@contextlib.contextmanager
def run(name):
    """Run one in a directory of its own: the pids of its first processes."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as tmp:
        os.chmod(tmp, 0o755)
        with ALL[name](tmp) as pids:
            yield pids
