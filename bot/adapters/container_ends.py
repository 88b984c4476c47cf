"""How containers have ended, also those that run again by now: the Engine's events tell."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError


@dataclass
class ContainerEnds:
    """Asks once for each run of a container, as soon as that is seen.

    The Engine keeps no more than its last 256 events, and each look at the gate makes some, so that
    a later question would find none. An answer is waited for no longer than *within* seconds.
    """

    engine: EngineApi
    within: float = 5.0
    _told: dict[str, tuple[str, int | None]] = field(default_factory=dict)

    async def exit_code(self, container: Mapping[str, Any]) -> int | None:
        """That of its last end; None before one, and where nobody tells.

        *container* is what the Engine says of it.
        """
        state, container_id = container["State"], container["Id"]
        if state["Status"] != "running":
            return int(state["ExitCode"])
        if not container["RestartCount"]:
            return None
        run, code = self._told.get(container_id, ("", None))
        if run != state["StartedAt"]:
            try:
                code = await self._before(container)
            except PortError:  # whether Docker is away others notice
                return None
            self._told[container_id] = (state["StartedAt"], code)
        return code

    async def _before(self, container: Mapping[str, Any]) -> int | None:
        """How the run before this one ended. Both ends of the time asked for are the Engine's."""
        filters = {"type": ["container"], "event": ["die"], "container": [container["Id"]]}
        since, until = _moment(container["Created"]), _moment(container["State"]["StartedAt"])
        path = f"/events?since={since}&until={until}&filters={quote(json.dumps(filters))}"
        stream = await self.engine.read("ask the Engine how a container ended", path)
        code: int | None = None
        try:
            # its clock may have been set back since: then it goes on to tell until that moment
            with suppress(TimeoutError):
                async with asyncio.timeout(self.within), aclosing(stream.lines()) as lines:
                    async for line in lines:
                        code = int(json.loads(line)["Actor"]["Attributes"]["exitCode"])
        finally:
            await stream.close()
        return code


def _moment(stamp: str) -> str:
    """Docker's time as its events take it: a container is not started within a microsecond."""
    return f"{datetime.fromisoformat(stamp).timestamp():.6f}"
