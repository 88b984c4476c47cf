"""The stack is known while a restore has taken its server away, and a wrong setting stays one."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.domain import update
from bot.domain.errors import BotError, ConfigError, PortError, RefusedError
from bot.domain.jobs import Job, JobKind, JobState, Outcome
from bot.domain.restore import PLAN, encode_plan
from bot.domain.stack import Stack
from bot.services.whereabouts import Whereabouts, tell_half_way
from tests.contracts.state_places import NOW, a_job
from tests.domain.test_restore_recovery import PLAN as HALF_WAY
from tests.domain.test_update_recovery import PLAN as HALF_UPDATED
from tests.fakes_journal import FakeJobJournal
from tests.fakes_stack import FakeEngine


@dataclass
class LostEngine(FakeEngine):
    """Finds no stack, and says why."""

    reason: BotError | None = None

    async def find_stack(self) -> Stack:
        raise self.reason or AssertionError


NO_SERVER = ConfigError("there is no service")
NO_DOCKER = PortError("the Engine does not answer")


@pytest.mark.parametrize(
    "facts",
    [{PLAN: encode_plan(HALF_WAY)}, {update.PLAN: update.encode_plan(HALF_UPDATED)}],
    ids=["restore", "update"],
)
async def test_a_job_half_way_is_named_and_its_stack_known(facts: dict[str, str]) -> None:
    journal, job = FakeJobJournal(), a_job()
    await journal.begin(job)
    await journal.plan(job.id, facts)
    whereabouts = Whereabouts(LostEngine(reason=NO_SERVER), journal)

    assert await whereabouts.name() in {HALF_WAY.site.project, HALF_UPDATED.site.project}
    with pytest.raises(RefusedError, match="has taken server and worker away"):
        await whereabouts.find()


async def test_without_a_restore_the_wrong_setting_is_told() -> None:
    whereabouts = Whereabouts(LostEngine(reason=NO_SERVER), FakeJobJournal())

    for ask in (whereabouts.name, whereabouts.find):
        with pytest.raises(ConfigError, match="no service"):
            await ask()


async def test_a_named_stack_needs_no_docker_and_another_is_told_so() -> None:
    engine = LostEngine(reason=NO_DOCKER)

    assert await Whereabouts(engine, FakeJobJournal(), "authentik").name() == "authentik"
    with pytest.raises(PortError) as refused:
        await Whereabouts(engine, FakeJobJournal()).name()
    assert "AKBOT_STACK" in refused.value.__notes__[0]


async def test_a_stack_that_is_there_is_found() -> None:
    engine = FakeEngine()
    journal, job = FakeJobJournal(), a_job()
    await journal.begin(job)
    await journal.plan(job.id, {PLAN: encode_plan(HALF_WAY)})
    whereabouts = Whereabouts(engine, journal)

    assert await whereabouts.find() is engine.stack
    assert await whereabouts.name() == engine.stack.project


UPDATED = {update.PLAN: update.encode_plan(HALF_UPDATED), update.PHASE: update.Phase.BACK}
FULL = "2025.4.4 did not hold (not yet cleaned up: connect: No space left on device)"


async def journal_after(outcome: Outcome, facts: dict[str, str] = UPDATED) -> FakeJobJournal:
    """Of an update that has ended so."""
    journal, job = FakeJobJournal(), a_job(kind=JobKind.UPDATE)
    await journal.begin(job)
    await journal.plan(job.id, facts)
    await journal.finish(job.id, outcome, NOW + timedelta(minutes=5))
    return journal


async def test_a_way_back_that_failed_is_told_with_its_reason_in_place_of_a_setting() -> None:
    journal = await journal_after(Outcome(JobState.FAILED, FULL, swept=False))

    with pytest.raises(RefusedError) as told:
        await tell_half_way(journal, NO_SERVER)

    assert str(told.value) == (
        f"the update {a_job().id} is not finished and has taken server and worker away: {FULL}"
    )
    assert told.value.hint.startswith("Mend what that names; ")
    assert told.value.__cause__ is NO_SERVER


async def test_one_that_waits_for_a_person_is_told_with_its_page() -> None:
    journal = await journal_after(Outcome(JobState.STUCK, "it does not hold", swept=False))

    with pytest.raises(RefusedError, match="is not finished and has taken") as told:
        await tell_half_way(journal, NO_SERVER)

    assert told.value.hint == (
        'Nothing is done by itself any more: see "Half-done renames" in RUNBOOK.md.'
    )


@pytest.mark.parametrize(
    ("outcome", "phase"),
    [
        pytest.param(
            Outcome(JobState.DONE, "it serves", swept=False), update.Phase.KEEP, id="only copies"
        ),
        pytest.param(
            Outcome(JobState.FAILED, "refused", swept=False), update.Phase.READY, id="not begun"
        ),
        pytest.param(Outcome(JobState.ROLLED_BACK, "back"), update.Phase.BACK, id="it is back"),
    ],
)
async def test_a_job_that_has_left_the_server_there_is_not_why(
    outcome: Outcome, phase: update.Phase
) -> None:
    journal = await journal_after(outcome, {**UPDATED, update.PHASE: phase})

    await tell_half_way(journal, NO_SERVER)


async def test_a_journal_that_cannot_be_read_hides_nothing() -> None:
    @dataclass
    class Damaged(FakeJobJournal):
        async def open_jobs(self) -> list[Job]:
            raise NO_DOCKER

    await tell_half_way(Damaged(), NO_SERVER)
