# SPDX-License-Identifier: MIT
"""tools/bench --quick: every measurement runs, its results are complete and sane. How fast anything is stays out of it."""

import json
import sys
import tempfile
import unittest
import xml.dom.minidom
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/netns"), str(ROOT / "tests/bench")]

from benchmark.figures import SECTIONS  # noqa: E402
from benchmark.report import INSTRUCTIONS, instructions_of  # noqa: E402
from support import main  # noqa: E402
from support.host import run  # noqa: E402

SANE = {  # a unit's least and most, with room for any machine and any load
    "Gbit/s": (1e-3, 1e3), "s/GB": (1e-3, 1e4), "kpps": (0.1, 1e5), "µs": (0.1, 1e7), "ms": (1e-3, 1e5),
    "MB": (1, 1e4), "1/s": (1, 1e6), "s": (1e-5, 600), "%": (1, 500)}
LARGEST_SIZES = ("100000", "10000")  # left out by --quick


def figures(section: str) -> set[str]:
    return {figure.name for it in SECTIONS if it.name == section for figure in it.figures}


class Bench(unittest.TestCase):
    def bench(self, *only: str) -> tuple[dict, Path]:
        """The results of a run, and where it wrote them."""
        output = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="wgxdp-bench-")))
        done = run([str(ROOT / "tools/bench"), "--quick", "--output", str(output), "--only", *only], timeout=120,
                   check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads((output / "results.json").read_text(encoding="utf-8")), output

    def check(self, results: dict, section: str, expected: dict[str, set[str]]) -> None:
        """expected: the figures of each implementation; every one is there, and sane."""
        rows = [row for row in results["results"] if row["section"] == section]
        for name, figures in expected.items():
            self.assertEqual({row["figure"] for row in rows if row["implementation"] == name}, figures, name)
        for row in rows:
            least, most = SANE[row["unit"]]
            for value in (row["median"], *row["values"]):
                self.assertTrue(least <= value <= most, row)

    def test_traffic_and_growth(self):
        results, output = self.bench("wgxdp", "tcp", "udp", "peers", "allowed_ips")
        self.check(results, "wire", {"wgxdp": figures("wire") - {"ping", "memory", "cold_handshake"}})
        self.check(results, "growth", {"wgxdp": {
            name for name in figures("growth") if name.split("_")[-2] not in LARGEST_SIZES}})
        self.assertEqual(results["failures"], [])
        self.assertIn("| TCP, one stream, Gbit/s ", (output / "performance.md").read_text(encoding="utf-8"))
        xml.dom.minidom.parse(str(output / "performance.svg"))

    def test_ping_memory_handshakes_flood_and_cipher(self):
        results, _ = self.bench("wgxdp", "wgxdp-inline", "veth", "ping", "memory", "handshakes", "flood", "cipher")
        through = {"ping", "memory", "cold_handshake"}
        self.check(results, "wire", {"wgxdp": through, "wgxdp-inline": through, "veth": {"ping"}})
        self.check(results, "handshakes", {"wgxdp": figures("handshakes")})
        self.assertEqual({(it["operation"], it["cipher"], it["size"]) for it in results["cipher"]},
                         {(operation, cipher, size) for operation in ("seal", "open")
                          for cipher in ("bpf-ready", "bpf-inline", "openssl", "libsodium")
                          for size in (0, 64, 256, 512, 1024, 1420)})
        self.assertTrue(all(1 <= it["ns"] <= 1e6 for it in results["cipher"]), results["cipher"])

    def test_the_page_keeps_what_guests_have_counted(self):
        with tempfile.TemporaryDirectory(prefix="wgxdp-bench-") as directory:
            page = Path(directory) / "performance.md"
            counted = f"\n{INSTRUCTIONS}\n\n| 64 bytes | 1 |\n"
            for kept in (counted, ""):
                page.write_text(f"# Performance\n\n## Sizes\n\n| 64 bytes | 2 |\n{kept}", encoding="utf-8")
                self.assertEqual(instructions_of(page), kept)

    def test_an_unknown_name_is_refused(self):
        refused = run([str(ROOT / "tools/bench"), "--only", "tpc"], check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("tpc", refused.stderr)


if __name__ == "__main__":
    main()
