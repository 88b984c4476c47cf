"""Whether the loops of the daemon still go round: one that hangs says nothing of it by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.services.ports import Clock

Beat = Callable[[], None]


def no_beat() -> None:
    """Nobody listens."""


def never() -> bool:
    """There is no excuse."""
    return False


@dataclass(frozen=True)
class _Round:
    at: float
    within: float
    is_excused: Callable[[], bool]


@dataclass
class Pulse:
    """Knows of each loop when it went round last, by a clock that nobody sets."""

    clock: Clock
    _rounds: dict[str, _Round] = field(default_factory=dict)

    def of(self, name: str, within: float, is_excused: Callable[[], bool] = never) -> Beat:
        """What the loop *name* calls once a round, for which it has *within* seconds.

        It counts from its first call on, and not while it *is_excused*.
        """

        def beat() -> None:
            self._rounds[name] = _Round(self.clock.monotonic(), within, is_excused)

        return beat

    def silent(self) -> tuple[str, ...]:
        """A sentence for each that hangs."""
        now = self.clock.monotonic()
        return tuple(
            f"{name} hangs: it last went round {(now - each.at) / 60:.0f} min ago"
            for name, each in self._rounds.items()
            if now - each.at > each.within and not each.is_excused()
        )
