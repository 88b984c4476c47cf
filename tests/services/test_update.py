"""Updates and rollbacks over fakes: what they do in which order, and what they say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from bot.adapters.journal import Journal
from bot.app_restores import confirmed_before
from bot.domain.downtime import seconds_away
from bot.domain.errors import (
    PortError,
    RefusedError,
    RollbackFailedError,
    UpdateFailedError,
    UpToDateError,
)
from bot.domain.jobs import JobState, plan_changed
from bot.domain.messages import RunUpdate, StepBegan
from bot.domain.restore import GOING_AWAY
from bot.domain.rollback import RollbackPreview
from bot.domain.update import AROUND, ASKED_UNTIL, COPIED, plan_of
from bot.domain.update_gate import Judgement
from bot.domain.updated import Prediction
from bot.services.outage import AWAY_WITHIN
from bot.services.rehearsal import RehearsalFailedError
from bot.services.store_ports import StoredObject
from bot.services.update import HopNotBegunError
from bot.services.update_kept import UpdateKept
from tests.fakes import FakeStore
from tests.fakes_roll import LIVE, REPOSITORY, Behaviour, Content, RollHost
from tests.services.roll_world import BEHAVIOURS, PATCH, ROLLBACK, UPDATE, RollWorld, world_of
from tests.services.test_update_check import image

STRAIGHT = replace(PATCH, rehearse=False)
MIGRATES = Behaviour(migrations=("new-2",))
AWAY_WITH_REDIS = replace(UPDATE, tag="2025.10.4", rehearse=False, apply_compose=True)
NEVER_READY = Behaviour(holds=False)


def world_with(journal: Journal, **behaviours: Behaviour) -> RollWorld:
    """A stack of 2025.2.1; the patch 2025.2.4 and the next family behave as said."""
    known = dict(BEHAVIOURS)
    names = {"patch": "2025.2.4", "next": "2025.4.4"}
    known.update({names[name]: each for name, each in behaviours.items()})
    return world_of(journal, host=RollHost(behaviours=known))


def world_with_redis_going(journal: Journal) -> RollWorld:
    """The way goes on to 2025.10.4, which needs no Redis."""
    world = world_with(journal)
    tags = ("2025.8.6", "2025.10.4")
    world.registry.images |= {tag: image(tag) for tag in tags}
    world.host.pullable |= {f"{REPOSITORY}:{tag}" for tag in tags}
    world.host.behaviours["2025.8.6"] = Behaviour(("new-2", "new-4", "new-6"))
    world.host.behaviours["2025.10.4"] = Behaviour(("new-2", "new-4", "new-6", "new-10"))
    return world


async def stopped_at_the_last_gate(world: RollWorld) -> None:
    """Let the update be cancelled while a person is asked, and recovery go on from there."""
    last = world.host.behaviours["2025.10.4"]
    world.host.behaviours["2025.10.4"] = replace(last, asks=True)

    async def stopped(_: Judgement, __: datetime) -> bool:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await world.update(AWAY_WITH_REDIS, ask=stopped)


async def last_message(journal: Journal) -> str:
    [job, *_] = await journal.jobs.jobs()
    return job.message


async def test_a_good_update_backs_up_rehearses_and_rolls(journal: Journal) -> None:
    world = world_with(journal, patch=MIGRATES)

    done = await world.update(PATCH)

    host = world.host
    assert (host.running, host.tag, host.live.rows) == ("2025.2.4", "2025.2.4", 100)
    assert (done.before, done.version, done.hops) == ("2025.2.1", "2025.2.4", 1)
    order = ["pull", "rehearse", "remove", "fence", "copy", "write tag", "unfence", "start", "gate"]
    assert [each for each in dict.fromkeys(host.calls) if each in order] == order
    assert "gate for 48 s" in host.calls, "as long as the rehearsal took"
    [record] = await world.records()
    assert record.summary
    assert record.summary.trigger == "update"
    assert [each for each in host.databases if each != LIVE]  # the way back
    assert "2025.2.4 serves in place of 2025.2.1" in await last_message(journal)


async def test_the_journal_knows_how_long_people_were_away(journal: Journal) -> None:
    done = await world_with(journal).update(UPDATE)

    [job] = await journal.jobs.jobs()
    assert seconds_away(job) == pytest.approx(max(done.away, 0), abs=0.1)


async def test_it_knows_so_too_of_what_was_undone(journal: Journal) -> None:
    world = world_with(journal, next=NEVER_READY)

    with pytest.raises(UpdateFailedError):
        await world.update(replace(UPDATE, rehearse=False))
    [undone] = await journal.jobs.jobs()
    await world.roll_back()
    [taken_back, _] = await journal.jobs.jobs()

    assert undone.state is JobState.ROLLED_BACK
    assert seconds_away(undone) is not None
    assert seconds_away(taken_back) is not None


async def test_how_long_people_will_be_away_is_told_before_they_are(journal: Journal) -> None:
    world = world_with(journal)

    await world.update(UPDATE)

    steps = [event.words for _, event in world.told if isinstance(event, StepBegan)]
    told = next(
        number for number, step in enumerate(steps) if step.startswith("rehearsed on a copy")
    )
    assert told < steps.index(GOING_AWAY)


async def test_how_long_the_next_one_will_take_is_known_from_the_last(journal: Journal) -> None:
    world = world_with(journal, next=NEVER_READY)
    first = await world.updates().preview(PATCH)
    with pytest.raises(UpdateFailedError):
        await world.update(replace(UPDATE, rehearse=False))
    one_step = await world.updates().preview(UPDATE)

    assert first.away == Prediction(60, rough=True)
    assert one_step.away.source == "the last update here"
    assert not one_step.away.rough


async def test_before_the_first_one_it_is_known_from_the_rehearsal(journal: Journal) -> None:
    world = world_with(journal, next=NEVER_READY)
    world.host.fails = {"remove"}
    with pytest.raises(RollbackFailedError):
        await world.update(PATCH)
    world.host.fails = set()
    await world.jobs.recover()

    assert (await world.updates().preview(PATCH)).away == Prediction(48, "the last rehearsal here")


async def test_without_a_word_nothing_is_changed(journal: Journal) -> None:
    world = world_with(journal)

    async def refuse(_: object) -> bool:
        return False

    with pytest.raises(RefusedError, match="was not confirmed"):
        await world.update(PATCH, refuse)

    assert (world.host.running, world.host.tag) == ("2025.2.1", "2025.2.1")
    assert not {"remove", "fence", "pull"} & set(world.host.calls)


async def test_a_look_at_it_is_refused_in_the_same_words_where_something_is_away(
    journal: Journal,
) -> None:
    world = world_with(journal)
    world.registry.fail = PortError("ask the registry: connection refused")

    with pytest.raises(RefusedError, match=r"connection refused\. Nothing was changed"):
        await world.updates().preview(PATCH)


async def test_what_fails_in_the_rehearsal_is_never_started(journal: Journal) -> None:
    world = world_with(journal, patch=NEVER_READY)

    with pytest.raises(RehearsalFailedError, match="never ready on the copy"):
        await world.update(PATCH)

    assert "remove" not in world.host.calls
    [bad] = await journal.releases.bad(REPOSITORY)
    assert (bad.tag, bad.reason) == ("2025.2.4", "it was never ready on the copy")


async def test_a_failure_of_the_host_in_the_rehearsal_says_nothing_of_the_version(
    journal: Journal,
) -> None:
    world = world_with(journal)
    world.host.fails = {"rehearse"}

    with pytest.raises(RefusedError, match=r"rehearse: it failed\. Nothing was changed"):
        await world.update(PATCH)

    assert not await journal.releases.bad(REPOSITORY)
    assert "nobody was logged out" in await last_message(journal)


@pytest.mark.parametrize(
    ("behaviour", "words", "aside"),
    [
        (NEVER_READY, "only noted that 2025.2.4 began", False),
        (Behaviour(holds=False, notes_itself=False), "had not been touched", False),
        (replace(MIGRATES, holds=False), "1 migration had been applied", True),
        (replace(MIGRATES, holds=False, drops_rows=True), "every row intact", True),
    ],
    ids=["version row", "untouched", "migrated", "rows dropped"],
)
async def test_what_does_not_hold_goes_back(
    journal: Journal,
    behaviour: Behaviour,
    words: str,
    aside: bool,  # noqa: FBT001
) -> None:
    world = world_with(journal, patch=behaviour)
    world.host.write()

    with pytest.raises(UpdateFailedError) as failed:
        await world.update(STRAIGHT)

    host = world.host
    assert (host.running, host.tag) == ("2025.2.1", "2025.2.1")
    assert host.live == Content(101)
    assert host.redis == "sessions"
    assert words in str(failed.value)
    assert "2025.2.4 did not hold: it was never ready. 2025.2.1 serves again" in str(failed.value)
    assert failed.value.proof == ("a line of its log",)
    steps = [event.words for _, event in world.told if isinstance(event, StepBegan)]
    assert steps[-1] == "going back to 2025.2.1"
    assert host.hurries == 1
    back = host.calls[host.calls.index("gate") :]
    assert back.index("fence") < back.index("facts"), "nobody is at work in it any more"
    assert any("_failed_" in each for each in host.databases) is aside
    assert not any("_before_" in each for each in host.databases)
    [bad] = await journal.releases.bad(REPOSITORY)
    assert bad.tag == "2025.2.4"
    [job] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.ROLLED_BACK, True)


async def test_what_fails_for_a_full_disk_is_not_remembered_against_the_version(
    journal: Journal,
) -> None:
    world = world_with(journal, patch=replace(MIGRATES, holds=False, lacks_disk=True))
    world.clock.suffixes += ["dddd", "eeee"]

    with pytest.raises(UpdateFailedError, match=r"once that is mended, 2025\.2\.4 can be tried"):
        await world.update(STRAIGHT)

    assert not await journal.releases.bad(REPOSITORY)
    assert world.host.running == "2025.2.1"
    [job] = await journal.jobs.jobs()
    assert job.plan[AROUND] == "1"
    world.host.behaviours["2025.2.4"] = MIGRATES
    await world.update(STRAIGHT)
    assert world.host.running == "2025.2.4"


async def test_where_the_old_one_does_not_hold_either_a_person_is_needed(journal: Journal) -> None:
    world = world_with(journal, patch=replace(MIGRATES, holds=False))
    world.host.behaviours["2025.2.1"] = NEVER_READY

    words = r"2025\.2\.1 was started again .*; but it does not hold: it was never ready"
    with pytest.raises(RollbackFailedError, match=words) as failed:
        await world.update(STRAIGHT)

    [job] = await journal.jobs.jobs()
    assert job.state is JobState.STUCK
    assert f'run "akbot jobs settle {job.id}".' in failed.value.hint
    assert "RUNBOOK.md" in job.message
    with pytest.raises(RefusedError, match="was given up"):
        await world.update(replace(UPDATE, rehearse=False))


async def test_what_could_not_be_rolled_back_is_not_said_to_be(journal: Journal) -> None:
    world = world_with(journal, patch=replace(MIGRATES, holds=False))
    world.host.fails = {"swap"}

    with pytest.raises(RollbackFailedError, match=r"did not hold.*swap: it failed") as failed:
        await world.update(STRAIGHT)

    assert "akbot status" in failed.value.hint
    assert await last_message(journal) == str(failed.value)
    world.host.fails = set()
    [job] = await world.jobs.recover()
    assert (job.state, world.host.running) == (JobState.ROLLED_BACK, "2025.2.1")
    assert "nobody could log in" not in job.message, "it may have served before"


@pytest.mark.parametrize(("stays", "version"), [(True, "2025.2.4"), (False, "2025.2.1")])
async def test_where_only_the_public_url_fails_a_person_decides(
    journal: Journal,
    stays: bool,  # noqa: FBT001
    version: str,
) -> None:
    world = world_with(journal, patch=replace(MIGRATES, asks=True))
    asked: list[str] = []

    async def ask(judgement: Judgement, until: datetime) -> bool:
        asked.append(judgement.reason)
        [job] = await journal.jobs.open_jobs()
        assert job.plan[ASKED_UNTIL] == until.isoformat(), "it is written down before"
        return stays

    if stays:
        await world.update(STRAIGHT, ask=ask)
    else:
        with pytest.raises(UpdateFailedError, match=r"sso\.example answers 502"):
            await world.update(STRAIGHT, ask=ask)

    assert asked == ["https://sso.example answers 502, 200 before"]
    assert (world.host.running, world.host.tag) == (version, version)
    [job] = await journal.jobs.jobs()
    assert bool(job.plan[ASKED_UNTIL]) is not stays, "of the next step nobody was asked yet"


async def test_what_goes_back_says_for_how_long_nobody_could_log_in(journal: Journal) -> None:
    world = world_with(journal, patch=replace(MIGRATES, asks=True))

    async def no(_: Judgement, __: datetime) -> bool:
        world.gate_clock.at += timedelta(minutes=10)
        return False

    with pytest.raises(UpdateFailedError, match="; nobody could log in for up to 10 min"):
        await world.update(STRAIGHT, ask=no)


async def test_stopped_before_the_answer_it_stays_and_says_what_fails(journal: Journal) -> None:
    """Whoever has to end cannot wait for an answer."""
    world = world_with(journal, patch=replace(MIGRATES, asks=True))
    world.ask_whoever_began = lambda _: pytest.fail("nobody is asked")

    async def stopped(_: Judgement, __: datetime) -> bool:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await world.update(STRAIGHT, ask=stopped)

    assert await last_message(journal) == (
        "2025.2.4 serves: it had been started, and https://sso.example answers 502, 200 before."
        ' "akbot rollback" takes it back'
    )
    assert (await world.roll_back()).version == "2025.2.1"


async def test_a_hop_that_fails_returns_to_the_last_promoted_one(journal: Journal) -> None:
    world = world_with(journal, patch=MIGRATES, next=Behaviour(("new-2", "new-4"), holds=False))

    with pytest.raises(UpdateFailedError, match=r"2025\.4\.4 did not hold"):
        await world.update(replace(UPDATE, rehearse=False))

    assert world.host.running == "2025.2.4"
    assert world.host.live.migrations == ("0001", "new-2")
    await world.roll_back()
    assert world.host.running == "2025.2.1"
    assert world.host.live == Content()


async def test_a_hop_that_is_refused_leaves_what_was_made(journal: Journal) -> None:
    """The compose files were edited meanwhile: that is no refusal in which nothing was changed."""
    world = world_with(journal, patch=MIGRATES, next=Behaviour(("new-2", "new-4")))
    world.host.compose_is_edited_at = "2025.2.4"

    with pytest.raises(
        HopNotBegunError, match=r"2025\.4\.4 was not begun: .* has an anchor"
    ) as out:
        await world.update(replace(UPDATE, rehearse=False, apply_compose=True))

    assert "Nothing was changed" not in out.value.in_full()
    told = 'serves: 1 of 2 steps were made, and "akbot update 2025.4.4" goes on from there'
    assert out.value.__notes__ == [f"2025.2.4 {told}"]
    assert world.host.running == "2025.2.4"
    assert "Nothing was changed" not in await last_message(journal)
    assert (await world.roll_back()).version == "2025.2.1"


async def test_a_first_hop_that_is_refused_changes_nothing(journal: Journal) -> None:
    world = world_with(journal, patch=MIGRATES)
    world.host.compose_is_edited_at = "2025.2.1"

    with pytest.raises(RefusedError, match="has an anchor"):
        await world.update(replace(STRAIGHT, apply_compose=True))

    assert world.host.running == "2025.2.1"


async def test_outposts_of_the_project_go_along(journal: Journal) -> None:
    world = world_with(journal, patch=MIGRATES)
    world.host.outposts = ("proxy",)

    await world.update(PATCH)

    assert [each for each in world.host.calls if "outposts" in each] == ["pull outposts 2025.2.4"]
    [job] = await journal.jobs.jobs()
    plan = plan_of(job.plan)
    assert plan
    assert plan.site.rolled == ("authentik", "worker", "proxy")


async def test_an_outpost_that_does_not_go_along_is_told_of_before_and_afterwards(
    journal: Journal,
) -> None:
    world = world_with(journal, patch=MIGRATES)
    world.clock.suffixes += ["dddd", "eeee"]
    world.in_step.images = {"proxy": "g/proxy:", "ldap": "g/ldap:2025.2.1"}

    seen = await world.updates().preview(PATCH)
    done = await world.update(PATCH)

    assert [each.message[:6] for each in seen.warnings if each.subject == "outposts"] == ['"ldap"']
    assert done.words.endswith("; must be moved to it too: ldap")
    assert await last_message(journal) == done.words


async def test_what_runs_already_is_refused(journal: Journal) -> None:
    with pytest.raises(UpToDateError, match="nothing newer is wanted"):
        await world_with(journal).update(replace(UPDATE, tag="2025.2.1"))


async def test_a_fresh_version_waits_unless_a_person_names_it(journal: Journal) -> None:
    world = world_with(journal, patch=MIGRATES)
    world.registry.images = {
        "2025.2.1": image("2025.2.1"), "2025.2.4": image("2025.2.4", days=1),
    }  # fmt: skip

    with pytest.raises(RefusedError, match="is known since"):
        await world.update(replace(PATCH, tag=""))
    await world.update(PATCH)

    assert world.host.running == "2025.2.4"


async def test_an_image_that_is_not_there_changes_nothing(journal: Journal) -> None:
    world = world_with(journal)
    world.host.pullable.clear()

    with pytest.raises(RefusedError, match=r"not found\. Nothing was changed"):
        await world.update(PATCH)

    assert world.host.running == "2025.2.1"
    assert "nobody was logged out" in await last_message(journal)


@pytest.mark.parametrize("call", ["remove", "copy", "write tag", "start"])
async def test_docker_that_is_away_in_the_middle_is_waited_for(journal: Journal, call: str) -> None:
    world = world_with(journal)
    world.host.outages = {call: 100}

    with pytest.raises(UpdateFailedError, match=r"does not answer.* 2025\.2\.1 serves again"):
        await world.update(STRAIGHT)

    assert (world.host.running, world.host.tag) == ("2025.2.1", "2025.2.1")
    assert list(world.host.databases) == [LIVE]
    assert world.host.fenced == set()
    [job] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.ROLLED_BACK, True)


async def test_what_stays_away_is_left_to_the_next_process(journal: Journal) -> None:
    world = world_with(journal)
    world.host.outages = {"copy": 1_000_000}

    with pytest.raises(RollbackFailedError, match="does not answer"):
        await world.update(STRAIGHT)

    assert world.gate_clock.passed > AWAY_WITHIN
    [left] = await journal.jobs.open_jobs()
    assert left.swept is False
    world.host.away = 0
    [job] = await world.jobs.recover()
    assert job.state is JobState.ROLLED_BACK
    assert (world.host.running, world.host.tag) == ("2025.2.1", "2025.2.1")


@dataclass
class AwayStore(FakeStore):
    """It is away once an update has taken the server away, until it is *back*."""

    host: RollHost = field(default_factory=RollHost)
    gone: bool = False
    back: bool = False

    async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        self.gone = self.gone or "remove" in self.host.calls
        if self.gone and not self.back:
            raise PortError("list the store: connection refused", retryable=True)
        async for each in super().list(prefix):
            yield each


@pytest.mark.parametrize("call", ["gate", "copy"], ids=["undone", "called off"])
async def test_while_the_store_is_away_what_serves_again_is_left_alone(
    journal: Journal, call: str
) -> None:
    world = world_with(journal, patch=replace(MIGRATES, holds=call != "gate"))
    world.store = store = AwayStore(host=world.host)
    world.host.fails = {call} - {"gate"}

    with pytest.raises(UpdateFailedError, match=r"2025\.2\.1 serves again.*connection refused"):
        await world.update(STRAIGHT)
    [job] = await journal.jobs.open_jobs()
    assert (job.state, job.swept) == (JobState.ROLLED_BACK, False)
    evidence = dict(world.host.evidence)
    world.host.fails = set()
    world.host.write()
    for _ in range(3):
        world.host.calls.clear()
        await world.jobs.recover()
        assert not {"remove", "write tag", "start", "swap", "gate"} & {*world.host.calls}
    store.back = True
    [settled] = await world.jobs.recover()

    assert (settled.state, settled.swept) == (JobState.ROLLED_BACK, True)
    assert "2025.2.1 serves again" in settled.message
    assert "connection refused" not in settled.message
    assert (world.host.running, world.host.live.rows) == ("2025.2.1", 101)
    assert world.host.evidence == evidence
    assert not any("_before_" in each for each in world.host.databases)


@pytest.mark.parametrize("failing", [{"drop"}, {"discard sessions", "discard files"}])
@pytest.mark.parametrize("call", ["gate", "copy"], ids=["undone", "called off"])
async def test_what_cannot_be_removed_takes_nobody_away(
    journal: Journal, call: str, failing: set[str]
) -> None:
    world = world_with(journal, patch=NEVER_READY if call == "gate" else MIGRATES)
    world.host.fails = failing | {call} - {"gate"}

    with pytest.raises(UpdateFailedError, match=r"2025\.2\.1 serves again"):
        await world.update(STRAIGHT)
    evidence = dict(world.host.evidence)
    world.host.write()
    world.host.calls.clear()
    await world.jobs.recover()
    world.host.fails = set()
    [settled] = await world.jobs.recover()

    assert not {"remove", "write tag", "start"} & {*world.host.calls}
    assert (settled.state, settled.swept) == (JobState.ROLLED_BACK, True)
    assert (world.host.running, world.host.live.rows) == ("2025.2.1", 101)
    assert world.host.evidence == evidence
    assert list(world.host.databases) == [LIVE]


class HastyHost(RollHost):
    """Once the new tag is written a person's `up -d` starts the server that it had read before."""

    def call(self, name: str) -> None:
        if self.calls[-1:] == ["write tag"] and not self.running:
            self.running = "2025.2.1"
        super().call(name)


