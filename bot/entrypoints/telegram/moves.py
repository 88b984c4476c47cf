"""Groups that become supergroups: their new number is learned wherever it is told, and kept."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from telegram import Message

from bot.services.journal_ports import Moves

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MovedGroups:
    """What the journal knows of moves, at hand; *news* is set whenever one is learned."""

    moves: Moves
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _known: dict[int, int] = field(default_factory=dict)

    @property
    def known(self) -> Mapping[int, int]:
        """The new number of each old one."""
        return self._known

    async def load(self) -> None:
        """Read what earlier processes have learned."""
        self._known.update(await self.moves.known())

    async def follow(self, old: int, new: int) -> None:
        """Learn of a move, once."""
        if self._known.get(old) == new:
            return
        await self.moves.follow(old, new)
        self._known[old] = new
        self.news.set()
        logger.warning("chat: group %s is now %s and is followed there", old, new)


def move_in(message: Message | None) -> tuple[int, int] | None:
    """The old and the new number of the group of whose move *message* tells."""
    if message and message.migrate_to_chat_id:
        return message.chat_id, message.migrate_to_chat_id
    if message and message.migrate_from_chat_id:
        return message.migrate_from_chat_id, message.chat_id
    return None
