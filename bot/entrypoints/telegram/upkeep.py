"""Keeps the parts of the chat going: none of them ends without a word."""

import logging
from collections.abc import Awaitable, Callable

from bot.entrypoints.telegram.waiting import Backoff
from bot.services.ports import Clock

logger = logging.getLogger(__name__)


async def keep_going(name: str, part: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Run *part*, which is to go on until it is cancelled, and begin it again where it does not."""
    backoff = Backoff()
    while True:
        try:
            await part()
            logger.error("chat: the %s has ended; it begins again", name)
        except Exception:  # boundary: an error of ours must neither end the chat nor be silent
            logger.exception("chat: the %s has failed; it begins again", name)
        await clock.sleep(backoff.next())