async def test_what_a_person_starts_meanwhile_is_not_served_beside_the_new_one(
    journal: Journal,
) -> None:
    host = HastyHost(behaviours={"2025.2.4": MIGRATES})
    world = world_of(journal, host=host)

    await world.update(STRAIGHT)

    assert (host.running, host.tag) == ("2025.2.4", "2025.2.4")
    assert host.live.migrations == ("0001", "new-2")


async def test_a_rollback_waits_for_docker_as_well(journal: Journal) -> None:
    world = world_with(journal, patch=MIGRATES)
    await world.update(STRAIGHT)
    world.host.outages = {"swap": 100}

    done = await world.roll_back()

    assert (done.version, done.words) == ("2025.2.1", await last_message(journal))
    assert "2025.2.1 serves again on the database as it was before" in done.words
    assert (world.host.running, world.host.tag) == ("2025.2.1", "2025.2.1")
    [job, _] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.DONE, True)
    [bad] = await journal.releases.bad(REPOSITORY)
    assert bad.reason == "the update to it was taken back by root"


async def test_redis_goes_with_the_compose_change_and_comes_back(journal: Journal) -> None:
    world = world_with_redis_going(journal)

    await world.update(replace(UPDATE, tag="2025.10.4", apply_compose=True))

    assert (world.host.running, world.host.redis) == ("2025.10.4", None)
    assert world.host.compose == "without redis"
    assert world.host.redis_kept
    await world.roll_back()
    assert (world.host.running, world.host.tag) == ("2025.2.1", "2025.2.1")
    assert world.host.live == Content()
    assert (world.host.redis, world.host.compose) == ("sessions", "as it was")


