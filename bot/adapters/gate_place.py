"""The stack that serves, as the gate of an update looks at it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from bot.adapters.container_facts import as_container
from bot.adapters.database_client import Clients
from bot.adapters.engine_api import EngineApi
from bot.adapters.gate_probe import Details, Place, PlaceProbe
from bot.adapters.psql import PsqlSession, psql_session
from bot.adapters.server_pages import pages_of
from bot.adapters.services_of import details_of
from bot.domain.restore import Site
from bot.domain.site_checks import SiteChecks


def live_probe(engine: EngineApi, site: Site, checks: SiteChecks, clients: Clients) -> PlaceProbe:
    """A probe of the stack at *site*, its outposts included; *clients* lead to its database."""

    async def containers() -> list[tuple[str, Details]]:
        found = await details_of(engine, site.project, site.rolled)
        return [(as_container(each, {}).service, each) for each in found]

    @asynccontextmanager
    async def database() -> AsyncGenerator[PsqlSession]:
        environment = {
            "PGUSER": site.user,
            "PGDATABASE": site.database,
            "PGAPPNAME": "akbot-gate",
            "PGCONNECT_TIMEOUT": "5",
        }
        async with (
            clients() as client,
            psql_session(engine, client.id, environment) as session,
        ):
            yield session

    place = Place(
        server=site.server,
        worker=site.worker,
        containers=containers,
        pages=pages_of,
        database=database,
    )
    return PlaceProbe(engine, place, checks)
