"""One picture: how soon each method finds +5 points, against how often it cries wolf."""

from pathlib import Path

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 60, 20, 30, 50
CASE = "n0 5,000"


def draw(rows, path):
    """Writes an SVG of the methods measured in both ``peers`` (or ``cells``) and ``delays``."""
    false = {
        row.method: row.measured
        for row in rows
        if row.experiment == "false alarms in 100k" and f"0.05, {CASE}" in row.what
    }
    delay = {
        row.method: row.measured for row in rows if row.experiment == "median delay" and row.what == f"{CASE}, +5 pt"
    }
    points = {method: (false[method], delay[method]) for method in delay if method in false}
    slowest = max((late for _, late in points.values()), default=1) * 1.15

    def x(value):
        return LEFT + value * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - value / slowest * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#888"/>',
        f'<text x="{LEFT}" y="18">Median observations until +5 points are found (p = .05, reference of 5,000)</text>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 12}" text-anchor="end">chance of a false alarm in 100,000 observations</text>',
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<text x="{x(tick):.0f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:.0%}</text>')
    for tick in range(0, int(slowest), 500):
        parts.append(f'<text x="{LEFT - 6}" y="{y(tick) + 4:.0f}" text-anchor="end">{tick:,}</text>')
    for method, (wolf, late) in points.items():
        colour = "#06c" if method.startswith("exact scan") else "#777"
        side, anchor = (8, "start") if wolf < 0.6 else (-8, "end")
        above = -7 if method == "exact scan" or colour == "#777" else 15  # the two scans are close
        parts.append(f'<circle cx="{x(wolf):.1f}" cy="{y(late):.1f}" r="5" fill="{colour}"/>')
        parts.append(
            f'<text x="{x(wolf) + side:.1f}" y="{y(late) + above:.1f}" text-anchor="{anchor}" fill="{colour}">{method}</text>'
        )
    parts.append("</svg>\n")
    Path(path).write_text("\n".join(parts), encoding="utf-8")