async def test_redis_goes_though_the_process_was_stopped_at_the_last_gate(
    journal: Journal,
) -> None:
    world = world_with_redis_going(journal)
    await stopped_at_the_last_gate(world)

    [job] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.DONE, True)
    assert (world.host.running, world.host.redis) == ("2025.10.4", None)


@pytest.mark.parametrize(
    ("failing", "command", "hops"),
    [
        ({"drop"}, replace(UPDATE, rehearse=False), 2),
        ({"discard sessions", "discard files"}, replace(UPDATE, rehearse=False), 2),
        ({"drop redis"}, AWAY_WITH_REDIS, 5),
    ],
)
async def test_what_cannot_be_removed_after_the_last_promotion_is_no_failure(
    journal: Journal, failing: set[str], command: RunUpdate, hops: int
) -> None:
    world = world_with_redis_going(journal)
    world.host.fails = failing

    done = await world.update(command)

    assert (done.version, done.hops, world.host.running) == (command.tag, hops, command.tag)
    [job] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.DONE, False)
    assert done.away == seconds_away(job)
    world.host.fails = set()
    [settled] = await world.jobs.recover()
    assert (settled.state, settled.swept) == (JobState.DONE, True)
    assert "not yet cleaned up" not in settled.message
    assert (world.host.redis is None) is ("drop redis" in failing)
    assert (await world.roll_back()).version == "2025.2.1"


