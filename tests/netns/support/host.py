# SPDX-License-Identifier: MIT
"""The machine the tests run on: where the executables are, what is missing, how to run and to wait."""

import os
import shutil
import signal
import subprocess
import sys
import time
import unittest
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("WGXDP_BUILD", ROOT / "build"))
SKIPPED = 77  # ctest's SKIP_RETURN_CODE

T = TypeVar("T")


class CheckFailed(AssertionError):
    """Traffic or state is not what the scenario demands."""


@contextmanager
def on_one_cpu():
    """This thread, and all it starts. (What leaves a veth from two CPUs may arrive in another order.)"""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class ProcessFailed(Exception):
    """A command ended with another status than 0."""

    def __init__(self, result: subprocess.CompletedProcess):
        super().__init__(f"{' '.join(result.args)}: status {result.returncode}\n{result.stdout}{result.stderr}")
        self.result = result


def run(command: list[str], *, check: bool = True, stdin: str | None = None,
        timeout: float = 60) -> subprocess.CompletedProcess:
    """Runs a command to its end with its output captured; raises ProcessFailed unless check is off."""
    source = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    result = subprocess.run(command, text=True, capture_output=True, timeout=timeout, check=False, **source)
    if check and result.returncode != 0:
        raise ProcessFailed(result)
    return result


def wait_until(condition: Callable[[], T], what: str, deadline: float = 10, interval: float = 0.02) -> T:
    """The first true value of the condition; CheckFailed when there is none in `deadline` seconds."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise CheckFailed(f"not within {deadline} s: {what} (last: {value!r})")
        time.sleep(interval)


def executable(name: str) -> str:
    """One of wgxdp's own executables."""
    path = BUILD / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: build first, or name the build directory in WGXDP_BUILD")
    return str(path)


def wireguard_go() -> str | None:
    """The wireguard-go of this machine: our own build of it (tools/setup), or an installed one."""
    for candidate in (BUILD / "peers/wireguard-go", Path("/opt/peers/wireguard")):
        if candidate.is_file():
            return str(candidate)
    return shutil.which("wireguard-go")


def require_wireguard_go(test: Callable) -> Callable:
    """Decorator: skips a test, aloud, on a machine without wireguard-go."""
    return unittest.skipUnless(wireguard_go(), "wireguard-go is missing: run tools/setup")(test)


def boringtun() -> str | None:
    """The boringtun-cli of this machine: our own build of it (tools/setup), or an installed one."""
    ours = BUILD / "peers/boringtun-cli"
    return str(ours) if ours.is_file() else shutil.which("boringtun-cli")


def require_boringtun(test: Callable) -> Callable:
    """Decorator: skips a test, aloud, on a machine without boringtun."""
    return unittest.skipUnless(boringtun(), "boringtun-cli is missing: tools/setup says why")(test)


def missing_privilege() -> str | None:
    """Why no scenario can run here, or None."""
    if os.geteuid() != 0:
        return "network namespaces and BPF need root"
    try:
        run(["unshare", "--net", "true"])
    except ProcessFailed as failure:
        return f"no new network namespace: {failure}"
    return None


def _stop_on_signals() -> None:
    """Makes a deadline or a request to end an exception: the scenario unwinds and cleans up."""

    def stop(number, _frame):
        signal.alarm(0)
        raise SystemExit(f"stopped by {signal.Signals(number).name} after the allowed time or on request")

    for ending in (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) != signal.SIG_IGN:  # nohup
            signal.signal(ending, stop)
    signal.alarm(int(os.environ.get("WGXDP_TEST_SECONDS", "0")))


class _Result(unittest.TextTestResult):
    """Does not go on with other tests once the process was asked to end."""

    def addError(self, test, err):
        super().addError(test, err)
        self._stop_on_exit(err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        self._stop_on_exit(err)

    def _stop_on_exit(self, err) -> None:
        if err and issubclass(err[0], SystemExit):
            self.failfast = True  # ends the loop around a subtest
            self.stop()


def main() -> None:
    """Runs the scenarios of the calling file. Status 77: everything was skipped, and says why."""
    reason = missing_privilege()
    if reason:
        print(f"SKIPPED: {reason}", file=sys.stderr)
        sys.exit(SKIPPED)
    _stop_on_signals()
    result = unittest.main(testRunner=unittest.TextTestRunner(verbosity=2, resultclass=_Result), exit=False).result
    for test, why in result.skipped:
        print(f"SKIPPED: {test}: {why}", file=sys.stderr)
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if result.testsRun == len(result.skipped) else 0)
