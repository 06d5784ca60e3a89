# SPDX-License-Identifier: MIT
"""How much memory a daemon and its maps take."""

import json
import re
from pathlib import Path

from .host import run


def resident_bytes(pid: int) -> int:
    """Memory of a process, without its views of BPF maps: those are counted as maps."""
    mappings = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{pid}/smaps").read_text(encoding="ascii"), flags=re.M)
    return sum(int(re.search(r"^Rss:\s+(\d+) kB", mapping, re.M)[1]) * 1024
               for mapping in mappings if mapping and "anon_inode:bpf-map" not in mapping)


def map_bytes(pins: Path) -> int:
    """Kernel memory of the maps that are pinned in a directory."""
    names = {str(path) for path in pins.rglob("*") if path.is_file()}
    maps = json.loads(run(["bpftool", "-j", "-f", "map", "show"]).stdout)
    return sum(shown["bytes_memlock"] for shown in maps if names & set(shown.get("pinned", ())))