@pytest.mark.parametrize("swaps", [True, False], ids=["at once", "in the next process"])
async def test_redis_that_asks_for_a_password_is_put_back_too(
    journal: Journal,
    swaps: bool,  # noqa: FBT001
) -> None:
    world = world_with_redis_going(journal)
    world.host.redis_asks = True
    world.host.behaviours["2025.10.4"] = replace(world.host.behaviours["2025.10.4"], holds=False)
    world.host.outages = {} if swaps else {"swap": 1_000_000}

    with pytest.raises(UpdateFailedError if swaps else RollbackFailedError):
        await world.update(AWAY_WITH_REDIS)
    world.host.away = 0
    await world.jobs.recover()

    [job] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.ROLLED_BACK, True)
    assert "2025.8.6 serves again" in job.message
    assert "log in again" not in job.message
    assert [*world.host.redis_kept] == [job.id], "what the first hop keeps is for the way back"


async def test_what_such_a_redis_has_kept_goes_though_nobody_knows_its_password(
    journal: Journal,
) -> None:
    world = world_with_redis_going(journal)
    world.host.redis_asks = True
    await stopped_at_the_last_gate(world)

    [job] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.DONE, True)
    assert [*world.host.redis_kept] == [job.id], "what the first hop keeps is for the way back"


