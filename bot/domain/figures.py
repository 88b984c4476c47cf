"""What a figure is that Prometheus is told. Times are Unix seconds, sizes bytes."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A gauge goes up and down, a counter only up, until the bot starts anew."""

    GAUGE = "gauge"
    COUNTER = "counter"


Labelled = tuple[tuple[str, ...], float]


@dataclass(frozen=True)
class Family:
    """All samples of a name; *labels* name what their values tell apart."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    samples: tuple[Labelled, ...] = ()
    kind: Kind = Kind.GAUGE


def single(name: str, help_text: str, value: float | None) -> Family:
    """A figure that stands alone; None where it is not known."""
    return Family(name, help_text, (), () if value is None else (((), float(value)),))


def labelled(
    name: str, help_text: str, labels: tuple[str, ...], values: Iterable[tuple[str, float]]
) -> Family:
    """A figure of each thing that there is."""
    return Family(
        name, help_text, labels, tuple(((label,), float(value)) for label, value in values)
    )
