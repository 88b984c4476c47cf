"""A store that was away gets what it lacks soon after it is back, not only with the next backup."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass

from bot.domain.daemon_report import ITSELF
from bot.domain.errors import BotError
from bot.entrypoints.scheduler import never
from bot.services.ports import Clock

LOOK_EVERY = 3600.0  # seconds; each look lists every store
_WORK = "copy to each store what it lacks"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CatchUp:
    """Lets *copy* see to it when the daemon starts, and every hour.

    *troubles* has a sentence while the last look has failed. While *is_held* nothing is copied.
    """

    copy: Callable[[], Awaitable[None]]
    clock: Clock
    troubles: MutableMapping[str, str]
    is_held: Callable[[], Awaitable[bool]] = never

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            await self._look()
            await self.clock.sleep(LOOK_EVERY)

    async def _look(self) -> None:
        try:
            if await self.is_held():
                return
            await self.copy()
        except BotError as error:
            self.troubles[_WORK] = f"{_WORK}: {error}"
            logger.warning("%s: %s", _WORK, error)
        except Exception:  # boundary: the next look comes all the same
            self.troubles[_WORK] = f"{_WORK}: {ITSELF}"
            logger.exception("%s: an error of akbot itself", _WORK)
        else:
            self.troubles.pop(_WORK, None)
