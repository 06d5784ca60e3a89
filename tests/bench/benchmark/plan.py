# SPDX-License-Identifier: MIT
"""The run: what is measured in which order, with its progress. All implementations take turns in every round, so that a
busy moment of the machine hits all alike."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from support import CheckFailed, ProcessFailed, Topology

from . import traffic
from .cipher import measure_cipher
from .figures import ALLOWED_IPS, PEERS, Results
from .growth import growth
from .handshakes import answered, flooded
from .implementations import Implementation
from .scene import Scene

MEASUREMENTS = ("cipher", "tcp", "udp", "ping", "memory", "handshakes", "flood", "allowed_ips", "peers")
THROUGH = ("ping", "tcp", "udp", "memory")
SETUP_SECONDS = 1.5
IPERF_SECONDS = 0.4  # what a run of iperf3 takes beside its traffic
CIPHER_SECONDS = 20
HANDSHAKES_SECONDS = 7
CONFIGURE_SECONDS = 4


@dataclass(frozen=True)
class Settings:
    """How much is measured."""

    measurements: tuple[str, ...]
    repeat: int = 3
    seconds: int = 2
    udp_steps: int = 5
    pings: int = 200
    underlays: tuple[str, ...] = ("wire", "as-is")
    allowed_ips: tuple[int, ...] = ALLOWED_IPS
    peers: tuple[int, ...] = PEERS
    handshakes: int = 10_000
    handshake_peers: int = 2_000  # none comes back so soon that it is refused
    cipher_seconds: float = 0.2  # a benchmark


def quick(measurements: tuple[str, ...]) -> Settings:
    """Only shows that everything works."""
    return Settings(measurements, repeat=1, seconds=1, udp_steps=2, pings=20, underlays=("wire",),
                    allowed_ips=ALLOWED_IPS[:2], peers=PEERS[:2], handshakes=500, handshake_peers=500,
                    cipher_seconds=0.01)


@dataclass
class Cell:
    """One measurement of one implementation: what is left behind is nothing."""

    words: str
    seconds: float  # that it will take
    run: Callable[[], None]


class Plan:
    """Everything that the settings ask for."""

    def __init__(self, settings: Settings, implementations: list[Implementation], results: Results):
        self._settings, self._implementations, self._results = settings, implementations, results
        self.cells = list(self._cells())

    @property
    def seconds(self) -> float:
        return sum(cell.seconds for cell in self.cells)

    def run(self) -> None:
        began, planned = time.monotonic(), 0.0
        for number, cell in enumerate(self.cells, 1):
            passed = time.monotonic() - began
            pace = passed / planned if planned else 1.0
            left = (self.seconds - planned) * pace
            print(f"[{number:3}/{len(self.cells)}] {cell.words:44} {left / 60:4.0f} min left", flush=True)
            with self._failures(cell.words):
                cell.run()
            planned += cell.seconds

    def _cells(self) -> Iterator[Cell]:
        settings, wanted = self._settings, self._settings.measurements
        if "cipher" in wanted:
            yield Cell("cipher", CIPHER_SECONDS, self._cipher)
        for number in range(1, settings.repeat + 1):
            for underlay in settings.underlays if set(wanted) & set(THROUGH) else ():
                for implementation in self._implementations:
                    yield self._through(number, underlay, implementation)
            for implementation in filter(lambda it: it.scale, self._implementations):
                if "handshakes" in wanted:
                    yield self._handshakes(number, implementation)
                if "flood" in wanted:
                    yield self._flood(number, implementation)
                for kind in ("allowed_ips", "peers"):
                    if kind in wanted:
                        yield self._growth(number, implementation, kind)

    @contextmanager
    def _failures(self, words: str) -> Iterator[None]:
        """What cannot be measured is said, now and in the report; the run goes on."""
        try:
            yield
        except (CheckFailed, ProcessFailed, OSError, subprocess.TimeoutExpired) as failure:
            self._results.failures.append(f"{words}: {failure}")
            print(f"          FAILED {words}: {failure}", flush=True)

    def _cipher(self) -> None:
        self._results.cipher = measure_cipher(self._settings.cipher_seconds)

    def _through(self, number: int, underlay: str, implementation: Implementation) -> Cell:
        settings, name = self._settings, implementation.name
        words = f"round {number}, {underlay}, {name}"

        def run() -> None:
            with Scene(implementation, underlay) as scene:
                for measurement in THROUGH:
                    if measurement in settings.measurements:
                        with self._failures(f"{words}: {measurement}"):
                            for found in MEASURE[measurement](scene, settings):
                                self._results.add(underlay, name, found)

        iperf = settings.seconds + IPERF_SECONDS
        each = {"tcp": 4 * iperf, "udp": 2 * (settings.udp_steps + 1) * (1 + IPERF_SECONDS),
                "ping": settings.pings * 0.005, "memory": 0.1}
        return Cell(words, SETUP_SECONDS + sum(each[it] for it in THROUGH if it in settings.measurements), run)

    def _handshakes(self, number: int, implementation: Implementation) -> Cell:
        settings, name = self._settings, implementation.name
        words = f"round {number}, handshakes, {name}"

        def run() -> None:
            with Topology(count_runs=False) as topology, self._failures(words):
                self._results.add("handshakes", name, answered(topology, implementation, settings.handshake_peers,
                                                               settings.handshakes))

        return Cell(words, HANDSHAKES_SECONDS, run)

    def _flood(self, number: int, implementation: Implementation) -> Cell:
        settings, name = self._settings, implementation.name
        words = f"round {number}, flood of initiations, {name}"

        def run() -> None:
            with Scene(implementation) as scene, self._failures(words):
                self._results.add("handshakes", name, flooded(scene, settings.seconds))

        return Cell(words, SETUP_SECONDS + 3 * (settings.seconds + IPERF_SECONDS), run)

    def _growth(self, number: int, implementation: Implementation, kind: str) -> Cell:
        settings, name = self._settings, implementation.name
        sizes = getattr(settings, kind)
        words = f"round {number}, growth of {kind.replace('_', ' ')}, {name}"

        def run() -> None:
            with Scene(implementation) as scene, self._failures(words):
                for found in growth(scene, kind, sizes, settings.seconds):
                    self._results.add("growth", name, found)

        seconds = SETUP_SECONDS + CONFIGURE_SECONDS + len(sizes) * (settings.seconds + IPERF_SECONDS)
        return Cell(words, seconds, run)


def ready(scene: Scene, before: dict[str, int], figure: str) -> dict[str, float]:
    """Of the packets since that reading, the percentage that found its keystream ready; nothing where there is none."""
    if not before:
        return {}
    passed = {where: number - before[where] for where, number in scene.keystream().items()}
    return {figure: 100 * passed["ready"] / sum(passed.values())}


def measure_tcp(scene: Scene, settings: Settings) -> Iterator[dict[str, float]]:
    before = scene.keystream()
    one = traffic.tcp(scene, 1, settings.seconds)
    yield {"tcp_1": one.gbits, "cpu_1": one.cpu_per_gb} | ready(scene, before, "ready_1")
    yield {"tcp_1_back": traffic.tcp(scene, 1, settings.seconds, back=True).gbits}
    before = scene.keystream()
    eight, ping = traffic.tcp_and_ping(scene, 8, settings.seconds)
    yield {"tcp_8": eight.gbits, "cpu_8": eight.cpu_per_gb, "ping_loaded": ping} | ready(scene, before, "ready_8")
    yield {"tcp_8_back": traffic.tcp(scene, 8, settings.seconds, back=True).gbits}


def measure_udp(scene: Scene, settings: Settings) -> Iterator[dict[str, float]]:
    for size in (64, 1300):
        yield {f"udp_{size}": traffic.best_udp_rate(scene, size, 1, settings.udp_steps) / 1000}


def measure_ping(scene: Scene, settings: Settings) -> Iterator[dict[str, float]]:
    yield {"ping": traffic.idle_ping_us(scene, settings.pings)}
    if scene.first_ping_ms is not None:
        yield {"cold_handshake": scene.first_ping_ms}


def measure_memory(scene: Scene, _: Settings) -> Iterator[dict[str, float]]:
    if scene.pair:
        yield {"memory": scene.memory_mb()}


MEASURE = {"tcp": measure_tcp, "udp": measure_udp, "ping": measure_ping, "memory": measure_memory}
