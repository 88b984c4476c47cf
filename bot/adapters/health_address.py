"""Where the daemon answers, for Docker's health check: that knows no `akbot.env`."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from bot.adapters.private_file import replace_private
from bot.adapters.threads import finish

HEALTH_ADDRESS = Path("/tmp/akbot-health")  # noqa: S108 - it is replaced, never written through
"""The health check of deploy/Dockerfile reads it, on a root file system that is read-only."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def address_told(listen: str, port: int, path: Path = HEALTH_ADDRESS) -> AsyncGenerator[None]:
    """Have in *path* the ADDRESS:PORT that the daemon listens on, while the context lives.

    *listen* is the setting, whose port may be 0, and *port* what came of it. Where it cannot be
    written the log says so: nothing else needs it.
    """
    address = f"{listen.rpartition(':')[0]}:{port}"
    await _or_say(address, partial(replace_private, path, address.encode()))
    try:
        yield
    finally:
        await _or_say(address, partial(path.unlink, missing_ok=True))


async def _or_say(address: str, change: Callable[[], None]) -> None:
    try:
        await finish(asyncio.to_thread(change))
    except OSError as error:
        logger.warning("tell Docker's health check of %s: %s", address, error)
