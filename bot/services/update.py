"""Update the stack hop by hop; whatever happens, one whole version serves afterwards.

Nothing that serves is touched before a backup was made and, where that was wanted, the whole way
was gone on a copy. What fails after that is undone by `update_recovery`, in this process or in the
next.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.downtime import AWAY, came_back
from bot.domain.errors import BotError, PortError, RefusedError, UpdateFailedError
from bot.domain.jobs import Job, Outcome, Trigger
from bot.domain.messages import RunBackup, RunUpdate, StepBegan
from bot.domain.rehearsal import RehearsedHop
from bot.domain.restore import TagChange
from bot.domain.update import (
    AROUND,
    ASKED_UNTIL,
    HOP,
    PHASE,
    PLAN,
    UNTOUCHED,
    HopPlan,
    Phase,
    UpdatePlan,
    encode_plan,
    plan_of,
)
from bot.domain.update_gate import Baseline, Judgement, Verdict
from bot.domain.update_outlook import Outlook
from bot.domain.update_preview import UpdatePreview
from bot.domain.update_words import blamed_words, not_promoted_words
from bot.domain.updated import REHEARSED, Updated, updated
from bot.domain.versions import Family, parse_target
from bot.services.backup import BackedUp, BackupService
from bot.services.compose_ports import ComposeFiles
from bot.services.journal_ports import JobJournal
from bot.services.metering import Meter
from bot.services.outage import before_anything
from bot.services.ports import Clock, Engine, JobLog, Publish
from bot.services.preflight import Preflight
from bot.services.rehearsal import Rehearsal, RehearsalFailedError
from bot.services.restore_ports import Workplace
from bot.services.settling import NOT_YET
from bot.services.switch import Begin, telling
from bot.services.update_look import Gathered, UpdateLook
from bot.services.update_memory import UpdateMemory
from bot.services.update_ports import Ask, Gates
from bot.services.update_recovery import promotion
from bot.services.update_roll import Roll

logger = logging.getLogger(__name__)

Confirm = Callable[[UpdatePreview], Awaitable[bool]]
"""Asks a person whether that shall be done."""


def updated_after_all(clock: Clock, job: Job, outcome: Outcome) -> Updated:
    """What is told of an update of which something failed after its last version had held."""
    if (plan := plan_of(job.plan)) is None:
        raise ValueError(job.id)
    seconds, away = (clock.now() - job.started).total_seconds(), float(job.plan[AWAY])
    _, not_yet, why = outcome.message.partition(NOT_YET)
    return updated(job.id, plan, seconds, away, not_yet + why)


_WITHOUT_REDIS = Family(2025, 10)


class HopNotBegunError(BotError):
    """The compose files are not fit for a hop any more; what the hops before it made stays."""


@dataclass(frozen=True)
class UpdateService:
    """`akbot update`; a person who is asked has *ask_within* for the answer."""

    engine: Engine
    preflight: Preflight
    workplace: Workplace
    gates: Gates
    project: ComposeFiles
    rehearsal: Callable[[Baseline], Rehearsal]
    backup: BackupService
    journal: JobJournal
    memory: UpdateMemory
    clock: Clock
    publish: Publish
    ask_within: timedelta

    @property
    def _look(self) -> UpdateLook:
        return UpdateLook(
            self.engine,
            self.preflight,
            self.workplace,
            self.gates,
            self.project,
            self.journal,
        )

    async def preview(self, command: RunUpdate) -> UpdatePreview:
        """`--dry-run`: what would be done.

        Raises RefusedError, as `run` would, where registry, store or Docker is away.
        """
        with before_anything():
            return (await self._look.gather(command, "preview")).preview

    async def run(self, command: RunUpdate, job: JobLog, confirm: Confirm, ask: Ask) -> Updated:
        """Update, and return once the last version of the way has held at the gate.

        Raises RefusedError, and nothing was changed, where the stack is not fit, registry, store or
        Docker is away before the first hop, nobody agreed or the rehearsal failed;
        UpdateFailedError where a version did not hold; HopNotBegunError where a hop was refused
        after others; else what failed first, and what it left is in *job*'s page.
        """
        started, begin = self.clock.monotonic(), telling(job, self.publish)
        with before_anything():
            plan, took = await self._get_ready(command, job, confirm, begin)
        away = 0.0
        for number in range(1, len(plan.hops) + 1):
            plan = await self._with_change(plan, number, command)
            await job.plan(**{PLAN: encode_plan(plan), PHASE: Phase.READY, HOP: str(number)})
            expected = took.get(plan.hop(number).version, 0)
            away = await self._hop(plan, number, job, begin, ask, expected, away)
        return updated(job.id, plan, self.clock.monotonic() - started, away)

    async def _get_ready(
        self, command: RunUpdate, job: JobLog, confirm: Confirm, begin: Begin
    ) -> tuple[UpdatePlan, dict[str, float]]:
        """All that is done beside what serves: the plan, and what each version took on a copy."""
        await begin("checking the stack")
        found = await self._look.gather(command, job.id)
        if not await confirm(found.preview):
            raise RefusedError(
                "the update was not confirmed", hint=f"{UNTOUCHED} --yes confirms it."
            )
        await self._pull(found, command, begin)
        plan = await self._plan(found, job)
        await job.plan(**{PLAN: encode_plan(plan), PHASE: Phase.READY})  # whose images are here now
        await begin("backing up")
        made = await self.backup.run(RunBackup(trigger=Trigger.UPDATE, actor=command.actor), job)
        return plan, await self._rehearse(plan, made, job, begin) if command.rehearse else {}

    async def _pull(self, found: Gathered, command: RunUpdate, begin: Begin) -> None:
        """All images first; those of 2026.8 and later then say themselves what they can follow."""
        tag = await self._tag(found)
        for hop in found.outlook.hops:
            await begin(f"getting the image of {hop.version}")
            pulled = Meter(self.publish, self.clock).pulling()
            await found.tools.control.pull(found.image(hop), hop.digest, pulled)
            await found.tools.control.pull_outposts(replace(tag, new=str(hop.version)))
        again = await self.preflight.check.run(command.tag)
        if _way(again) != _way(found.outlook):
            raise RefusedError(
                f"the images say that the way to {found.outlook.target} is another one,"
                f" or the registry has changed meanwhile. {UNTOUCHED}",
                hint="Run it again to see the way as it is now.",
            )

    async def _plan(self, found: Gathered, job: JobLog) -> UpdatePlan:
        hops: list[HopPlan] = []
        before, tag = found.outlook.current, await self._tag(found)
        for number, each in enumerate(found.outlook.hops, start=1):
            new = str(each.version)
            tag = (
                replace(tag, new=new)
                if number == 1
                else TagChange(tag.file, tag.name, tag.new, new)
            )
            hops.append(
                HopPlan(
                    version=new,
                    image=found.image(each),
                    digest=each.digest,
                    image_id=await found.tools.control.image_id(found.image(each)),
                    tag=tag,
                    keeps_sessions=bool(found.site.redis) and before.family < _WITHOUT_REDIS,
                )
            )
            before = each.version
        return UpdatePlan(
            job=job.id,
            site=found.site,
            image_id=found.stack.server.image_id,
            digest=found.stack.server.image_digest,
            hops=tuple(hops),
            baseline=found.baseline,
            left_behind=found.left_behind,
        )

    async def _tag(self, found: Gathered) -> TagChange:
        first = found.image(found.outlook.hops[0])
        change = await found.tools.control.tag_change(first)
        if change is None:
            raise RefusedError(
                f"the compose files say {first} already, which does not run. {UNTOUCHED}",
                hint="Set the tag back to the version that runs, and try again.",
            )
        return change

    async def _rehearse(
        self, plan: UpdatePlan, made: BackedUp, job: JobLog, begin: Begin
    ) -> dict[str, float]:
        """Go the way on a copy; how many seconds each version took there until it served."""
        way = [
            RehearsedHop(each.image, each.image_id, parse_target(each.version))
            for each in plan.hops
        ]
        try:
            rehearsed = await self.rehearsal(plan.baseline).run(way, made, job, begin)
        except RehearsalFailedError as error:
            [hop] = [each for each in plan.hops if each.version == str(error.version)]
            await self.memory.remember(hop, error.reason)
            raise
        took = {each.version: each.seconds for each in rehearsed.hops}
        await job.plan(**{REHEARSED: f"{sum(took.values()) / len(took):.1f}"})
        await begin(rehearsed.words)
        return took

    async def _with_change(self, plan: UpdatePlan, number: int, command: RunUpdate) -> UpdatePlan:
        """What the hop wants of the compose files as the hop before has left them."""
        if not command.apply_compose:
            return plan
        hop = plan.hop(number)
        before, after = plan.version_before(number) or "", hop.version
        try:
            planned = await self.project.plan(
                plan.site, parse_target(before).family, parse_target(after).family
            )
        except RefusedError as error:
            if number == 1:
                raise
            raise HopNotBegunError(  # the hint of a refusal says that nothing was changed
                f"{after} was not begun: {error}", hint="Change the compose files by hand."
            ) from error
        hops = list(plan.hops)
        hops[number - 1] = replace(hop, change=planned.change if planned else None)
        return replace(plan, hops=tuple(hops))

    async def _hop(  # noqa: PLR0913, PLR0917 - the hop, and all who are told
        self,
        plan: UpdatePlan,
        number: int,
        job: JobLog,
        begin: Begin,
        ask: Ask,
        expected: float,
        away: float,
    ) -> float:
        """Roll and hold; for how many seconds nobody was served, the *away* of before included."""
        tools = await self.workplace.tools(plan.site, plan.key(number))
        roll = Roll(plan, number, tools, self.workplace, self.project)
        if roll.hop.keeps_sessions and tools.sessions:
            await tools.sessions.start()  # one that cannot is noticed while all serves as before
        gone = self.clock.monotonic()
        await roll.forward(job, begin, self.clock.now())
        await begin(f"waiting until {roll.hop.version} holds")
        judgement = await self.gates.of(plan.site, expected).hold(roll.wanted)
        away += self.clock.monotonic() - self.gates.stable - gone
        if judgement.verdict is Verdict.ASK and await self._is_wanted(judgement, job, ask):
            judgement = replace(judgement, verdict=Verdict.PROMOTE)
        if judgement.verdict is not Verdict.PROMOTE:
            await self.memory.blame(roll.hop, judgement)
            if judgement.of_the_host:
                await _note(job, **{AROUND: "1"})
            back = plan.version_before(number) or "the version before"
            self.publish(StepBegan(f"going back to {back}"))  # which waits for no journal
            reason = blamed_words(roll.hop.version, judgement)
            words = not_promoted_words(roll.hop.version, reason)
            raise UpdateFailedError(words, judgement.proof)
        await _promoted(job, promotion(roll) | came_back(away))
        await begin(f"{roll.hop.version} is promoted")
        await roll.tidy()
        return away

    async def _is_wanted(self, judgement: Judgement, job: JobLog, ask: Ask) -> bool:
        """A process that dies meanwhile leaves the question to the next one."""
        until = self.clock.now() + self.ask_within
        await job.plan(**{ASKED_UNTIL: until.isoformat()})
        return bool(await ask(judgement, until))


async def _promoted(job: JobLog, facts: dict[str, str]) -> None:
    """A version that has held stays, also where a full journal takes no more than the fact."""
    try:
        await job.commit(**facts)
    except PortError:
        await job.note(**facts)


async def _note(job: JobLog, **facts: str) -> None:
    """The way back does not wait for a journal that fails."""
    try:
        await job.plan(**facts)
    except PortError as error:
        logger.warning("write into the journal of %s: %s", job.id, error)


def _way(outlook: Outlook) -> Sequence[tuple[str, str]]:
    return [(str(each.version), each.digest) for each in outlook.hops]
