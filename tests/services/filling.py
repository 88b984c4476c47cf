"""A state folder that is full from one moment on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.domain.errors import PortError
from tests.fakes_roll import RollHost
from tests.services.roll_world import WRITES

FREE = "Free space on the disk of AKBOT_STATE."
_AT_LAST = frozenset({"finish", "crashed", "note"})


@dataclass
class FillingJournal:
    """A journal that takes nothing more once *host* was called *at*, until it *has_room* again.

    With the *ballast* what belongs to an undo is written all the same, and always what it *takes*.
    """

    target: Any
    host: RollHost
    at: str = "remove"
    ballast: bool = True
    takes: set[str] = field(default_factory=set)
    has_room: bool = False

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.target, name)
        needs_room = WRITES - self.takes - (_AT_LAST if self.ballast else set())
        return self._unless_full(value) if name in needs_room else value

    def _unless_full(self, write: Callable[..., Any]) -> Callable[..., Any]:
        async def writing(*args: Any, **kwargs: Any) -> Any:
            if self.at in self.host.calls and not self.has_room:
                raise PortError("write the journal: no space left on the device", hint=FREE)
            return await write(*args, **kwargs)

        return writing
