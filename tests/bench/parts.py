"""What each part of the benchmark is given, and how it collects what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.bench.results import Figure, Machine, Part


@dataclass(frozen=True)
class Options:
    """How large and how often."""

    sizes: tuple[str, ...] = ("64MiB", "1GiB")
    runs: int = 2

    @property
    def largest(self) -> str:
        return self.sizes[-1]


@dataclass
class Found:
    """Values as they come, of each case, subject and quantity."""

    values: dict[tuple[str, str, str, str], list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    commands: Mapping[str, str] = field(default_factory=dict)

    def add(self, case: str, subject: str, quantity: str, unit: str, value: float) -> None:
        self.values.setdefault((case, subject, quantity, unit), []).append(round(value, 4))

    def note(self, text: str) -> None:
        """A finding in words; said once, however often it is found."""
        if text not in self.notes:
            self.notes.append(text)


def part_of(
    name: str,
    about: str,
    machine: Machine,
    found: Found,
    options: Options,
) -> Part:
    """What a part hands on."""
    figures = tuple(Figure(*key, tuple(values)) for key, values in found.values.items())
    return Part(name, about, machine, figures, found.commands, tuple(found.notes), options.runs)