async def test_redis_stays_where_the_compose_files_name_it_again(journal: Journal) -> None:
    world = world_with_redis_going(journal)
    world.host.fails = {"drop redis"}
    await world.update(AWAY_WITH_REDIS)
    world.host.compose, world.host.fails = "as it was", set()

    await world.jobs.recover()

    assert world.host.redis


async def test_what_redis_held_goes_with_the_way_back_though_redis_is_gone(
    journal: Journal,
) -> None:
    world = world_with_redis_going(journal)
    await world.update(AWAY_WITH_REDIS)
    [job] = await journal.jobs.jobs()
    plan = plan_of(job.plan)
    assert plan

    await UpdateKept(world.workplace, world.project).drop(plan, images=())

    assert world.host.redis is None
    assert world.host.redis_kept == {}
    assert list(world.host.databases) == [LIVE]


async def test_a_rollback_says_what_it_loses_and_keeps_that_aside(journal: Journal) -> None:
    world = world_with(journal, patch=MIGRATES)
    await world.update(PATCH)
    world.host.write()
    [update] = await journal.jobs.jobs()
    shown: list[RollbackPreview] = []

    async def look(preview: RollbackPreview) -> bool:
        shown.append(preview)
        return True

    done = await world.roll_back(ROLLBACK, look)

    [preview] = shown
    assert (preview.loses, preview.kept_hours) == (1, 72)
    assert preview.since.isoformat() == update.plan[COPIED]
    assert f"deleted since {preview.since:%Y-%m-%d %H:%M} UTC" in done.words
    assert world.host.live == Content()
    assert "1 row more and 0 fewer; rows that were changed are in no count)" in done.words
    [aside] = [name for name in world.host.databases if "_failed_" in name]
    assert world.host.databases[aside].rows == 101
    [bad] = await journal.releases.bad(REPOSITORY)
    assert bad.reason == "the update to it was taken back by root"
    with pytest.raises(RefusedError, match="no update to take back"):
        await world.roll_back()


