# SPDX-License-Identifier: MIT
"""One boot of a guest: it runs cases one after the other, and what they print is seen as they print it."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from cases import Case
from kernels import directory, virtme_ng
from nics import qemu_options

ROOT = Path(__file__).resolve().parents[1]
BOOT_SECONDS = 200  # 5 on an idle machine, 110 were seen on a busy one
BOOTS = 2  # under TCG a kernel hangs once in a while before it has begun
TIMED_OUT, DIED = 124, 125
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Guest(contextlib.ExitStack):
    """A guest with this kernel, from its boot to its end. It sees the host's files, read-only, at their places."""

    def __init__(self, series: str, release: str, build: Path, cases: list[Case]):
        super().__init__()
        self.release, self._series, self._build, self._cases = release, series, build, cases
        self._bin = virtme_ng()
        self._share = Path(tempfile.mkdtemp(prefix="wgxdp-vm-"))
        self.callback(shutil.rmtree, self._share)
        self._begun = time.monotonic()
        self.seconds = 0.0
        self._ended, self._ended_by = False, DIED
        self._line = b""
        self._boots, self._is_up = 1, False
        self._process = self._boot()
        self._log = self.enter_context(open(self._share / "log", "rb"))
        self.callback(self._end)

    def _boot(self) -> subprocess.Popen:
        share, build = self._share, self._build
        (share / "cases").write_text("".join(
            shlex.join([case.name, str(case.seconds), *case.command]) + "\n" for case in self._cases))
        (share / "done").touch()
        (share / "log").touch()
        environment = f"BUILD={shlex.quote(str(build))} SHARE={share} ROOT={shlex.quote(str(ROOT))}"
        # The status and the output travel in files: virtme-ng has other ways only where the image has udev.
        inside = f"{environment} PATH={PATH} bash {ROOT}/vmtest/guest/run-cases >{share}/log 2>&1"
        counts = self._cases[0].counts_instructions
        arguments = ["vng", "-v", "-r", str(directory(self.release) / f"boot/vmlinuz-{self.release}"), "--disable-kvm",
                     "--force-9p", "--user", "root", "-m", "2G", "--cpus", "1" if counts else "2", f"--rwdir={share}",
                     *(f"--rodir={path}" for path in sorted({str(ROOT), str(build)})), "-e", inside]
        if any(case.nics for case in self._cases):
            arguments = [str(ROOT / "vmtest/with-nics"), *arguments, f"--qemu-opts={qemu_options()}"]
        if counts:
            arguments.append("--qemu-opts=-icount shift=0")
        with open(share / "boot", "wb") as boot:
            return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=boot, stderr=boot, cwd="/",
                                    start_new_session=True, env=os.environ | {"PATH": f"{self._bin}:{PATH}"})

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def runs(self) -> bool:
        """Shows what was printed meanwhile, whole lines after the kernel's name, and ends the guest after its time."""
        if self._ended:
            return False
        self._ended = self._process.poll() is not None
        *lines, self._line = (self._line + self._log.read()).split(b"\n")
        for line in [*lines, self._line] if self._ended and self._line else lines:
            print(f"{self._series}: {line.decode(errors='replace')}", flush=True)
        self._is_up = self._is_up or bool(lines)
        self.seconds = time.monotonic() - self._begun
        if not self._ended and self.seconds > self._boots * BOOT_SECONDS + self._case_seconds():
            self._end()
            self._ended, self._ended_by = self._is_up or self._boots == BOOTS, TIMED_OUT
            if not self._ended:
                print(f"vmtest: the guest with {self.release} does not come up; once more", flush=True)
                self._boots += 1
                self._process = self._boot()
        return not self._ended

    def _case_seconds(self) -> int:
        return sum(case.seconds for case in self._cases) if self._is_up else 0

    def results(self) -> dict[str, tuple[int, float]]:
        """The status of each case and its seconds. A case at which the guest died or was ended has DIED or TIMED_OUT,
        and so have those that it did not come to."""
        done = [line.split() for line in (self._share / "done").read_text().splitlines()]
        results = {name: (int(status), float(seconds)) for name, status, seconds in done}
        if len(results) < len(self._cases):
            what = "was ended after its time" if self._ended_by == TIMED_OUT else "died"
            tail = (self._share / "boot").read_text(errors="replace").splitlines()[-15:]
            print(f"vmtest: the guest with {self.release} {what}; the last it said:", *tail, sep="\n  ", flush=True)
        return {case.name: results.get(case.name, (self._ended_by, 0.0)) for case in self._cases}
