"""What was watched last, so that what goes while the bot is away is missed after its start."""

import logging
from collections.abc import Collection
from dataclasses import dataclass

from bot.domain.errors import BotError
from bot.services.watch_ports import WatchedMark

logger = logging.getLogger(__name__)


@dataclass
class WatchedNames:
    """*names* are those that *mark* has, as far as that could be read."""

    mark: WatchedMark
    names: frozenset[str] = frozenset()
    _hindrance: str = ""

    async def resume(self) -> frozenset[str]:
        """Those of an earlier process; none where they cannot be read."""
        try:
            self.names = await self.mark.read()
        except BotError as error:
            logger.warning("%s", error)
        return self.names

    async def note(self, names: Collection[str]) -> None:
        """Let the mark have *names*; what cannot be written is tried with the next call."""
        if self.names == frozenset(names):
            return
        try:
            await self.mark.write(names)
        except BotError as error:
            if str(error) != self._hindrance:
                logger.warning("%s", error)
                self._hindrance = str(error)
        else:
            self.names, self._hindrance = frozenset(names), ""
