# SPDX-License-Identifier: MIT
"""A node that runs wireguard-go."""

from .host import wireguard_go
from .userspace import UserspaceNode


class WireguardGo(UserspaceNode):
    """The other implementation, in Go."""

    implementation = "wireguard-go"

    def command(self, tunnel: str) -> list[str]:
        program = wireguard_go()
        if program is None:
            raise FileNotFoundError("wireguard-go is missing: run tools/setup")
        return [program, "-f", tunnel]
