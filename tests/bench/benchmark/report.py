# SPDX-License-Identifier: MIT
"""The results as Markdown, which is what docs/performance.md is, and as JSON."""

from pathlib import Path

from .figures import SECTIONS, Figure, Results, Section
from .implementations import PEERS, REFERENCE
from .plan import Settings

OURS = "wgxdp"
NOTHING = "–"
# The heading of what vmtest/run instructions prints: last in docs/performance.md, where it stays.
INSTRUCTIONS = "## Instructions a packet"

INTRODUCTION = """\
# Performance

Both ends of every tunnel run on this one machine, in two network namespaces over a veth pair, and share its CPUs with
the traffic's own programs. All implementations take turns within each round; a figure is the median of its rounds. What
counts are the ratios within one run: absolute figures change with the machine. Made by `tools/bench --write-docs`.
"""

NOTES = """\
How it is measured:

- *1500-byte frames*: segmentation offloads off and GRO on at both ends of the underlay, for everyone. *veth as created*:
  nothing is set by us (wgxdp's native attachment turns GRO on by itself).
- wireguard-go and boringtun run as they come, with their own threads and buffers. wgxdp runs as `wgxdp up` starts it:
  native XDP receive on veth, keystream made ahead; *wgxdp-inline* makes none ahead (`--no-prefetch`), *wgxdp-tc* has
  TC receive.
- TCP and UDP by iperf3. UDP is the best rate of which at most 0.5 % is lost, by bisection below a flood.
- *first ping*: with the handshake and, where nobody attached the NIC before, attaching it.
- *keystream was ready*: of all packets at both ends; the others were encrypted and decrypted by BPF's own cipher.
- *machine CPU*: busy time of all CPUs (/proc/stat), traffic programs included, by what arrived.
- *memory*: resident set of the daemon, and for wgxdp its maps in the kernel. wireguard-go's grows with traffic.
- *handshakes*: initiations of many peers, made beforehand, 32 in flight; every response is checked afterwards.
- *flood*: 20,000 initiations a second of strangers who know the receiver's public key, over the 1500-byte frames.
- *growth*: both ends have all allowed IPs or peers. 64-byte packets, 128 of them under way, go to every allowed IP at
  random; with many peers, all to the one that is not idle.
- *cipher*: our BPF code by BPF_PROG_TEST_RUN, the others in user space. *bpf-ready*: the keystream was made beforehand.
- In the drawing, → is a bar beyond the scale.
"""


def number(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return NOTHING
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio(ours: float | None, theirs: float | None) -> str:
    return f"{number(ours / theirs)} ×" if ours is not None and theirs else NOTHING


def table(rows: list[list[str]]) -> str:
    """Markdown that reads as plain text, too; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def line(row: list[str]) -> str:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        return "| " + " | ".join(cells) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return "\n".join([line(rows[0]), rule, *map(line, rows[1:])])


def best_peer(results: Results, section: str, figure: Figure) -> float | None:
    """The best of the other implementations."""
    measured = [value for name in PEERS if (value := results.median(section, name, figure.name)) is not None]
    if not measured:
        return None
    return max(measured) if figure.more_is_better else min(measured)


def section_table(results: Results, section: Section) -> str | None:
    """One row a figure, one column an implementation, then our ratios. None: nothing of it was measured."""
    names = list(dict.fromkeys(name for where, name, _ in results.values if where == section.name))
    rows = [["", *names, f"{OURS} ÷ {REFERENCE}", f"{OURS} ÷ best peer"]]
    for figure in section.figures:
        medians = [results.median(section.name, name, figure.name) for name in names]
        if not any(value is not None for value in medians):
            continue
        ours = results.median(section.name, OURS, figure.name)
        rows.append([f"{figure.words}, {figure.unit}", *map(number, medians),
                     ratio(ours, results.median(section.name, REFERENCE, figure.name)),
                     ratio(ours, best_peer(results, section.name, figure))])
    return table(rows) if len(rows) > 1 else None


def cipher_table(cipher: list[dict]) -> str:
    """One row an operation and size, then each of ours by OpenSSL's time."""
    times = {(it["operation"], it["size"], it["cipher"]): it["ns"] for it in cipher}
    ciphers = list(dict.fromkeys(it["cipher"] for it in cipher))
    ours = [name for name in ciphers if name.startswith("bpf")]
    rows = [["", *ciphers, *(f"{name} ÷ openssl" for name in ours)]]
    for operation, size in dict.fromkeys((it["operation"], it["size"]) for it in cipher):
        of = {name: times.get((operation, size, name)) for name in ciphers}
        rows.append([f"{operation} {size:,} bytes, ns", *map(number, of.values()),
                     *(ratio(of[name], of.get("openssl")) for name in ours)])
    return table(rows)


def run_words(settings: Settings, about: dict) -> str:
    """When, where and how."""
    machine, versions = about["machine"], about["versions"]
    busy = machine["background"]
    peers = ", ".join(text for name, text in versions.items() if name not in ("linux", "wgxdp"))
    return "\n".join([
        f"- {about['date']}, `{about['command']}`: {settings.repeat} rounds, {settings.seconds} s a TCP run",
        f"- {machine['cpus']} CPUs ({machine['cpu']}, {machine['simd']}), {machine['memory_gb']} GB, "
        f"Linux {versions['linux']}, TCP with {machine['congestion_control']}",
        f"- wgxdp {versions['wgxdp']}, {peers}",
        f"- before the run {busy['busy']:.2f} CPUs were busy with other things, and the hypervisor took "
        f"{busy['stolen']:.2f}", ""])


def markdown(results: Results, settings: Settings, about: dict, plot: str) -> str:
    parts = [INTRODUCTION, run_words(settings, about), f"![the main figures]({plot})\n"]
    for section in SECTIONS:
        shown = section_table(results, section)
        if shown:
            parts.append(f"## {section.title}\n\n{shown}\n")
    if results.cipher:
        parts.append(f"## ChaCha20-Poly1305 by size\n\n{cipher_table(results.cipher)}\n")
    if results.failures:
        parts.append("## Not measured\n\n" + "\n".join(f"- {failure.splitlines()[0]}" for failure in results.failures)
                     + "\n")
    return "\n".join([*parts, NOTES])


def instructions_of(page: Path) -> str:
    """The section of an earlier page that this run has not measured."""
    _, heading, section = page.read_text(encoding="utf-8").partition(f"\n{INSTRUCTIONS}\n")
    return heading + section


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
