"""The picture of RESULTS.md: bars of backup and restore at the largest size, beside the limit."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from tests.bench.results import ADDED, CHANGED, LIMIT, OURS, TIMES, Figure, Part

WIDTH, NAME_WIDTH, ROW, TOP = 860, 290, 24, 34
COLOURS = {OURS: "#2f7d4f", LIMIT: "#8a8f98"}
OTHERS = "#c7682e"
STYLE = "text{font:13px sans-serif;fill:#57606a}.head{font-weight:bold}"


def picture(parts: Sequence[Part]) -> str:
    """An SVG, readable on light and dark pages."""
    charts = [
        chart for part in parts if part.name in {"backup", "restore"} for chart in _charts(part)
    ]
    height = sum(TOP + ROW * len(figures) for _, figures in charts)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}">',
        f"<style>{STYLE}</style>",
    ]
    top = 0
    for title, figures in charts:
        lines += _chart(title, figures, top)
        top += TOP + ROW * len(figures)
    return "\n".join([*lines, "</svg>", ""])


def _charts(part: Part) -> Iterator[tuple[str, list[Figure]]]:
    """Of the largest size the first run; where others kept the machine busy, only the memory."""
    cases = [each.case for each in part.figures if not each.case.endswith((ADDED, CHANGED))]
    case = cases[-1] if cases else ""
    if case:
        quantity = "memory" if part.machine.busy else "wall"
        figures = [each for each in part.figures if (each.case, each.quantity) == (case, quantity)]
        yield f"{part.name}, {case}: {quantity}, and {TIMES} the limit", figures


def _chart(title: str, figures: Sequence[Figure], top: int) -> Iterator[str]:
    yield f'<text class="head" x="0" y="{top + 22}">{escape(title)}</text>'
    most = max(each.median for each in figures)
    limit = next((each.median for each in figures if each.subject == LIMIT), most)
    for number, each in enumerate(figures):
        y = top + TOP + ROW * number
        width = (WIDTH - NAME_WIDTH - 110) * each.median / most
        colour = next((c for name, c in COLOURS.items() if each.subject.startswith(name)), OTHERS)
        yield f'<text x="0" y="{y + 15}">{escape(each.subject)}</text>'
        size = f'width="{width:.1f}" height="{ROW - 7}" fill="{colour}"'
        yield f'<rect x="{NAME_WIDTH}" y="{y + 3}" {size}/>'
        words = f"{each.median:.1f} {each.unit}, {each.median / limit:.2f} {TIMES}"
        yield f'<text x="{NAME_WIDTH + width + 6:.1f}" y="{y + 15}">{words}</text>'
