"""The copy of a rehearsal, as the gate of an update looks at it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.adapters.gate_probe import Details, Place, PlaceProbe
from bot.adapters.psql import PsqlSession, psql_session
from bot.adapters.scratch import ScratchPostgres
from bot.adapters.server_pages import ServerPages
from bot.domain.rehearsal import SERVER, WORKER
from bot.domain.site_checks import SiteChecks


def copy_probe(
    engine: EngineApi,
    scratch: ScratchPostgres,
    containers: Mapping[str, str],
    root: str,
    checks: SiteChecks,
) -> PlaceProbe:
    """A probe of the *containers*, by service, on *scratch*; *root* is the path they answer below.

    Of the person's own *checks* only the login counts: the URLs lead to the live stack.
    """

    async def look() -> list[tuple[str, Details]]:
        return [
            (service, await engine.call("look at a copy", partial(_inspect, name=name)))
            for service, name in containers.items()
        ]

    def pages(server: Details) -> ServerPages | None:
        network = server["NetworkSettings"]["Networks"].get(scratch.place.network)
        address = network and network["IPAddress"]
        return ServerPages(address, root=root.strip("/")) if address else None

    @asynccontextmanager
    async def database() -> AsyncGenerator[PsqlSession]:
        environment = {**scratch.environment, "PGAPPNAME": "akbot-gate"}
        async with psql_session(engine, scratch.place.name, environment) as session:
            yield session

    place = Place(server=SERVER, worker=WORKER, containers=look, pages=pages, database=database)
    return PlaceProbe(engine, place, SiteChecks(slug=checks.slug, account=checks.account))


def _inspect(sdk: Any, name: str) -> Details:
    found: Details = sdk.inspect_container(name)
    return found
