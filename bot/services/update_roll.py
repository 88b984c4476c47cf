"""Put one version in the place of another, and back: the only code of an update that does either.

Each act can be done again from wherever it was cut off. While server and worker are removed nothing
can start them but a person's own `up -d`, so they are removed once more before anybody can connect.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.compose_edit import ComposeChange
from bot.domain.downtime import gone
from bot.domain.errors import PortError
from bot.domain.redis_content import not_put_back
from bot.domain.restore import GOING_AWAY
from bot.domain.update import COPIED, PHASE, HopPlan, Phase, UpdatePlan
from bot.domain.update_gate import Wanted
from bot.services.compose_ports import ComposeFiles
from bot.services.endings import all_ended
from bot.services.ports import JobLog
from bot.services.restore_ports import Sessions, Tools, Workplace
from bot.services.switch import Begin
from bot.services.update_database import HopDatabase, PutBack

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Roll:
    """Both ways for the hop *number* of *plan*; the way back of all up to the hop *last*."""

    plan: UpdatePlan
    number: int
    tools: Tools
    workplace: Workplace
    project: ComposeFiles
    last: int = 0

    @property
    def hop(self) -> HopPlan:
        return self.plan.hop(self.number)

    @property
    def wanted(self) -> Wanted:
        """What the hop's version must hold."""
        return self._wanted(self.hop.version, self.hop.image_id)

    @property
    def wanted_before(self) -> Wanted:
        """What the version before must hold once more."""
        plan, number = self.plan, self.number
        return self._wanted(plan.version_before(number), plan.image_id_before(number))

    def _wanted(self, version: str | None, image_id: str) -> Wanted:
        site = self.plan.site
        return Wanted(
            server=site.server,
            worker=site.worker,
            version=version,
            others=site.outposts,
            image_ids=dict.fromkeys(site.services, image_id),
            baseline=self.plan.baseline,
        )

    @property
    def _undone(self) -> range:
        """The numbers of the hops that the way back undoes."""
        return range(self.number, max(self.last, self.number) + 1)

    @property
    def _database(self) -> HopDatabase:
        plan, number = self.plan, self.number
        names = plan.site.database, plan.snapshot(number), plan.failed(number)
        return HopDatabase(self.tools.databases, *names)

    async def forward(self, job: JobLog, begin: Begin, now: datetime) -> None:
        """Start the hop's version on a database of which a copy is kept; it begins *now*."""
        plan, hop, tools = self.plan, self.hop, self.tools
        copied = {COPIED: now.isoformat()} if self.number == 1 else {}
        await job.commit(**{PHASE: Phase.SWITCH}, **copied, **gone(now))
        await begin(GOING_AWAY)
        await tools.control.remove()
        await begin("copying the database")
        await self._copy()
        if hop.change:
            await begin("changing the compose file")
            await self.project.apply(plan.site, hop.change, plan.key(self.number))
        await begin(f"setting {hop.tag.name} to {hop.tag.new}")
        await tools.control.write_tag(hop.tag)
        await begin("removing server and worker once more")
        await tools.control.remove()
        await job.plan(**{PHASE: Phase.START})
        await begin(f"starting {hop.version}")
        await self.restart()

    async def _copy(self) -> None:
        """Copy the database and what Redis holds, at once: nobody writes into either.

        Neither is at work any more when it returns or raises.
        """
        await all_ended(self._database.copy(), self._keep_sessions())

    async def _keep_sessions(self) -> None:
        if self.hop.keeps_sessions and self.tools.sessions:
            await self.tools.sessions.keep()

    @property
    def _changes(self) -> list[ComposeChange]:
        """What the hops that the way back undoes did to the compose files."""
        return [change for each in self._undone if (change := self.plan.hop(each).change)]

    async def require_way_back(self) -> None:
        """See, before anything is taken away, that the compose files can be put back.

        Raises RefusedError or PortError where they cannot.
        """
        numbers = reversed(self._undone)
        by_key = {self.plan.key(each): self.plan.hop(each).change for each in numbers}
        changes = {key: change for key, change in by_key.items() if change}
        await self.project.require_undo(self.plan.site, changes)

    async def have_images(self) -> None:
        """Have on this host all that Compose starts with the version before; its own by its name.

        The compose files are whole. Raises PortError where an image cannot be had.
        """
        await self._have_known_images()
        if self._changes:
            await self._have_outposts()

    async def _have_known_images(self) -> None:
        """Likewise, but compose files that may be half changed are not asked what outposts become.

        Redis is created anew where a hop has dropped it.
        """
        plan, number, control = self.plan, self.number, self.tools.control
        image = plan.image_before(number), plan.image_id_before(number), plan.digest_before(number)
        await control.name_image(*image)
        site = plan.site
        if site.redis_image and any(site.redis in each.drops for each in self._changes):
            await control.pull(site.redis_image, None)
        if not self._changes:
            await self._have_outposts()

    async def _have_outposts(self) -> None:
        await self.tools.control.pull_outposts(self.hop.tag.back)

    async def call_off(self) -> None:
        """Let the version before serve again, which nothing was ever started in place of."""
        await self._have_known_images()
        await self.tools.control.remove()
        await self._put_project_back()
        await self.restart()

    async def clean(self, *, copy_stays: bool) -> None:
        """Remove the copies of a hop that was undone, unless there is something in them."""
        if not copy_stays and not await self._database.keeps_failed():
            await self.drop_copies()

    async def back(self, *, hurry: bool = False) -> PutBack:
        """Let the version before serve again on the database as it was before.

        In a *hurry* what serves is not asked for long to stop: it did not hold. Without the image
        of the version before nothing is touched.
        """
        tools = self.tools
        await self._have_known_images()
        await tools.control.remove(hurry=hurry)
        done = await self._database.put_right()
        doubts = await self._put_project_back()
        # from here on a person's own `up -d` starts the version before, which is shut out as well
        await tools.control.remove()
        if not done.aside:
            await self.restart()
        elif lost := await self._put_content_back(swapped=done.change is None):
            doubts += lost
            await self.restart()
        else:
            await self._start_created()
        return replace(done, doubts=tuple(doubts))

    async def restart(self) -> None:
        """Start what is in place, whatever a person's own `up -d` has started meanwhile."""
        await all_ended(self._database.open(), self.tools.control.start())

    async def _start_created(self) -> None:
        """What they need is known to be well: nobody waits until Docker has seen that of Redis."""
        await self._database.open()
        await self.tools.control.start_created()

    async def drop_copies(self) -> None:
        """Remove what the hop has kept of database and sessions."""
        await self._database.drop()
        folder = self.plan.site.redis_folder
        try:
            if self.tools.sessions:
                await self.tools.sessions.discard()
                return
        except PortError as error:  # nobody may know its password any more
            if not folder:
                raise
            logger.info("remove Redis' snapshot from its folder, since Redis says: %s", error)
        if folder:  # its container went with a later version, not its files
            await self.tools.files.discard([folder])

    async def tidy(self) -> None:
        """Remove what nobody needs once the hop is promoted.

        The first hop keeps what an undo needs, and is all that an undo of the update needs.
        """
        if self.number > 1:
            await self.drop_copies()
        for service in self.hop.change.drops if self.hop.change else ():
            await self.project.drop_service(self.plan.site, service)

    async def forget(self) -> None:
        """Remove all that the hop has kept: there is no way back any more."""
        await self.drop_copies()
        if self.hop.change:
            await self.project.discard(self.plan.site, self.hop.change, self.plan.key(self.number))

    async def _put_content_back(self, *, swapped: bool) -> list[str]:
        """The database, unless an earlier process has *swapped* it, and what Redis held, at once.

        Compose creates the containers meanwhile. None is at work any more when it returns or
        raises; what could not be put back, a sentence each.
        """
        _, doubts, _ = await all_ended(
            self._swap(swapped=swapped), self._put_sessions_back(), self._create()
        )
        return doubts

    async def _create(self) -> list[str]:
        """No doubt comes of it."""
        await self.tools.control.create()
        return []

    async def _swap(self, *, swapped: bool) -> list[str]:
        """Both are shut since they were looked at; no doubt comes of it."""
        if swapped:
            return []
        await self._database.swap()
        return []

    async def _put_project_back(self) -> list[str]:
        """Compose files and tag, as they were; then the files tell once more of all outposts."""
        doubts: list[str] = []
        plan, control = self.plan, self.tools.control
        for each in reversed(self._undone):
            if change := plan.hop(each).change:
                doubts += await self.project.undo(plan.site, change, plan.key(each))
        await control.write_tag(self.hop.tag.back)
        if self._changes:
            await self._have_outposts()
        return doubts

    async def _put_sessions_back(self) -> list[str]:
        """What Redis held may be lost: that must not keep the server away."""
        if not self.hop.keeps_sessions:
            return []
        try:
            if sessions := await self._old_sessions():
                await sessions.put_back()
        except PortError as error:
            logger.warning("put Redis' snapshot back: %s", error)
            return [not_put_back(self.plan.version_before(self.number), str(error))]
        return []

    async def _old_sessions(self) -> Sessions | None:
        """As the compose files tell of Redis that were put back: its password may be new there."""
        site = self.plan.site
        sessions = self.tools.sessions
        if sessions and not self._changes:
            return sessions
        if not site.redis:
            return None
        if not sessions:  # a later hop has dropped it
            await self.tools.control.start_service(site.redis)
        return (await self.workplace.tools(site, self.plan.key(self.number))).sessions
