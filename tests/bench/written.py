"""The files that hold what was found, and how one part's comes into them."""

from collections.abc import Sequence
from pathlib import Path

from tests.bench.measuring import CHECKOUT
from tests.bench.picture import picture
from tests.bench.readme import with_short
from tests.bench.report import results
from tests.bench.results import Part, save

HERE = Path(__file__).parent
JSON, RESULTS, PICTURE = HERE / "results.json", HERE / "RESULTS.md", HERE / "results.svg"
README = CHECKOUT / "README.md"


def merged(parts: Sequence[Part], new: Part, order: Sequence[str]) -> list[Part]:
    """The new one in the place of the old, all in that order."""
    named = {each.name: each for each in (*parts, new)}
    return [named[name] for name in order if name in named]


def write(parts: Sequence[Part]) -> None:
    """All of them anew."""
    save(parts, JSON)
    RESULTS.write_text(results(parts))
    PICTURE.write_text(picture(parts))
    README.write_text(with_short(README.read_text(), RESULTS.read_text()))
