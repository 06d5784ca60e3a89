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
CLEANING_SECONDS = 120  # of a case after its time (run-cases)
TIMED_OUT, DIED = 124, 125
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Guest(contextlib.ExitStack):
    """A guest with this kernel, from its boot to its end. It sees the host's files, read-only, at their places. A case
    that takes too long, or of which the guest dies, is the end of that guest; another one goes on with the rest."""

    def __init__(self, series: str, release: str, build: Path, cases: list[Case]):
        super().__init__()
        self.release, self._series, self._build, self._cases = release, series, build, cases
        self._bin = virtme_ng()
        self._share = Path(tempfile.mkdtemp(prefix="wgxdp-vm-"))
        self.callback(shutil.rmtree, self._share)
        self._begun = time.monotonic()
        self.seconds = 0.0
        (self._share / "done").touch()
        self._done, self._hung = 0, 0  # cases that have ended; boots in a row that came to nothing
        self._process: subprocess.Popen | None = None
        self.callback(self._end)

    def boot(self) -> None:
        share, build = self._share, self._build
        (share / "cases").write_text("".join(
            shlex.join([case.name, str(case.seconds), *case.command]) + "\n" for case in self._cases[self._done:]))
        (share / "log").write_bytes(b"")
        environment = f"BUILD={shlex.quote(str(build))} SHARE={share} ROOT={shlex.quote(str(ROOT))}"
        # The status and the output travel in files: virtme-ng has other ways only where the image has udev.
        inside = f"{environment} PATH={PATH} bash {ROOT}/vmtest/guest/run-cases >{share}/log 2>&1"
        counts = self._cases[0].counts_instructions
        arguments = ["vng", "-v", "-r", str(directory(self.release) / f"boot/vmlinuz-{self.release}"), "--disable-kvm",
                     "--force-9p", "--user", "root", "-m", "2G", "--cpus", "1" if counts else "2", f"--rwdir={share}",
                     *(f"--rodir={path}" for path in sorted({str(ROOT), str(build)})), "-e", inside]
        if any(case.nics for case in self._cases):
            arguments = [str(ROOT / "vmtest/with-nics"), *arguments, f"--qemu-opts={qemu_options()}"]
        # QEMU 7.2 with a thread a CPU can keep the translation of a breakpoint by which the guest's kernel has patched
        # itself, and then traps for ever. (Mended in 8.1.)
        arguments.append(f"--qemu-opts={'-icount shift=0' if counts else '-accel tcg,thread=single'}")
        self._printed, self._line = 0, b""
        self._since = time.monotonic()  # it booted, or the last case ended
        with open(share / "boot", "wb") as boot:
            self._process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=boot, stderr=boot, cwd="/",
                                             start_new_session=True, env=os.environ | {"PATH": f"{self._bin}:{PATH}"})

    def _has_died(self) -> bool:
        """Without collecting it: its number stays that of its group, which _end() kills."""
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _end(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def runs(self) -> bool:
        """Shows what was printed meanwhile, and looks after the guest; False when every case has ended."""
        if self._process.returncode is not None:
            return False
        died = self._has_died()
        self._show(to_the_end=died)
        if (done := len(self.results())) > self._done:
            self._done, self._since = done, time.monotonic()
        self.seconds = time.monotonic() - self._begun
        if not died and time.monotonic() - self._since <= self._allowed():
            return True
        self._end()
        if self._done < len(self._cases):
            self._give_up(DIED if died else TIMED_OUT)
        if self._done < len(self._cases):
            self.boot()
        return self._process.returncode is None

    def _show(self, to_the_end: bool) -> None:
        """Whole lines, after the kernel's name."""
        with open(self._share / "log", "rb") as log:
            log.seek(self._printed)
            new = log.read()
        self._printed += len(new)
        *lines, self._line = (self._line + new).split(b"\n")
        for line in [*lines, self._line] if to_the_end and self._line else lines:
            print(f"{self._series}: {line.decode(errors='replace')}", flush=True)

    def _allowed(self) -> float:
        """Seconds from its boot, or from one case's end to the next one's."""
        if not self._printed:
            return BOOT_SECONDS
        return CLEANING_SECONDS + (self._cases[self._done].seconds if self._done < len(self._cases) else 0)

    def _give_up(self, status: int) -> None:
        """Notes the case at which the guest ended; or every one, when it came to none a second time."""
        what = "died" if status == DIED else "was ended after its time"
        tail = (self._share / "boot").read_text(errors="replace").splitlines()[-15:]
        print(f"vmtest: the guest with {self.release} {what}; the last it said:", *tail, sep="\n  ", flush=True)
        self._hung = 0 if self._printed else self._hung + 1
        left = self._cases[self._done:]
        lost = left if self._hung == BOOTS else left[:1] if self._printed else []
        with open(self._share / "done", "a", encoding="ascii") as done:
            done.writelines(f"{case.name} {status} {time.monotonic() - self._since:.1f}\n" for case in lost)
        self._done += len(lost)

    def results(self) -> dict[str, tuple[int, float]]:
        """The status and the seconds of each case that has ended; TIMED_OUT or DIED where the guest did."""
        done = (line.split() for line in (self._share / "done").read_text().splitlines(keepends=True) if line[-1] == "\n")
        return {name: (int(status), float(seconds)) for name, status, seconds in done}