async def test_an_update_by_another_way_than_was_agreed_to_is_not_done(journal: Journal) -> None:
    world = world_with(journal)

    with pytest.raises(RefusedError, match="has changed since"):
        await world.update(PATCH, confirmed_before("another"))

    assert world.host.running == "2025.2.1"
    [job, *_] = await journal.jobs.jobs()
    assert plan_changed(job)


@pytest.mark.parametrize("rehearse", [True, False])
async def test_a_warning_that_is_new_since_a_plan_was_agreed_to_is_shown_first(
    journal: Journal, *, rehearse: bool
) -> None:
    world, command = world_with(journal), replace(PATCH, rehearse=rehearse)
    world.clock.suffixes += ["dddd", "eeee", "ffff"]
    seen = await world.updates().preview(PATCH)
    agreed = seen if rehearse else seen.unrehearsed
    world.outposts = ("ldap",)

    with pytest.raises(RefusedError, match="has changed since"):
        await world.update(command, confirmed_before(agreed.plan_hash))

    assert world.host.running == "2025.2.1"
    [job, *_] = await journal.jobs.jobs()
    assert plan_changed(job)
    seen = await world.updates().preview(PATCH)
    assert "outposts" in [each.subject for each in seen.warnings]
    agreed = seen if rehearse else seen.unrehearsed
    await world.update(command, confirmed_before(agreed.plan_hash))
    assert world.host.running == "2025.2.4"


