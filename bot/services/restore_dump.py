"""Let a dump that a person made serve, by the same way as a backup.

Nobody vouches for it and no manifest says what must be in it. So it is loaded into a throw-away
server first, which reaches nothing: whatever a statement in it drops or enters is not there. What
it holds is counted there, and what goes beside the live database is a dump of ours of that.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.domain.client_patches import judge_client
from bot.domain.errors import RefusedError
from bot.domain.messages import RunRestore
from bot.domain.restore import DUMP, PHASE, Phase, RestorePlan, Site, facts_of
from bot.domain.restore_dump import DUMP_PARTS, choose_for_dump, version_of
from bot.domain.restore_from_nothing import require_to_back_up
from bot.domain.restore_plan import Choice, ForeignDump, Preview
from bot.services.backup import BackupService
from bot.services.dump_stream import DumpSource, load_dump
from bot.services.gate import GatePatience
from bot.services.keyring import Keyring
from bot.services.metering import Meter
from bot.services.pipeline import ending
from bot.services.ports import PREVIEW, Clock, Engine, JobLog, Publish, ScratchDatabase
from bot.services.restore import Confirm, Restored
from bot.services.restore_beside import Source, Take, make_database
from bot.services.restore_look import glance, look_at
from bot.services.restore_ports import Tools, Workplace
from bot.services.restore_safety import back_up_before
from bot.services.switch import Switch, switch_and_hold, telling


@dataclass(frozen=True)
class _Seen:
    """All that was looked at, while the dump lies in *scratch*."""

    site: Site
    tools: Tools
    scratch: ScratchDatabase
    choice: Choice
    preview: Preview
    dump: ForeignDump


@dataclass(frozen=True)
class DumpRestoreService:
    """`akbot restore --dump`, for the dump *source*; *safety* backs the state before up."""

    engine: Engine
    source: DumpSource
    keyring: Keyring
    clock: Clock
    publish: Publish
    workplace: Workplace
    patience: GatePatience
    safety: BackupService

    async def preview(self, command: RunRestore) -> Preview:
        """`--dry-run`: load it where it harms nobody, and say what would become of it."""
        async with self._seen(command, PREVIEW) as seen:
            return seen.preview

    async def run(self, command: RunRestore, job: JobLog, confirm: Confirm) -> Restored:
        """Restore it, and return once the restored state has held at the gate.

        Raises RefusedError, and nothing was changed, where it is none of Authentik's, does not fit
        or nobody agreed; else what failed first, and what it left is in *job*'s page.
        """
        started, begin = self.clock.monotonic(), telling(job, self.publish)
        await job.plan(**{DUMP: self.source.name})
        await begin("loading the dump where it reaches nothing")
        async with self._seen(command, job.id) as seen:
            if not await confirm(seen.preview):
                raise RefusedError(
                    "the restore was not confirmed", hint="Nothing was changed. --yes confirms it."
                )
            source = f"the dump {self.source.name}"
            missing = await back_up_before(source, command, self.safety, job, begin)
            await begin("getting the image")
            choice, pulled = seen.choice, self._meter.pulling()
            await seen.tools.control.pull(choice.image, choice.image_digest, pulled)
            plan = await _plan(seen, job)
            await job.plan(**facts_of(plan), **{PHASE: Phase.BESIDE})
            await begin("restoring the dump beside what serves")
            made = Source("dump", seen.dump.facts, lambda take: self._give(seen.scratch, take))
            await make_database(plan, seen.tools, made, begin, keep_queue=command.keep_queue)
        switch = Switch(plan, seen.tools, self.workplace)
        away = await switch_and_hold(switch, job, begin, self.patience, self.clock)
        seconds = self.clock.monotonic() - started
        return Restored(
            job.id,
            "",
            plan.version,
            seconds,
            dump=plan.dump,
            away=away,
            safety_missing=missing,
            from_nothing=plan.from_nothing,
        )

    @asynccontextmanager
    async def _seen(self, command: RunRestore, job_id: str) -> AsyncGenerator[_Seen]:
        """All that is decided from, as long as the dump lies in its throw-away database."""
        stack = await self.engine.find_stack()
        site = await self.workplace.survey(stack)
        tools = await self.workplace.tools(site, job_id)
        found = await look_at(stack, site, tools)
        require_to_back_up(
            site.database,
            is_there=found.has_database,
            wanted=command.safety_backup,
            what="--dump FILE",
        )
        async with self.engine.scratch_database(stack, job_id) as scratch:
            dumped = self._meter.passing(self.source.blocks(), self.source.total_bytes)
            there = found.room.database
            free_bytes = there.data.free if there else None
            await load_dump(dumped, scratch, self.keyring.identities, free_bytes)
            dump = ForeignDump(self.source.name, await scratch.facts(), await scratch.contents())
            choice = choose_for_dump(dump.facts, found, site.version)
            live, contents, unknown = await glance(tools, site.database, found)
            client = judge_client(await tools.databases.client_version())
            preview = Preview(
                backup_id=None,
                manifest=None,
                components=DUMP_PARTS,
                untouched=tuple(folder.component for folder in found.folders),
                version_now=site.version,
                version_then=version_of(dump.facts),
                sessions=choice.sessions,
                safety_backup=command.safety_backup,
                live=live,
                contents=contents,
                warnings=(*choice.warnings, *unknown, *([client] if client else [])),
                dump=dump,
                absent="" if found.has_database else site.database,
            )
            yield _Seen(site, tools, scratch, choice, preview, dump)

    async def _give(self, scratch: ScratchDatabase, take: Take) -> None:
        """A dump of ours of what the person's has made; how long it will be nobody knows."""
        async with ending(self._meter.passing(scratch.dump())) as archive:
            await take(archive)

    @property
    def _meter(self) -> Meter:
        return Meter(self.publish, self.clock)


async def _plan(seen: _Seen, job: JobLog) -> RestorePlan:
    return RestorePlan(
        job=job.id,
        backup="",
        site=seen.site,
        database=True,
        folders=(),
        sessions=seen.choice.sessions,
        image=seen.choice.image,
        version=seen.preview.version_then,
        tag=await seen.tools.control.tag_change(seen.choice.image),
        dump=seen.dump.name,
        from_nothing=bool(seen.preview.absent),
    )
