"""How far the Engine is with an image, by what it tells of each layer. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Pulled = Callable[[int, int, int], None]
"""Hears how many layers of an image are here, of how many, and how many bytes have come."""

_ANNOUNCED = "Pulling fs layer"
_COMING = "Downloading"
_HERE = frozenset({"Pull complete", "Already exists"})


def to_nobody(here: int, layers: int, passed_bytes: int) -> None:
    """Nobody waits for that image."""


@dataclass
class Layers:
    """The layers that were told of, which is all of them before the first is here."""

    _here: dict[str, bool] = field(default_factory=dict)
    _bytes: dict[str, int] = field(default_factory=dict)

    def hear(self, told: Mapping[str, Any]) -> bool:
        """Take note of a line; whether it says anything of the figures."""
        layer, status = str(told.get("id", "")), told.get("status")
        if status in _HERE or status == _ANNOUNCED:
            self._here[layer] = status in _HERE
            return True
        current = (told.get("progressDetail") or {}).get("current")
        if status == _COMING and isinstance(current, int):
            self._bytes[layer] = current
            return True
        return False

    @property
    def here(self) -> int:
        """How many are on this host."""
        return sum(self._here.values())

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._here)

    @property
    def passed_bytes(self) -> int:
        """What has come so far."""
        return sum(self._bytes.values())