@pytest.mark.parametrize(
    ("before", "meanwhile", "is_done"),
    [
        pytest.param(0, 1, False, id="nothing was to be lost"),
        pytest.param(7, 80, True, id="rows were, and a few more are"),
        pytest.param(7, 7_000, False, id="rows were, and far more are"),
    ],
)
async def test_a_rollback_that_loses_more_than_was_agreed_to_is_not_done(
    journal: Journal, before: int, meanwhile: int, *, is_done: bool
) -> None:
    world = world_with(journal, patch=MIGRATES)
    await world.update(PATCH)
    for _ in range(before):
        world.host.write()
    seen = await world.rollbacks().preview(ROLLBACK)
    for _ in range(meanwhile):
        world.host.write()

    with nullcontext() if is_done else pytest.raises(RefusedError, match="has changed since"):
        await world.roll_back(ROLLBACK, confirmed_before(seen.plan_hash))

    assert world.host.running == ("2025.2.1" if is_done else "2025.2.4")
    if not is_done:
        [job, *_] = await journal.jobs.jobs()
        assert plan_changed(job)
        shown_anew = await world.rollbacks().preview(ROLLBACK)
        await world.roll_back(ROLLBACK, confirmed_before(shown_anew.plan_hash))


async def test_a_rollback_of_a_patch_without_migrations_loses_nothing(journal: Journal) -> None:
    world = world_with(journal, patch=Behaviour(notes_itself=False))
    await world.update(PATCH)
    world.host.write()

    await world.roll_back()

    assert world.host.running == "2025.2.1"
    assert world.host.live == Content(101)
    assert list(world.host.databases) == [LIVE], "its copy is of no use any more"


