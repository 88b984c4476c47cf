"""Make the restored database, files and sessions beside those that serve."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot import age
from bot.domain.components import POSTGRES, REDIS
from bot.domain.drill import compare_databases
from bot.domain.errors import IntegrityError, RoleMissingError
from bot.domain.manifest import Component, DatabaseFacts
from bot.domain.restore import Folder, RestorePlan
from bot.services.metering import Meter
from bot.services.proven import ProvenObjects
from bot.services.restore_ports import DatabaseAdmin, Tools
from bot.services.switch import Begin
from bot.services.verify import read_component

Take = Callable[[AsyncIterator[bytes]], Awaitable[None]]


@dataclass(frozen=True)
class Opening:
    """Opens *objects* that were read whole before; how much was read is told by *meter*."""

    objects: ProvenObjects
    identities: Sequence[age.Identity]
    meter: Meter

    async def read(self, component: Component, take: Take) -> None:
        objects = self.meter.reading(self.objects, component.stored_size)
        await read_component(objects, component, self.identities, take)


@dataclass(frozen=True)
class Beside:
    """What *plan* needs, from a backup that is being opened; *texts* of compose files."""

    plan: RestorePlan
    tools: Tools
    opening: Opening
    begin: Begin
    texts: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    async def make(
        self, components: Sequence[Component], facts: DatabaseFacts | None, *, keep_queue: bool
    ) -> str:
        """Why the grants of the backup were left out, "" where they were not.

        Raises IntegrityError where the database is not what the manifest's *facts* say.
        """
        no_grants = ""
        if compose := self.plan.compose:
            await self.tools.project.stage(compose.files, self.texts)
            await self.tools.files.stage_nothing(compose.emptied)
        folders = {folder.component: folder for folder in self.plan.folders}
        for component in components:
            await self.begin(f"restoring {component.name} beside what serves")
            if component.name == POSTGRES:
                no_grants = await self._database(component, facts, keep_queue=keep_queue)
            elif component.name == REDIS and self.tools.sessions:
                await self.opening.read(component, self.tools.sessions.stage)
            else:
                await self.opening.read(component, self._into(folders[component.name]))
        return no_grants

    def _into(self, folder: Folder) -> Take:
        return lambda archive: self.tools.files.stage(folder, archive)

    async def _database(
        self, component: Component, facts: DatabaseFacts | None, *, keep_queue: bool
    ) -> str:
        source = Source("manifest", facts, lambda take: self.opening.read(component, take))
        return await make_database(self.plan, self.tools, source, self.begin, keep_queue=keep_queue)


@dataclass(frozen=True)
class Source:
    """Whatever a database is made from: *give* hands the archive over, which holds *facts*.

    *name* is who says so.
    """

    name: str
    facts: DatabaseFacts | None
    give: Callable[[Take], Awaitable[None]]


async def make_database(
    plan: RestorePlan, tools: Tools, source: Source, begin: Begin, *, keep_queue: bool
) -> str:
    """Make the database that is to serve, beside the one that does.

    Returns why it lacks all grants that the source has, "" where it has them. Raises IntegrityError
    where it is not what *source* says.
    """
    databases, name, live = tools.databases, plan.incoming, plan.site.database
    await databases.create(name, live)
    no_grants = ""
    try:
        await source.give(lambda archive: databases.load(name, archive, live))
    except RoleMissingError as error:  # a backup outlives the roles of the day it was made
        no_grants = str(error)
        await begin("restoring the database once more, without its grants")
        await databases.create(name, live)
        await source.give(lambda archive: databases.load(name, archive, live, grants=False))
    await begin(f"comparing every table with the {source.name}")
    found = await _counted_and_analyzed(databases, name)
    if source.facts and (reasons := compare_databases(source.facts, found)):
        raise IntegrityError(
            f"the restored database is not what the {source.name} says: {'; '.join(reasons)}",
            hint=f"Use another {'backup' if plan.backup else 'dump'}.",
        )
    if not keep_queue:
        await databases.empty_queue(name)
    return no_grants


async def _counted_and_analyzed(databases: DatabaseAdmin, name: str) -> DatabaseFacts:
    """Both read every table, each with a processor of its own."""
    analyzing = asyncio.ensure_future(databases.analyze(name))
    try:
        found = await databases.facts(name)
        await analyzing
    finally:
        analyzing.cancel()
        await asyncio.wait({analyzing})
    return found
