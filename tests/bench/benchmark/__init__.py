# SPDX-License-Identifier: MIT
"""tools/bench: wgxdp, wireguard-go, boringtun and plain veth side by side on one machine, in one interleaved run.

The topology, the nodes and the care to leave nothing behind are those of the tests (tests/netns/support).
"""
