"""The daemon's hand on the containers: restarts of those whose health check fails."""

import logging
from dataclasses import dataclass

from bot.domain.errors import BotError
from bot.services.cure import Cure
from bot.services.ports import Clock
from bot.services.pulse import Beat, no_beat

_EVERY = 2.0  # seconds

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CureRounds:
    """Goes round by *clock*."""

    cure: Cure
    clock: Clock
    beat: Beat = no_beat

    async def run(self) -> None:
        """Cure, for ever."""
        told = ""
        while True:
            self.beat()
            try:
                await self.cure.round()
                told = ""
            except BotError as error:
                if str(error) != told:
                    logger.warning("restart an unhealthy container: %s", told := str(error))
            except Exception:  # boundary: the next round comes all the same
                logger.exception("no container can be restarted on an error of akbot itself")
            await self.clock.sleep(_EVERY)
