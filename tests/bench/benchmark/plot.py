# SPDX-License-Identifier: MIT
"""The main figures as an SVG drawing: one panel a figure, one bar an implementation."""

from xml.sax.saxutils import escape

from .figures import SECTIONS, Figure, Results
from .implementations import PEERS
from .report import number

PANELS = (("wire", "tcp_1"), ("wire", "tcp_8"), ("wire", "cpu_1"), ("wire", "ping_loaded"), ("wire", "udp_64"),
          ("wire", "udp_1300"), ("as-is", "tcp_1"), ("handshakes", "handshakes"))
COLUMNS = 2
WIDTH, LABELS, VALUES = 460, 110, 60  # of a panel; of the names left of its bars, of the numbers right of them
BAR, GAP, TITLE, MARGIN = 18, 6, 34, 16
COLOURS = {"ours": "#1f77b4", "peers": "#b0b0b0", "underlay": "#dddddd"}


def colour(name: str) -> str:
    if name.startswith("wgxdp"):
        return COLOURS["ours"]
    return COLOURS["peers" if name in PEERS else "underlay"]


def text(x: float, y: float, words: str, **attributes: str) -> str:
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.0f}" y="{y:.0f}"{more}>{escape(words)}</text>'


def panel(title: str, values: dict[str, float]) -> list[str]:
    """Bars from the top left corner on. Plain veth is no tunnel: beyond the scale, its bar is cut."""
    scale = max((value for name, value in values.items() if colour(name) != COLOURS["underlay"]), default=0) or 1
    longest = WIDTH - LABELS - VALUES
    drawn = [text(0, 16, title, font_weight="bold")]
    for row, (name, value) in enumerate(values.items()):
        y = TITLE + row * (BAR + GAP)
        length = min(value / scale, 1.0) * longest
        drawn += [text(LABELS - 8, y + BAR - 4, name, text_anchor="end"),
                  f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour(name)}"/>',
                  text(LABELS + length + 6, y + BAR - 4, number(value) + (" →" if value > scale else ""))]
    return drawn


def panels(results: Results) -> list[tuple[str, dict[str, float]]]:
    """Title and values of what was measured."""
    figures: dict[tuple[str, str], Figure] = {
        (section.name, figure.name): figure for section in SECTIONS for figure in section.figures}
    found = []
    for section, name in PANELS:
        figure = figures[section, name]
        values = {implementation: results.median(section, implementation, name)
                  for where, implementation, measured in results.values if (where, measured) == (section, name)}
        if values:
            better = "more" if figure.more_is_better else "less"
            where = "" if section == "handshakes" else f", {section}"
            found.append((f"{figure.words}{where}: {figure.unit}, {better} is better", values))
    return found


def svg(results: Results) -> str:
    shown = panels(results)
    height = TITLE + max((len(values) for _, values in shown), default=0) * (BAR + GAP) + MARGIN
    rows = -(-len(shown) // COLUMNS)
    width, total = COLUMNS * (WIDTH + MARGIN) + MARGIN, rows * height + MARGIN
    drawn = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" font-family="sans-serif" '
             'font-size="12">', '<rect width="100%" height="100%" fill="white"/>']
    for place, (title, values) in enumerate(shown):
        x, y = MARGIN + place % COLUMNS * (WIDTH + MARGIN), MARGIN + place // COLUMNS * height
        drawn += [f'<g transform="translate({x},{y})">', *panel(title, values), "</g>"]
    return "\n".join([*drawn, "</svg>\n"])
