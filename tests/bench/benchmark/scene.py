# SPDX-License-Identifier: MIT
"""Two namespaces with one implementation at both ends of a tunnel between them.

    a: node, eth0 ─────────── eth0, node: b
"""

from support import Pair, Topology, Wgxdp, expect_ping, ping
from support.pair import OUTER

from .implementations import Implementation, memory


class Scene(Topology):
    """Ready for traffic from a to `address` in b once it is entered."""

    def __init__(self, implementation: Implementation, offloads: str = "wire"):
        super().__init__(offloads=offloads, count_runs=False)  # counting costs 40 ns a program
        self.implementation = implementation
        self.first_ping_ms: float | None = None

    def __enter__(self):
        super().__enter__()
        try:
            self._build()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _build(self) -> None:
        self.a, self.b = self.underlay()
        expect_ping(self.a, OUTER[4][1])  # afterwards the neighbours know each other
        self.pair: Pair | None = None
        self.address = OUTER[4][1]
        if self.implementation.node:
            self.pair = Pair(self, *(self.implementation.node(self, netns) for netns in (self.a, self.b)))
            self.pair.up()
            self.address = self.pair.inner[4][1]
            self.first_ping_ms = ping(self.a, self.address, wait=5).average_ms

    def keystream(self) -> dict[str, int]:
        """Packets sealed and opened, at both ends together, by whether their keystream was ready; empty: none has any."""
        if not self.pair or not isinstance(self.pair.left, Wgxdp):
            return {}
        ends = [node.status()["keystream"] for node in (self.pair.left, self.pair.right)]
        return {where: sum(end[f"{what}_{where}"] for end in ends for what in ("sealed", "opened"))
                for where in ("ready", "inline")}

    def memory_mb(self) -> float:
        """Of the end in a."""
        return memory(self.pair.left, self.pair.names[0]) / 1e6
