# SPDX-License-Identifier: MIT
"""One measurement each, between the two ends of a scene: TCP, UDP at the best rate without loss, ping."""

import json
import math
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import CheckFailed, Netns, ping, wait_until
from support.topology import end_process

from .machine import Busy
from .scene import Scene

MOST_LOSS = 0.005
MORE_STEPS = 4  # of a search that has found nothing yet
LOADED_PING_INTERVAL = 0.02
SOCKET_BUFFER = 4 << 20  # as far as the machine lets anybody have it
IPERF_PORT = 5201


@dataclass
class Tcp:
    gbits: float
    cpu_per_gb: float


@contextmanager
def iperf_server(netns: Netns) -> Iterator[None]:
    """A fresh one: an older one may still be busy with what is left of an earlier run."""
    server = subprocess.Popen(netns.command("iperf3", "-s", "-1", "-p", str(IPERF_PORT)), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until(lambda: netns.run("ss", "-Hltn", f"sport = {IPERF_PORT}").stdout, "iperf3 listens", interval=0.01)
        yield
    finally:
        end_process(server)


def iperf(scene: Scene, *options: str, seconds: int) -> dict:
    """One run of iperf3 from a to b; its report's "end"."""
    with iperf_server(scene.b):
        done = scene.a.run("iperf3", "-c", scene.address, "-p", str(IPERF_PORT), "-t", str(seconds), "-J",
                           "--connect-timeout", "3000", *options, check=False, timeout=seconds + 20)
    report = json.loads(done.stdout or "{}")
    if done.returncode or "error" in report:
        raise CheckFailed(f"iperf3 {' '.join(options)}: {report.get('error') or done.stderr}")
    return report["end"]


def tcp(scene: Scene, streams: int, seconds: int, back: bool = False) -> Tcp:
    with Busy() as busy:
        end = iperf(scene, "-P", str(streams), *(["-R"] if back else []), seconds=seconds)
    received = end["sum_received"]
    if not received["bytes"]:
        raise CheckFailed(f"TCP with {streams} streams: nothing arrived")
    return Tcp(received["bits_per_second"] / 1e9, busy.seconds / received["bytes"] * 1e9)


def tcp_and_ping(scene: Scene, streams: int, seconds: int) -> tuple[Tcp, float]:
    """Also the average round trip in µs while the streams flow. The few echoes cost them nothing that shows."""

    def ping_meanwhile() -> float:
        time.sleep(0.3)  # the streams begin
        return ping(scene.a, scene.address, int((seconds - 0.5) / LOADED_PING_INTERVAL), LOADED_PING_INTERVAL,
                    wait=1).average_ms * 1000

    with ThreadPoolExecutor(1) as pool:
        echoes = pool.submit(ping_meanwhile)
        result = tcp(scene, streams, seconds)
        return result, echoes.result()


def idle_ping_us(scene: Scene, count: int) -> float:
    return ping(scene.a, scene.address, count, 0.005).average_ms * 1000


def socket_buffer() -> int:
    """The largest that a socket may have here, for both ends: iperf3 insists on what it asks for."""
    limits = (int(Path(f"/proc/sys/net/core/{side}mem_max").read_text(encoding="ascii")) for side in "rw")
    return min(SOCKET_BUFFER, *limits)


@dataclass
class Udp:
    sent: float  # packets a second
    received: float
    loss: float


def udp(scene: Scene, size: int, rate: float, seconds: int) -> Udp:
    """Datagrams of this payload at a rate in packets a second; 0: as fast as one sender can."""
    end = iperf(scene, "-u", "-l", str(size), "-b", str(int(rate * size * 8)), "--pacing-timer", "100",
                "-w", str(socket_buffer()), seconds=seconds)
    total = end["sum"]
    sent, lost = total["packets"], total["lost_packets"]
    if not sent:
        raise CheckFailed(f"UDP of {size} bytes: nothing was sent")
    return Udp(sent / total["seconds"], (sent - lost) / total["seconds"], lost / sent)


def best_udp_rate(scene: Scene, size: int, seconds: int, steps: int) -> float:
    """The best rate, in packets a second, of which at most MOST_LOSS is lost: bisection below a flood."""
    flood = udp(scene, size, 0, seconds)
    if flood.loss <= MOST_LOSS:
        return flood.received
    good, bad, rate, best = 0.0, flood.sent, min(flood.received, flood.sent * 0.9), 0.0
    for step in range(steps + MORE_STEPS):
        if step >= steps and best:
            break
        tried = udp(scene, size, rate, seconds)
        if tried.loss <= MOST_LOSS:
            good, best = rate, max(best, tried.received)
        else:
            bad = rate
        rate = math.sqrt(good * bad) if good else bad / 2
    if not best:
        raise CheckFailed(f"UDP of {size} bytes: more than {MOST_LOSS:.1%} lost down to {rate * 2:.0f} a second")
    return best
