"""What is told of updates and rollbacks while they run and when they have ended."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from bot.domain.errors import PortError
from bot.domain.jobs import Job, JobState, Trigger
from bot.domain.messages import RunRollback, RunUpdate, StepBegan
from bot.domain.restore import GOING_AWAY
from bot.domain.update import AROUND
from bot.domain.update_words import PAGE
from bot.domain.way_back import QUICK_TRIES, one_more_try
from tests.bot_api.chats import Message
from tests.telegram_chat.world import ANNA, World

ORIGIN = f"telegram:4242:{ANNA}:0:7"
UPDATE = RunUpdate(trigger=Trigger.CHAT, actor="Anna (42)", origin=ORIGIN, label="2025.4.4")
ROLLBACK = RunRollback(trigger=Trigger.CHAT, actor="Anna (42)", origin=ORIGIN)
STATUS, SAID, ANEW = "Status", "Show what it said", "Show me the plan anew"


async def told(
    world: World,
    state: JobState,
    message: str = "",
    facts: Mapping[str, str] = MappingProxyType({}),
    **how: bool,
) -> tuple[Job, Message]:
    """The outcome of an update that ends so, with these *facts* in its plan."""
    begun = world.operations.begin(UPDATE)
    world.operations.all_jobs[0] = replace(begun, plan={**begun.plan, **facts})
    job = world.operations.end(state, message, **how)
    return job, await world.said("Asked for by Anna (42)")


async def test_the_steps_who_asked_and_what_serves_stand_in_one_message(world: World) -> None:
    async with world.talking():
        world.operations.begin(UPDATE)
        for step in ("checking the stack", "backing up"):
            world.operations.tell(StepBegan(step))
        shown = await world.said("Update to 2025.4.4 is running since 12:00")
        await world.eventually(lambda: "now: backing up" in shown.text)
        assert "done: checking the stack" in shown.text
        assert "Authentik serves meanwhile." in shown.text
        assert "Asked for by Anna (42)" in shown.text
        world.operations.tell(StepBegan(GOING_AWAY))
        await world.eventually(lambda: "Nobody can log in until it holds." in shown.text)
        world.operations.end(JobState.DONE, "2025.4.4 serves, 2025.2.1 before, after 90 s")
        outcome = await world.said("Update to 2025.4.4 done")
        assert "2025.4.4 serves, 2025.2.1 before, after 90 s." in outcome.text
        assert not outcome.silent
        await world.eventually(lambda: "The update has ended at" in shown.text)


@pytest.mark.parametrize(
    ("state", "swept", "headline", "labels"),
    [
        (JobState.DONE, True, "✅ Update to 2025.4.4 done", ["Take it back …", STATUS]),
        (JobState.ROLLED_BACK, True, "↩️ Update to 2025.4.4 rolled back", [SAID, STATUS]),
        (JobState.FAILED, True, "❌ Update to 2025.4.4 not done", [ANEW, STATUS]),
        (JobState.CANCELLED, True, "⏹ Update to 2025.4.4 cancelled", [ANEW, STATUS]),
        (JobState.INTERRUPTED, True, "⚠️ Update to 2025.4.4 interrupted", [ANEW, STATUS]),
        (JobState.INTERRUPTED, False, "⚠️ Update to 2025.4.4 interrupted", []),
        (JobState.STUCK, False, "🆘 Update to 2025.4.4 failed", [SAID, STATUS]),
    ],
)
async def test_each_end_has_its_buttons(
    world: World, state: JobState, headline: str, labels: list[str], *, swept: bool
) -> None:
    async with world.talking():
        _, outcome = await told(world, state, "why", swept=swept)

    assert outcome.text.startswith(headline)
    assert outcome.labels == labels


@pytest.mark.parametrize("state", [JobState.DONE, JobState.ROLLED_BACK])
async def test_what_serves_is_not_said_to_be_tried_again(world: World, state: JobState) -> None:
    async with world.talking():
        _, outcome = await told(world, state, "why", swept=False)

    assert "What serves stays." in outcome.text
    assert "It is tried again" not in outcome.text


async def test_what_is_not_back_yet_is_told_again_and_so_is_its_end(world: World) -> None:
    """Once when it failed, once after some tries, once when it serves again."""
    jobs = world.operations.all_jobs
    async with world.talking():
        world.operations.begin(UPDATE)
        jobs[0] = replace(jobs[0], plan={"phase": "back"})
        world.operations.end(JobState.FAILED, "its image was deleted", swept=False)
        first = await world.said("Its image was deleted")
        for _ in range(QUICK_TRIES):
            tried = one_more_try(jobs[0], world.clock.now())
            jobs[0] = replace(jobs[0], plan={**jobs[0].plan, **tried})
            world.operations.end(JobState.FAILED, "its image was deleted", swept=False)
        second = await world.said("every ten minutes")
        assert len([each for each in world.anna.chat.texts if "deleted" in each]) == 2
        world.operations.end(JobState.ROLLED_BACK, "2025.2.1 serves again")
        last = await world.said("2025.2.1 serves again")

    assert first.text.startswith("🆘 Update to 2025.4.4 failed, and a person is needed")
    assert "It may be that nobody can log in yet. It is tried again every minute." in first.text
    assert second.text.startswith("🆘")
    assert "at once when I am restarted or a command on the host begins a job" in second.text
    assert last.text.startswith("↩️ Update to 2025.4.4 rolled back")


async def test_what_serves_again_and_could_not_be_looked_at_is_told_once_it_holds(
    world: World,
) -> None:
    jobs = world.operations.all_jobs
    async with world.talking():
        world.operations.begin(UPDATE)
        jobs[0] = replace(jobs[0], plan={"phase": "returned"})
        world.operations.end(JobState.FAILED, "Docker did not answer", swept=False)
        first = await world.said("Docker did not answer")
        world.operations.end(JobState.ROLLED_BACK, "2025.2.1 serves again")
        last = await world.said("2025.2.1 serves again")

    assert first.text.startswith("❌ Update to 2025.4.4 not done")
    assert last.text.startswith("↩️ Update to 2025.4.4 rolled back")


async def test_after_a_restart_alone_nobody_is_called_yet(world: World) -> None:
    jobs = world.operations.all_jobs
    async with world.talking():
        world.operations.begin(UPDATE)
        jobs[0] = replace(jobs[0], plan={"phase": "start"})
        world.operations.end(JobState.INTERRUPTED, "Docker is not up yet", swept=False)
        told = await world.said("Docker is not up yet")

    assert told.text.startswith("⚠️ Update to 2025.4.4 interrupted")
    assert "It may be that nobody can log in yet." in told.text


@pytest.mark.parametrize("message", ["it does not hold", f"it does not hold. {PAGE}"])
async def test_where_a_person_is_needed_the_page_and_the_command_are_named(
    world: World, message: str
) -> None:
    async with world.talking():
        job, outcome = await told(world, JobState.STUCK, message, swept=False)

    assert outcome.text.count("RUNBOOK.md") == 1
    assert f"akbot jobs settle {job.id}" in outcome.text


@pytest.mark.parametrize("state", [JobState.DONE, JobState.STUCK])
async def test_a_rollback_that_has_ended(world: World, state: JobState) -> None:
    async with world.talking():
        world.operations.begin(ROLLBACK)
        world.operations.end(state, "2025.2.1 serves again", swept=state is JobState.DONE)
        outcome = await world.said("2025.2.1 serves again")

    assert outcome.labels == ([STATUS] if state is JobState.DONE else [SAID, STATUS])


async def test_what_it_said_comes_as_a_document_once_for_each_press(world: World) -> None:
    world.rolls.words = "--- server\ndatabase is on fire <&>"
    async with world.talking():
        job, outcome = await told(world, JobState.ROLLED_BACK, "it was never ready")
        world.anna.presses(outcome, SAID)
        document = await world.said("said last; secrets in it are masked")
        await world.all_handled()

    assert document.file
    assert document.file.name == f"{job.id}.log"
    assert document.file.content.decode() == f"{world.rolls.words} {job.id}"
    assert outcome.labels == [SAID, STATUS], "it can be pressed again"


@pytest.mark.parametrize("of_the_host", [True, False])
async def test_what_lies_around_a_version_is_to_be_mended(
    world: World, *, of_the_host: bool
) -> None:
    facts = {AROUND: "1"} if of_the_host else {}
    async with world.talking():
        _, outcome = await told(world, JobState.ROLLED_BACK, "no disk is left", facts=facts)

    assert ("Mend what it names, and /update tries it again." in outcome.text) is of_the_host
    assert ("is not offered by itself again" in outcome.text) is not of_the_host


async def test_where_nothing_is_kept_that_is_said(world: World) -> None:
    async with world.talking():
        _, outcome = await told(world, JobState.ROLLED_BACK)
        world.anna.presses(outcome, SAID)
        await world.said("Nothing is kept of what its containers said")
        world.rolls.failure = PortError("read what the containers said: denied")
        await world.all_handled()
        world.anna.presses(outcome, SAID)
        await world.said("That did not work: read what the containers said: denied")


async def test_the_status_is_one_press_away(world: World) -> None:
    async with world.talking():
        _, outcome = await told(world, JobState.ROLLED_BACK)
        world.anna.presses(outcome, STATUS)
        await world.said("Stack authentik")


async def test_an_old_press_reads_nothing_and_begins_nothing(world: World) -> None:
    async with world.talking():
        _, outcome = await told(world, JobState.ROLLED_BACK)
        await world.all_sent()
    world.anna.presses(outcome, SAID)
    world.clock.advance(hours=1)
    async with world.talking(listening=False):
        await world.telegram.until(
            lambda: "A button was pressed here while I was away" in outcome.text
        )
