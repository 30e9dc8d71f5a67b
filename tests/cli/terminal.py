# SPDX-License-Identifier: MIT
"""terminal.py COMMAND [WHEN=KEYS]... : run COMMAND by bash -i at a terminal.

WHEN is text that must have appeared since the last keys; then KEYS (with
escapes such as \\x03) are typed. Prints what appeared, escape sequences as they
are. Fails when WHEN does not come within 20 s.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

ROWS, COLUMNS = 24, 80


class Terminal:
    def __init__(self, argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # A test in the background ignores them, and so would bash.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)
            os.execvp(argv[0], argv)
        size = struct.pack('HHHH', ROWS, COLUMNS, 0, 0)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)
        self.seen = b''
        self.at = 0

    def read(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            return False
        try:
            text = os.read(self.fd, 65536)
        except OSError:  # EIO: the last one has closed it
            return None
        self.seen += text
        return bool(text)

    def wait(self, text, seconds=20):
        end = time.monotonic() + seconds
        while text not in self.seen[self.at:]:
            if self.read(0.1) is None or time.monotonic() > end:
                sys.stdout.buffer.write(self.seen)
                sys.exit(f'{text!r} did not come')
        self.at = self.seen.index(text, self.at) + len(text)

    def finish(self):
        while self.read(20):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def main():
    os.environ.update(TERM='xterm', PS1='ready> ', HISTFILE='/dev/null',
                      INPUTRC='/dev/null')
    t = Terminal(['bash', '--norc', '--noprofile', '--noediting', '-i'])
    t.wait(b'ready> ')
    os.write(t.fd, sys.argv[1].encode() + b'\n')
    t.wait(b'\n')
    for step in sys.argv[2:]:
        when, _, keys = step.partition('=')
        t.wait(when.encode())
        os.write(t.fd, keys.encode().decode('unicode_escape').encode())
    t.wait(b'ready> ')
    os.write(t.fd, b'echo status=$?; exit\n')
    t.finish()
    sys.stdout.buffer.write(t.seen)


main()
