# SPDX-License-Identifier: MIT
"""The guest's virtio-net NICs: three pairs back to back, over taps in a network namespace of their own (with-nics)."""

# What a pair is good for is in tests/netns/test_virtio.py, which finds its NICs by their MACs.
FEATURES = {
    # as a hypervisor offers it: buffers that merge, checksums and TSO both ways, two queues, long frames
    "wire0": ("52:54:00:00:00:10", 2, "mrg_rxbuf=on,host_mtu=9000"),
    "wire1": ("52:54:00:00:00:11", 2, "mrg_rxbuf=on,host_mtu=9000"),
    # no way to turn off the super-packets that XDP cannot take
    "wire2": ("52:54:00:00:00:20", 1, "ctrl_guest_offloads=off"),
    # one small buffer a packet, without super-packets
    "wire3": ("52:54:00:00:00:21", 1, "mrg_rxbuf=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off"),
    # large buffers that do not merge, on which XDP never runs: for super-packets, and for long frames
    "wire4": ("52:54:00:00:00:30", 1, "mrg_rxbuf=off"),
    "wire5": ("52:54:00:00:00:31", 1, "mrg_rxbuf=off,host_mtu=9000,guest_tso4=off,guest_tso6=off,guest_ecn=off,"
              "guest_ufo=off"),
}


def qemu_options() -> str:
    options = []
    for wire, (mac, queues, features) in FEATURES.items():
        vectors = f"mq=on,vectors={2 * queues + 2}," if queues > 1 else ""
        options += [f"-netdev tap,id={wire},ifname={wire},script=no,downscript=no,vhost=off,queues={queues}",
                    f"-device virtio-net-pci,netdev={wire},mac={mac},{vectors}{features}"]
    return " ".join(options)
