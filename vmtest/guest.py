# SPDX-License-Identifier: MIT
"""One boot of a guest: it runs cases one after the other, and what they print is seen as they print it."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cases import Case
from kernels import directory, virtme_ng
from nics import qemu_options

ROOT = Path(__file__).resolve().parents[1]
BOOT_SECONDS = 300  # 5 on an idle machine, 110 were seen on a busy one
TIMED_OUT, DIED = 124, 125
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Guest:
    """A guest with this kernel. It sees the host's files, read-only, at their places."""

    def __init__(self, release: str, build: Path):
        self.release, self._build = release, build
        self._bin = virtme_ng()

    def run(self, cases: list[Case]) -> dict[str, tuple[int, float]]:
        """The status of each case and its seconds. A case at which the guest died or was ended has DIED or TIMED_OUT,
        and so have those that it did not come to."""
        share = Path(tempfile.mkdtemp(prefix="wgxdp-vm-"))
        try:
            (share / "cases").write_text("".join(
                shlex.join([case.name, str(case.seconds), *case.command]) + "\n" for case in cases))
            ended = self._boot(share, BOOT_SECONDS + sum(case.seconds for case in cases), any(
                case.nics for case in cases))
            done = [line.split() for line in (share / "done").read_text().splitlines()]
            results = {name: (int(status), float(seconds)) for name, status, seconds in done}
            if len(results) < len(cases):
                self._explain(share, ended)
            return {case.name: results.get(case.name, (ended, 0.0)) for case in cases}
        finally:
            shutil.rmtree(share)

    def _boot(self, share: Path, limit: float, nics: bool) -> int:
        """Boots and waits for the end: TIMED_OUT, or DIED (which nobody asks if all cases are done)."""
        (share / "done").touch()
        (share / "log").touch()
        environment = f"BUILD={shlex.quote(str(self._build))} SHARE={share} ROOT={shlex.quote(str(ROOT))}"
        # The status and the output travel in files: virtme-ng has other ways only where the image has udev.
        inside = f"{environment} PATH={PATH} bash {ROOT}/vmtest/guest/run-cases >{share}/log 2>&1"
        shared = {str(ROOT), str(self._build)}
        arguments = ["vng", "-v", "-r", str(directory(self.release) / f"boot/vmlinuz-{self.release}"), "--disable-kvm",
                     "--force-9p", "--user", "root", "-m", "2G", "--cpus", "2", f"--rwdir={share}",
                     *(f"--rodir={path}" for path in sorted(shared)), "-e", inside]
        if nics:
            arguments = [str(ROOT / "vmtest/with-nics"), *arguments, f"--qemu-opts={qemu_options()}"]
        with open(share / "boot", "wb") as boot, open(share / "log", "rb") as log:
            process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=boot, stderr=boot, cwd="/",
                                       start_new_session=True, env=os.environ | {"PATH": f"{self._bin}:{PATH}"})
            try:
                return self._follow(process, log, time.monotonic() + limit)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _follow(self, process: subprocess.Popen, log, end: float) -> int:
        while True:
            ended = process.poll() is not None
            shutil.copyfileobj(log, sys.stdout.buffer)
            sys.stdout.flush()
            if ended:
                return DIED
            if time.monotonic() > end:
                return TIMED_OUT
            time.sleep(0.1)

    def _explain(self, share: Path, ended: int) -> None:
        what = "was ended after its time" if ended == TIMED_OUT else "died"
        tail = (share / "boot").read_text(errors="replace").splitlines()[-15:]
        print(f"vmtest: the guest with {self.release} {what}; the last it said:", *tail, sep="\n  ", flush=True)
