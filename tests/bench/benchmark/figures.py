# SPDX-License-Identifier: MIT
"""What is measured: every figure by section, and the values that a run has collected."""

import statistics
from dataclasses import dataclass, field

ALLOWED_IPS = (1, 1_000, 100_000)
PEERS = (1, 1_000, 10_000)


@dataclass(frozen=True)
class Figure:
    """One row of a table."""

    name: str
    words: str
    unit: str

    @property
    def more_is_better(self) -> bool:
        return self.unit in ("Gbit/s", "kpps", "1/s", "%")


@dataclass(frozen=True)
class Section:
    """One table."""

    name: str
    title: str
    figures: tuple[Figure, ...]


THROUGH = (
    Figure("tcp_1", "TCP, one stream", "Gbit/s"),
    Figure("tcp_1_back", "TCP, one stream, the other way", "Gbit/s"),
    Figure("tcp_8", "TCP, eight streams", "Gbit/s"),
    Figure("tcp_8_back", "TCP, eight streams, the other way", "Gbit/s"),
    Figure("cpu_1", "machine CPU, one stream", "s/GB"),
    Figure("cpu_8", "machine CPU, eight streams", "s/GB"),
    Figure("ready_1", "keystream was ready, one stream", "%"),
    Figure("ready_8", "keystream was ready, eight streams", "%"),
    Figure("udp_64", "UDP, 64 bytes", "kpps"),
    Figure("udp_1300", "UDP, 1300 bytes", "kpps"),
    Figure("ping", "ping", "µs"),
    Figure("ping_loaded", "ping beside eight TCP streams", "µs"),
    Figure("cold_handshake", "first ping, with its handshake", "ms"),
    Figure("memory", "memory of one end", "MB"),
)
HANDSHAKES = (
    Figure("handshakes", "handshakes", "1/s"),
    Figure("handshake_cpu", "machine CPU a handshake", "µs"),
    Figure("tcp_calm", "TCP, one stream", "Gbit/s"),
    Figure("tcp_flooded", "TCP beside a flood of initiations", "Gbit/s"),
    Figure("flood_left", "what the flood leaves of it", "%"),
)


def growth_figures(kind: str, words: str, sizes: tuple[int, ...]) -> tuple[Figure, ...]:
    """At every size: what a packet costs, how long the configuration takes, what one end occupies."""
    return (*(Figure(f"{kind}_{size}_cost", f"machine CPU a packet, {size:,} {words if size > 1 else words[:-1]}", "µs") for size in sizes),
            *(Figure(f"{kind}_{size}_seconds", f"time to configure {size:,} {words}", "s") for size in sizes[1:]),
            *(Figure(f"{kind}_{size}_memory", f"memory of one end, {size:,} {words if size > 1 else words[:-1]}", "MB") for size in sizes))


SECTIONS = (
    Section("wire", "1500-byte frames (segmentation offloads off, GRO on)", THROUGH),
    Section("as-is", "veth as created (super-packets cross it whole)", THROUGH),
    Section("handshakes", "Handshakes of many clients with one responder", HANDSHAKES),
    Section("growth", "Cost of growth (64-byte UDP packets to all allowed IPs at random, 1500-byte frames)",
            growth_figures("allowed_ips", "allowed IPs", ALLOWED_IPS) + growth_figures("peers", "peers", PEERS)),
)


@dataclass
class Results:
    """Values by section, implementation and figure; and what could not be measured."""

    values: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    cipher: list[dict] = field(default_factory=list)

    def add(self, section: str, implementation: str, figures: dict[str, float]) -> None:
        for figure, value in figures.items():
            self.values.setdefault((section, implementation, figure), []).append(value)

    def median(self, section: str, implementation: str, figure: str) -> float | None:
        values = self.values.get((section, implementation, figure))
        return statistics.median(values) if values else None

    def rows(self) -> list[dict]:
        """For the JSON file."""
        units = {figure.name: figure.unit for section in SECTIONS for figure in section.figures}
        return [{"section": section, "implementation": implementation, "figure": figure, "unit": units[figure],
                 "median": statistics.median(values), "values": values}
                for (section, implementation, figure), values in self.values.items()]
