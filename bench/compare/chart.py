"""A chart of the results, as SVG written by hand: bars of CPU per event, with the interval of each median."""

from xml.sax.saxutils import escape

COLOURS = {"nginx": "#9aa5b1", "go": "#c9a26b", "go-nats": "#c9a26b", "base": "#7fb3a6"}
OURS = "#2f7f6f"
WIDTH, LABEL, ROW, BAR = 760, 130, 26, 16


def text(x, y, content, anchor="start", weight="normal", size=12):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" font-size="{size}">'
            f"{escape(content)}</text>")


def bars(results, top):
    """The rows of one scenario."""
    longest = max(result["cpu_us"]["high"] for result in results.values())
    scale = (WIDTH - LABEL - 190) / longest
    parts = []
    for row, (name, result) in enumerate(results.items()):
        cpu = result["cpu_us"]
        y = top + row * ROW
        middle = y + BAR / 2
        low, high = LABEL + cpu["low"] * scale, LABEL + cpu["high"] * scale
        parts += [text(LABEL - 8, middle + 4, name, "end"),
                  f'<rect x="{LABEL}" y="{y}" width="{cpu["median"] * scale:.1f}" height="{BAR}" rx="2" '
                  f'fill="{COLOURS.get(name, OURS)}"/>',
                  f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8" '
                  'stroke="#222" fill="none"/>',
                  text(high + 8, middle + 4, f'{cpu["median"]:.3g} µs  ({cpu["low"]:.3g}–{cpu["high"]:.3g})')]
    return parts


def svg(report):
    """The whole chart of a report as run.py makes it."""
    y, parts = 30, []
    for scenario in report["scenarios"].values():
        if not scenario["results"]:
            continue
        parts.append(text(16, y, scenario["title"], weight="bold", size=14))
        parts += bars(scenario["results"], y + 14)
        y += 14 + len(scenario["results"]) * ROW + 30
    note = f'CPU of the server process for each event: median and 95 % interval of {report["rounds"]} rounds. {report["machine"]}'
    parts.append(text(16, y - 8, note, size=11))
    height = y + 8
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'font-family="system-ui, sans-serif"><rect width="{WIDTH}" height="{height}" fill="#fff"/>\n'
            + "\n".join(parts) + "\n</svg>\n")
