"""What a benchmark says: figures with their units, the commands that made them, the conditions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LIMIT, OURS = "limit", "akbot"
FIRST, ADDED, CHANGED = "first run", "1 % of the rows added", "1 % of the rows changed"
DOWNTIME, VERDICT = "parts of an update's downtime", "parts from the verdict to the old version"
AWAY, OWN = "away", "own"
"""Of a downtime all, and what is not the containers' own start or the copy of the database."""
QUIET_CORES = 0.3  # an idle stack and its health checks take a tenth
TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Figure:
    """One quantity of one subject, with a value for each run.

    A *case* is what all its subjects did alike ("1GiB, first run"); the subject that begins with
    `LIMIT` is what nobody can be faster than, those that begin with `OURS` are ours.
    """

    case: str
    subject: str
    quantity: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return sorted(self.values)[len(self.values) // 2]


@dataclass(frozen=True)
class Machine:
    """Where and when it was measured, and how much else went on.

    *others* is how many cores somebody else kept busy while the benchmark did nothing, the most of
    before and after; the load is the system's average of a minute, before and at most, and has the
    benchmark's own work in it.
    """

    date: str
    cores: int
    memory: str
    kernel: str
    load_before: float
    load_most: float
    others: float
    versions: Mapping[str, str]

    @property
    def busy(self) -> bool:
        """Whether others worked there, so that seconds say little."""
        return self.others > QUIET_CORES


@dataclass(frozen=True)
class Part:
    """All that one part of the benchmark found."""

    name: str
    about: str
    machine: Machine
    figures: tuple[Figure, ...]
    commands: Mapping[str, str]
    notes: tuple[str, ...] = ()
    runs: int = 1

    def find(self, case: str, subject: str, quantity: str) -> Figure | None:
        """The one figure of that name."""
        wanted = (case, subject, quantity)
        found = (
            each for each in self.figures if (each.case, each.subject, each.quantity) == wanted
        )
        return next(found, None)

    def ratio(
        self, case: str, subject: str, quantity: str, beside: str, other: str = ""
    ) -> float | None:
        """Of a quantity to that, or to the *other*, of the subject *beside*.

        The median of each turn's own.
        """
        here = self.find(case, subject, quantity)
        there = self.find(case, beside, other or quantity)
        if here is None or there is None:
            return None
        pairs = zip(here.values, there.values, strict=True)
        each = sorted(one / other for one, other in pairs)
        return each[len(each) // 2]


def save(parts: Sequence[Part], path: Path) -> None:
    """Write them, so that a part that is measured again takes only its own place."""
    path.write_text(
        json.dumps([asdict(each) for each in parts], indent=1, ensure_ascii=False) + "\n"
    )


def load(path: Path) -> list[Part]:
    """Read what `save` wrote; nothing where there is no file."""
    return [_part(each) for each in json.loads(path.read_text())] if path.exists() else []


def _part(found: dict[str, Any]) -> Part:
    return Part(
        **found
        | {
            "machine": Machine(**found["machine"]),
            "figures": tuple(
                Figure(**each | {"values": tuple(each["values"])}) for each in found["figures"]
            ),
            "notes": tuple(found["notes"]),
        }
    )
