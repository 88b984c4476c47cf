"""The daemon's look at what stands around the containers, every minute or so."""

import logging
from dataclasses import dataclass

from bot.domain.errors import BotError
from bot.services.ports import Clock
from bot.services.pulse import Beat, no_beat
from bot.services.surroundings import SurroundingsWatch

_FIRST_AFTER = 15.0  # seconds: a stack that comes up together with akbot is let be

logger = logging.getLogger(__name__)


@dataclass
class SurroundingsRounds:
    """Lets *watch* look *every* so many seconds; 0 for never."""

    watch: SurroundingsWatch
    every: float
    clock: Clock
    beat: Beat = no_beat
    _told: str = ""

    async def run(self) -> None:
        """Look, for ever; the incidents have been taken up by now."""
        if not self.every:
            await self._try_to_end()
            return
        await self.clock.sleep(min(self.every, _FIRST_AFTER))
        while True:
            self.beat()
            await self._look()
            await self.clock.sleep(self.every)

    async def _look(self) -> None:
        try:
            await self.watch.look()
        except BotError as error:
            if str(error) != self._told:
                logger.warning("look around the containers: %s", error)
                self._told = str(error)
        except Exception:  # boundary: the next look comes all the same
            logger.exception("the look around the containers failed on an error of akbot itself")

    async def _try_to_end(self) -> None:
        try:
            await self.watch.look_no_more()
        except Exception:  # boundary: the watch of the containers goes on
            logger.exception("incidents around the containers could not be ended")
