"""Which containers are watched by what an Engine answers, and for how long."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.adapters.containers import EngineContainers
from bot.adapters.engine_api import EngineApi
from bot.domain.discovery import StackWanted
from bot.domain.stack import Role
from tests.fakes_engine_api import engine_api

WANTED = StackWanted(
    "",
    {
        Role.POSTGRESQL: ("postgresql",),
        Role.REDIS: ("redis",),
        Role.SERVER: ("authentik", "server"),
        Role.WORKER: ("worker",),
    },
)


@asynccontextmanager
async def containers_of(*services: str) -> AsyncIterator[EngineContainers]:
    with engine_api(*services) as address:
        api = EngineApi(address)
        try:
            yield EngineContainers(api, WANTED)
        finally:
            await api.close()


async def test_a_worker_without_a_container_is_missed_and_redis_is_not() -> None:
    async with containers_of("postgresql", "server") as containers:
        states = await containers.look()

    assert {name: bool(state) for name, state in states.items()} == {
        "postgresql": True,
        "server": True,
        "worker": False,
    }


async def test_what_is_there_or_must_be_is_not_forgotten() -> None:
    async with containers_of("postgresql", "redis", "worker") as containers:
        containers.remember({"server", "redis", "Docker"})
        await containers.look()
        kept = set(containers.forget_missing())
        again = await containers.look()

    assert kept == again.keys() == {"postgresql", "redis", "server", "worker"}
    assert again["server"] is None
