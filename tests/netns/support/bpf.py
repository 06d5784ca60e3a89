# SPDX-License-Identifier: MIT
"""The few bpf(2) calls that no command line tool offers: run counts, an XDP program that is not ours, and pins of
another version."""

import ctypes
import os
import struct
from pathlib import Path

_SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
_MAP_CREATE, _MAP_UPDATE, _OBJ_PIN, _MAP_TYPE_ARRAY = 0, 2, 6, 2
_PROG_LOAD, _PROG_GET_FD_BY_ID, _LINK_CREATE, _ENABLE_STATS = 5, 13, 28, 32
_PROG_TYPE_XDP, _ATTACH_XDP, _XDP_PASS = 6, 37, 2
_ATTR_SIZE = 128

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command: int, attr: bytes) -> int:
    """bpf(2); returns the new file descriptor."""
    buffer = ctypes.create_string_buffer(attr.ljust(_ATTR_SIZE, b"\0"), _ATTR_SIZE)
    fd = _libc.syscall(_SYS_BPF, command, buffer, _ATTR_SIZE)
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}: {os.strerror(ctypes.get_errno())}")
    return fd


class RunCounts:
    """The kernel counts the runs of every program while this is open (as kernel.bpf_stats_enabled=1, but several
    processes can want it at once and none has to restore it)."""

    def __init__(self):
        self._fd = _bpf(_ENABLE_STATS, struct.pack("<I", 0))

    def close(self) -> None:
        os.close(self._fd)


class ForeignXdp:
    """Somebody else's XDP program on a NIC: it passes everything. Gone when closed."""

    def __init__(self, netns, device: str):
        # r0 = XDP_PASS; exit
        code = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xB7, 0, 0, _XDP_PASS, 0x95, 0, 0, 0))
        licence = ctypes.create_string_buffer(b"MIT")
        load = struct.pack("<IIQQ", _PROG_TYPE_XDP, 2, ctypes.addressof(code), ctypes.addressof(licence))
        self._program = _bpf(_PROG_LOAD, load)
        try:
            self._link = netns.call(lambda: _bpf(_LINK_CREATE, struct.pack(
                "<IIII", self._program, netns.ifindex(device), _ATTACH_XDP, 0)))
        except OSError:
            os.close(self._program)
            raise

    def close(self) -> None:
        os.close(self._link)
        os.close(self._program)


def program_exists(program_id: int) -> bool:
    """Whether the kernel still holds the program with this id."""
    try:
        os.close(_bpf(_PROG_GET_FD_BY_ID, struct.pack("<I", program_id)))
    except FileNotFoundError:
        return False
    return True


def pin_other_abi(pins: Path) -> int:
    """Makes a daemon's pins look like those of one with another ABI version, which is returned. (`config` itself is
    frozen; it begins with the version.)"""
    version, key = 0x7FFF, ctypes.create_string_buffer(4)
    value = ctypes.create_string_buffer(struct.pack("<I", version), 64)
    path = ctypes.create_string_buffer(bytes(pins / "other"))
    config = _bpf(_MAP_CREATE, struct.pack("<IIII", _MAP_TYPE_ARRAY, len(key), len(value), 1))
    try:
        _bpf(_MAP_UPDATE, struct.pack("<IIQQQ", config, 0, ctypes.addressof(key), ctypes.addressof(value), 0))
        _bpf(_OBJ_PIN, struct.pack("<QII", ctypes.addressof(path), config, 0))
    finally:
        os.close(config)
    (pins / "other").rename(pins / "config")
    return version
