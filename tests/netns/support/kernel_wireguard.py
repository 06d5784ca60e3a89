# SPDX-License-Identifier: MIT
"""A node that runs the kernel's own driver."""

import unittest
from collections.abc import Callable
from functools import cache

from .host import run
from .wg_node import WgNode


@cache
def kernel_wireguard() -> bool:
    """Whether this kernel has the driver (asking for it loads its module)."""
    return run(["unshare", "--net", "ip", "link", "add", "wg0", "type", "wireguard"], check=False).returncode == 0


def require_kernel_wireguard(test: Callable) -> Callable:
    """Decorator: skips a test, aloud, on a kernel without the driver."""
    why = "this kernel has no WireGuard driver: vmtest/run interop boots one that has"
    return unittest.skipUnless(kernel_wireguard(), why)(test)


class KernelWireguard(WgNode):
    """The implementation that the others are measured by."""

    implementation = "the kernel driver"

    def make(self, tunnel: str) -> None:
        self.netns.ip("link", "add", tunnel, "type", "wireguard")

    def down(self, tunnel: str) -> None:
        """Deletes the interface: its peers hear nothing."""
        self.netns.ip("link", "delete", tunnel)

    kill = down
