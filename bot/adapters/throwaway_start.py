"""When a throw-away server can be used."""

import asyncio
from collections.abc import Sequence
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.adapters.throwaway import last_words
from bot.domain.errors import PortError

_POLL = 0.2
_UP_WITHIN = 120.0


async def until_up(engine: EngineApi, name: str, probe: Sequence[str]) -> None:
    """Probe until it succeeds. Raises PortError, with the server's last words, if it never does."""
    try:
        async with asyncio.timeout(_UP_WITHIN):
            while not await _is_up(engine, name, probe):  # noqa: ASYNC110 - another machine's event
                await asyncio.sleep(_POLL)
    except TimeoutError as error:
        words = await last_words(engine, name)
        raise PortError(
            f"start a throw-away server: not within {_UP_WITHIN:g} s: {words}"
        ) from error


async def _is_up(engine: EngineApi, name: str, probe: Sequence[str]) -> bool:
    details: dict[str, Any] = await engine.call(
        "look at a throw-away server", lambda sdk: sdk.inspect_container(name)
    )
    if not details["State"]["Running"]:
        raise PortError(f"start a throw-away server: {await last_words(engine, name)}")
    return (await engine.run(name, probe)).exit_code == 0
