"""Take the last restore back: what it has kept is swapped in, in seconds."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from bot.domain.backup_id import parse_backup_id
from bot.domain.errors import BotError, RefusedError
from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.kept_moved import Moved, moved_since
from bot.domain.restore import (
    KEPT,
    PHASE,
    Kept,
    Phase,
    RestorePlan,
    SessionsDo,
    Site,
    facts_of,
    plan_of,
    sessions_back,
    undo_plan,
)
from bot.domain.restore_from_nothing import require_way_back
from bot.domain.restore_plan import Preview, require_redis
from bot.domain.restore_recovery import FolderState
from bot.domain.signature import PublicKey
from bot.domain.undo_ways import Ways, ways_of
from bot.services.deletion import STACK
from bot.services.gate import GatePatience
from bot.services.journal_ports import JobJournal
from bot.services.ports import Clock, Engine, JobLog, Publish
from bot.services.restore import Confirm, Restored
from bot.services.restore_compose import SwapBack, plan_swap_back
from bot.services.restore_ports import Tools, Workplace
from bot.services.settling import WHOLE_STATES
from bot.services.stores import Stores
from bot.services.switch import Switch, switch_and_hold, telling

_ALL = 10_000  # jobs, more than the journal keeps
_ASKED_WITHIN = 10.0  # seconds; who is in need does not wait for a store

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class UndoService:
    """`akbot restore --undo`; it needs no store, but asks *stores* which older states are there."""

    engine: Engine
    stores: Stores
    trusted: Callable[[], Collection[PublicKey]]
    journal: JobJournal
    clock: Clock
    publish: Publish
    workplace: Workplace
    patience: GatePatience

    async def preview(self) -> Preview:
        """What would be taken back. Raises RefusedError where there is nothing."""
        done, ways = await self._last()
        site = await self.workplace.survey(await self.engine.find_stack())
        tools = await self.workplace.tools(site, done.job)
        absent = await _require_kept(done, tools)
        _require_redis(done, site)
        swap = await plan_swap_back(done, tools)
        return _preview(done, ways, site.version, swap, absent)

    async def run(self, job: JobLog, confirm: Confirm) -> Restored:
        """Take it back; what served until now is kept in its turn, for one more undo."""
        started, begin = self.clock.monotonic(), telling(job, self.publish)
        done, ways = await self._last()
        site = await self.workplace.survey(await self.engine.find_stack())
        of_done = await self.workplace.tools(site, done.job)
        absent = await _require_kept(done, of_done)
        _require_redis(done, site)
        tools = await self.workplace.tools(site, job.id)
        swap = await plan_swap_back(done, tools)
        if not await confirm(_preview(done, ways, site.version, swap, absent)):
            raise RefusedError(
                "the undo was not confirmed", hint="Nothing was changed. --yes confirms it."
            )
        tag = None
        if done.database:
            await begin("getting the image")
            await tools.control.pull(done.site.image, None)
            tag = await tools.control.tag_change(done.site.image, swap.texts if swap else {})
        plan = undo_plan(done, job.id, site, tag, swap.swap if swap else None)
        plan = replace(plan, from_nothing=bool(absent))
        if plan.compose and plan.compose.comes:
            await tools.control.pull(plan.compose.comes.image, None)
        await job.plan(**facts_of(plan), **{PHASE: Phase.BESIDE})
        await begin("getting the state before")
        if swap:
            await tools.project.stage(swap.swap.files, swap.texts)
        switch = Switch(plan, tools, self.workplace)
        await switch.claim(done)
        away = await switch_and_hold(switch, job, begin, self.patience, self.clock)
        await of_done.files.discard(done.sources)
        if of_done.sessions:
            await of_done.sessions.discard()
        if done.compose:
            await tools.project.discard(done.compose.files, done.job)
        await self.journal.plan(done.job, {KEPT: ""})
        seconds = self.clock.monotonic() - started
        return Restored(
            job.id,
            plan.backup,
            plan.version,
            seconds,
            undone=done.job,
            dump=plan.dump,
            away=away,
            from_nothing=plan.from_nothing,
            ways=ways,
        )

    async def _last(self) -> tuple[RestorePlan, Ways]:
        jobs = await self.journal.jobs(_ALL)
        for job in jobs:
            if _can_be_undone(job) and (plan := plan_of(job.plan)):
                require_way_back(plan)
                _require_in_place(plan, moved_since(job, jobs))
                made = {each.id: each.plan[STACK] for each in jobs if STACK in each.plan}
                stored, silent = await self._stored({*made.values()} if len(made) > 1 else set())
                return plan, ways_of(job, jobs, stored, made if silent else ())
        raise RefusedError(
            "there is no restore to take back",
            hint="What it keeps goes a day later, after a newer backup: restore one instead.",
        )

    async def _stored(self, stacks: Collection[str]) -> tuple[set[str], bool]:
        """Which whole backups lie there, and whether a store may have more but is silent."""
        stored, silent = set[str](), False
        for stack in stacks:
            try:
                async with asyncio.timeout(_ASKED_WITHIN):
                    found = await self.stores.catalogue(stack, self.trusted())
            except (BotError, TimeoutError) as error:
                logger.warning("ask the stores for older states: %s", error)
                silent = True
                continue
            stored |= {each.id for each in found.records if each.state in WHOLE_STATES}
            silent = silent or bool(found.silent)
        return stored, silent


def _can_be_undone(job: Job) -> bool:
    return (
        job.kind is JobKind.RESTORE
        and job.state is JobState.DONE
        and job.plan.get(KEPT) == Kept.BEFORE
    )


def _require_in_place(done: RestorePlan, moved: Mapping[str, Moved]) -> None:
    for source in done.sources:
        if source in moved:
            by, target = moved[source].by, moved[source].target
            raise RefusedError(
                f"the restore {done.job} cannot be taken back any more: the update {by} has moved"
                f' "{source}" to "{target}", and with it what was kept there',
                hint='Nothing was changed. Take the update back first with "akbot rollback", or'
                " restore a backup.",
            )


async def _require_kept(done: RestorePlan, tools: Tools) -> str:
    """The name of the database that would be swapped out and is not there, "" where it is."""
    names = await tools.databases.names()
    states = await tools.files.states(done.sources)
    lost = done.database and done.outgoing not in names
    if lost or any(state is not FolderState.SWAPPED for state in states.values()):
        raise RefusedError(
            f"what the restore {done.job} has kept is not there any more",
            hint="Nothing was changed. Restore a backup instead.",
        )
    live = done.site.database
    return live if done.database and live not in names else ""


def _require_redis(done: RestorePlan, site: Site) -> None:
    """An update since may have dropped the service; one that comes back with the files counts."""
    comes_back = bool(done.compose and done.compose.goes)
    require_redis(
        done.site.version,
        has_redis=site.redis is not None or comes_back,
        with_redis=False,
        has_database=done.database,
    )


def _preview(
    done: RestorePlan, ways: Ways, version: str | None, swap: SwapBack | None, absent: str
) -> Preview:
    sessions = sessions_back(done)
    parts = ["postgres"] if done.database else []
    parts += [folder.component for folder in done.folders if folder.component]
    parts += ["redis"] if sessions is not SessionsDo.LEAVE else []
    return Preview(
        backup_id=None,
        manifest=None,
        components=tuple(parts),
        untouched=(),
        version_now=version,
        version_then=done.site.version,
        sessions=sessions,
        safety_backup=False,
        undo_of=parse_backup_id(done.job),
        compose=swap.diff if swap else "",
        absent=absent,
        ways=ways,
    )
