"""Remember an image that failed here, so that it is not offered by itself again."""

import logging
from dataclasses import dataclass

from bot.domain.errors import BotError
from bot.domain.image_name import parse_image_name
from bot.domain.update import HopPlan
from bot.domain.update_gate import Judgement
from bot.domain.update_holds import BadVersion
from bot.services.ports import Clock
from bot.services.update_ports import ReleaseLog

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class UpdateMemory:
    """Writes into *log*; that it cannot be written never stands in the way of an undo."""

    log: ReleaseLog
    clock: Clock

    async def blame(self, hop: HopPlan, judgement: Judgement) -> None:
        """Note that *hop*'s image failed, where that is what *judgement* says."""
        if not judgement.of_the_host:
            await self.remember(hop, judgement.reason)

    async def remember(self, hop: HopPlan, reason: str) -> None:
        """Note that *hop*'s image failed for *reason*, a sentence."""
        place = parse_image_name(hop.image).place
        bad = BadVersion(hop.version, hop.digest, self.clock.now(), reason)
        try:
            await self.log.remember_bad(place, bad)
        except BotError as error:
            logger.warning("remember that %s failed here: %s", hop.image, error)