async def test_where_something_else_runs_since_there_is_nothing_to_take_back(
    journal: Journal,
) -> None:
    world = world_with(journal, patch=MIGRATES)
    await world.update(PATCH)
    world.host.running = world.host.tag = "2025.4.4"

    with pytest.raises(RefusedError, match="cannot be taken back any more"):
        await world.roll_back()


async def test_a_rollback_cuts_nobody_off_who_lives_in_the_server_s_network(
    journal: Journal,
) -> None:
    world = world_with(journal, patch=MIGRATES)
    await world.update(STRAIGHT)
    world.host.calls.clear()
    world.guests = ("sidecar",)

    with pytest.raises(RefusedError, match='"sidecar" lives in the network') as refused:
        await world.roll_back()

    assert "Nothing was changed: what served still serves" in str(refused.value)
    assert "docker compose up -d --force-recreate sidecar" in refused.value.hint
    assert "remove" not in world.host.calls
    world.guests = ()
    assert (await world.roll_back()).version == "2025.2.1"


async def test_a_rollback_is_refused_where_the_store_is_away(journal: Journal) -> None:
    world = world_with(journal, patch=MIGRATES)
    await world.update(STRAIGHT)
    world.host.calls.clear()
    world.store.fail_put_at = 0

    with pytest.raises(RefusedError, match=r"Nothing was changed: what served") as refused:
        await world.roll_back()

    assert "--no-safety-backup" in refused.value.hint
    assert "remove" not in world.host.calls
    assert world.host.running == "2025.2.4"
    [job, _] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)
    world.store.fail_put_at = None
    assert (await world.roll_back()).version == "2025.2.1"


@pytest.mark.parametrize(
    ("compose_kept", "compose", "words"),
    [
        ({}, "without redis", "is not kept any more"),  # somebody has tidied the folder up
        (None, "?", "yaml"),  # somebody is in the middle of an edit
    ],
)
async def test_a_rollback_is_refused_where_the_compose_files_cannot_be_put_back(
    journal: Journal, compose_kept: dict[str, str] | None, compose: str, words: str
) -> None:
    world = world_with_redis_going(journal)
    await world.update(AWAY_WITH_REDIS)
    world.host.compose = compose
    if compose_kept is not None:
        world.host.compose_kept = compose_kept
    world.host.calls.clear()

    with pytest.raises(RefusedError, match=words):
        await world.rollbacks().preview(ROLLBACK)
    with pytest.raises(RefusedError, match=words) as refused:
        await world.roll_back()

    assert "Nothing was changed" in refused.value.in_full()

    assert "remove" not in world.host.calls


async def test_a_look_at_a_rollback_is_refused_where_docker_is_away(journal: Journal) -> None:
    world = world_with(journal, patch=MIGRATES)
    await world.update(STRAIGHT)
    world.host.outages = {"names": 1}

    with pytest.raises(RefusedError, match=r"does not answer\. Nothing was changed: what served"):
        await world.rollbacks().preview(ROLLBACK)


async def test_a_rollback_that_cannot_clean_up_takes_nobody_away_again(journal: Journal) -> None:
    world = world_with(journal, patch=Behaviour(notes_itself=False))
    await world.update(STRAIGHT)
    world.host.fails = {"drop"}

    done = await world.roll_back()
    world.host.write()
    world.host.calls.clear()
    await world.jobs.recover()
    world.host.fails = set()
    await world.jobs.recover()

    assert done.version == "2025.2.1"
    assert not {"remove", "write tag", "start"} & {*world.host.calls}
    assert (world.host.running, world.host.live.rows) == ("2025.2.1", 101)
    [job, _] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.DONE, True)
    assert list(world.host.databases) == [LIVE]
