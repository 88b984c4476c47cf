"""The README's table of figures, which is the short one of RESULTS.md."""

from tests.bench.report import short_of

BEGIN = "<!-- the short table of tests/bench/RESULTS.md, written by tests/bench/run -->\n"
END = "\n<!-- the end of it -->"


def held(readme: str) -> str:
    """What the README holds."""
    return readme.partition(BEGIN)[2].partition(END)[0]


def with_short(readme: str, results: str) -> str:
    """The README with that of these results."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit("README.md: the place for the figures is not marked")
    return f"{before}{begin}{short_of(results)}{end}{after}"
