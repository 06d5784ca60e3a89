# SPDX-License-Identifier: MIT
"""What the scenarios stand on: network namespaces, nodes (wgxdp, wireguard-go, boringtun, the
kernel driver), traffic that checks itself.

A scenario makes a Topology, puts nodes into it and lets traffic prove them. Everything that is made is undone in
reverse order, also on failure, and at the end nothing may be left behind.
"""

from .boringtun import Boringtun
from .bpf import ForeignXdp, pin_other_abi, program_exists
from .events import Events
from .host import CheckFailed, ProcessFailed, main, require_boringtun, require_wireguard_go, wait_until
from .kernel_wireguard import KernelWireguard, kernel_wireguard, require_kernel_wireguard
from .nodes import (Node, PeerConfig, PeerStatus, TunnelConfig, generate_key, only_peer, preshared_key,
                    public_key)
from .pair import MIB, OUTER, Pair, check_fast_path, check_traffic
from .topology import Netns, Topology
from .traffic import PingResult, Prober, expect_ping, ping, tcp_transfer, udp_echo
from .wgxdp import RpcError, Wgxdp
from .wire import Capture, Relay
from .wireguard_go import WireguardGo

__all__ = [
    "Boringtun", "Capture", "CheckFailed", "Events", "ForeignXdp", "KernelWireguard", "MIB", "Netns", "Node", "OUTER", "Pair",
    "PeerConfig", "PeerStatus", "PingResult", "Prober", "ProcessFailed", "Relay", "RpcError", "Topology",
    "TunnelConfig", "Wgxdp", "WireguardGo", "check_fast_path", "check_traffic", "expect_ping", "generate_key",
    "kernel_wireguard", "main", "only_peer", "pin_other_abi", "ping", "preshared_key", "program_exists", "public_key",
    "require_boringtun", "require_kernel_wireguard", "require_wireguard_go", "tcp_transfer", "udp_echo", "wait_until",
]
