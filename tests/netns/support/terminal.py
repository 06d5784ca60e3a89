# SPDX-License-Identifier: MIT
"""A command at a terminal of its own: what is on the screen, and keys pressed."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import pyte

from .host import CheckFailed


class Terminal:
    def __init__(self, command: list[str], rows: int = 30, columns: int = 150):
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._modes = termios.tcgetattr(self._slave)
        self._process = subprocess.Popen(["setsid", "--ctty", *command], stdin=self._slave, stdout=self._slave,
                                         stderr=self._slave, env={**os.environ, "TERM": "linux", "LC_ALL": "C.UTF-8"})

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait_for(self, pattern: str, deadline: float = 20) -> re.Match:
        """Until this is on the screen."""
        end = time.monotonic() + deadline
        while not (found := re.search(pattern, self.text)):
            if not self._read(end - time.monotonic()):
                raise CheckFailed(f"{pattern!r} is not on the screen:\n{self.text}")
        return found

    def wait_for_end(self, deadline: float = 20) -> int:
        """The exit status; the terminal must be as it was before."""
        status = self._process.wait(deadline)
        if termios.tcgetattr(self._slave) != self._modes:
            raise CheckFailed("the terminal's modes are not what they were")
        return status

    def _read(self, seconds: float) -> bool:
        if seconds <= 0 or not select.select([self._master], [], [], seconds)[0]:
            return False
        self._stream.feed(os.read(self._master, 1 << 16))
        return True

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)
        os.close(self._slave)
