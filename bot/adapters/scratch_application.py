"""A copy of the application on a scratch database: server and worker, with no way out."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.adapters.throwaway import Server, last_words, throw_away_server
from bot.domain.copied_application import CopiedServices, copied_environment, web_path

_MEMORY = 2 * 1024 * 1024 * 1024
_PIDS = 1024
_SCRATCH = ("/tmp", "/run")  # noqa: S108 - inside the container
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
# Asked from the database's container, which is in the network and has the one program or the other.
_ASK = r"""
request="GET $AKBOT_PATH HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n"
if command -v bash >/dev/null; then
  exec timeout 20 bash -c '
    exec 3<>"/dev/tcp/$AKBOT_HOST/9000" && printf "$0" >&3 && head -n 1 <&3' "$request"
fi
printf "$request" | timeout 20 nc "$AKBOT_HOST" 9000 | head -n 1
"""


@dataclass(frozen=True)
class Original:
    """What is copied: image and variables of the live server, and Redis's image, "" for none."""

    image_id: str
    environment: Mapping[str, str]
    redis_image_id: str = ""


@dataclass(frozen=True)
class ScratchApplication:
    """Port `CopiedApplication`; *asker* is the container that requests are made from."""

    engine: EngineApi
    asker: str
    containers: Mapping[str, str]
    path: str

    async def answer(self, page: str) -> int:
        environment = {"AKBOT_HOST": "authentik-server", "AKBOT_PATH": self.path + page}
        done = await self.engine.run(self.asker, ["sh", "-c", _ASK], environment=environment)
        status = _STATUS.match(done.stdout)
        return int(status[1]) if status else 0

    async def trouble(self) -> str:
        for role, name in self.containers.items():
            details: dict[str, Any] = await self.engine.call(
                f"look at the copy's {role}", partial(_inspect, name=name)
            )
            if not details["State"]["Running"]:
                return f"its {role} ended: {await last_words(self.engine, name)}"
        return ""

    async def last_words(self) -> str:
        return await last_words(self.engine, self.containers["server"])


@asynccontextmanager
async def scratch_application(  # noqa: PLR0913 - where, and what
    engine: EngineApi,
    original: Original,
    services: CopiedServices,
    *,
    asker: str,
    network: str,
    job_id: str,
) -> AsyncGenerator[ScratchApplication]:
    """Start server and worker of *original* in *network*, where *asker* runs their database.

    Raises PortError where they cannot be started.
    """
    environment = copied_environment(original.environment, services)
    async with AsyncExitStack() as running:
        if original.redis_image_id:
            redis = Server(
                image_id=original.redis_image_id,
                user="redis",
                command=("redis-server", "--save", "", "--dir", "/data"),
                environment={},
                scratch=_SCRATCH,
                memory=_MEMORY,
                network=network,
                alias=services.redis_host,
            )
            await running.enter_async_context(throw_away_server(engine, redis, job_id))
        containers: dict[str, str] = {}
        for role in ("server", "worker"):
            server = Server(
                image_id=original.image_id,
                user="",
                command=(role,),
                environment=environment,
                scratch=(),
                memory=_MEMORY,
                network=network,
                alias=f"authentik-{role}",
                writable=True,
                pids=_PIDS,
            )
            containers[role] = await running.enter_async_context(
                throw_away_server(engine, server, job_id)
            )
        yield ScratchApplication(engine, asker, containers, web_path(original.environment))


def _inspect(sdk: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = sdk.inspect_container(name)
    return found
