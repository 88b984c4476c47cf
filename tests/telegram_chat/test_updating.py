"""`/update`: a way, a question, one job; and nothing on any other way."""

from datetime import timedelta

import pytest

from bot.domain.errors import PortError, RefusedError, UnfitError
from bot.domain.hop_demands import demands_into
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup, RunUpdate
from bot.domain.updated import Prediction
from bot.domain.versions import Family, Version
from tests.telegram_chat.rolls import DIFF, NEEDS_COMPOSE, begun, hops, make_update, way
from tests.telegram_chat.world import ANNA, World

WITH_COMPOSE, UNREHEARSED = "Change the compose file too …", "Without rehearsal …"
YES, NO = "Yes, without rehearsal", "No, leave all as it is"


@pytest.fixture
def world(world: World) -> World:
    world.rolls.update = make_update()
    return world


async def test_how_long_it_may_take_is_told_where_that_is_known(world: World) -> None:
    world.rolls.update = make_update(away=Prediction(74, "the last update here"))
    async with world.talking():
        plan = await way(world)

    assert "nobody can log in; about 1 min 14 s, going by the last update here." in plan.text


@pytest.mark.parametrize(("text", "tag"), [("/update", ""), ("/update 2025.4.4", "2025.4.4")])
async def test_the_way_is_shown_and_the_job_is_bound_to_it(
    world: World, text: str, tag: str
) -> None:
    async with world.talking():
        plan = await way(world, text)
        assert plan.labels == ["Update", UNREHEARSED, "No"]
        assert "Update Authentik 2025.2.1 to 2025.4.4?" in plan.text
        assert "2. 2025.2.4 → 2025.4.4" in plan.text
        assert "releases/tag/version%2F2025.4.4" in plan.text
        assert "about 2 min 0 s (an estimate; the rehearsal measures it)." in plan.text
        assert world.operations.commands == []
        world.anna.presses(plan, "Update")
        command = await begun(world)
        await world.said("Update to 2025.4.4 is running")

    (asked,) = world.rolls.asked
    assert isinstance(asked, RunUpdate)
    assert isinstance(command, RunUpdate)
    assert asked.tag == tag
    assert command == RunUpdate(
        trigger=Trigger.CHAT,
        actor="Anna (42)",
        origin=f"telegram:4242:{ANNA}:0:{plan.id}",
        label="2025.4.4",
        tag="2025.4.4",
        agreed=make_update().plan_hash,
    )


async def test_two_presses_begin_one_update(world: World) -> None:
    async with world.talking():
        plan = await way(world)
        world.anna.presses(plan, "Update")
        world.anna.presses(plan, "Update", stale=True)
        await begun(world)
        await world.all_handled()

    assert len(world.operations.starts) == 1


async def test_without_a_rehearsal_only_after_a_second_question(world: World) -> None:
    async with world.talking():
        plan = await way(world)
        world.anna.presses(plan, UNREHEARSED)
        last = await world.said("without trying it on a copy first?")
        assert last.labels == [NO, YES], "the dangerous one is where the harmless one was"
        assert world.operations.starts == []
        world.anna.presses(last, YES)
        command = await begun(world)

    assert isinstance(command, RunUpdate)
    assert not command.rehearse
    assert command.agreed == make_update(rehearse=False).plan_hash


@pytest.mark.parametrize("at_last", [False, True])
async def test_no_means_no(world: World, *, at_last: bool) -> None:
    async with world.talking():
        asked = await way(world)
        label = "No"
        if at_last:
            world.anna.presses(asked, UNREHEARSED)
            asked, label = await world.said("without trying it on a copy"), NO
        world.anna.presses(asked, label)
        await world.telegram.until(lambda: f"Anna chose: {label}" in asked.text)
        await world.all_handled()

    assert world.operations.starts == []


async def test_after_two_minutes_it_is_too_late(world: World) -> None:
    async with world.talking():
        plan = await way(world)
        await world.all_handled()
        world.clock.advance(121)
        world.anna.presses(plan, "Update")
        await world.telegram.until(lambda: "the question has expired" in plan.text)
        await world.all_handled()

    assert world.operations.starts == []


async def test_nobody_else_can_agree(world: World) -> None:
    group = world.telegram.supergroup()
    async with world.talking():
        plan = await way(world, chat=group)
        query = world.boris.presses(plan, "Update")
        await world.telegram.until(lambda: world.telegram.queries[query].notice)

    notice = world.telegram.queries[query].notice
    assert notice
    assert notice.text == "This question is for somebody else."
    assert world.operations.starts == []


async def test_the_change_of_the_compose_files_is_shown_before_it_is_agreed_to(
    world: World,
) -> None:
    world.rolls.update = make_update(warnings=(NEEDS_COMPOSE,), diff=DIFF)
    async with world.talking():
        plan = await way(world)
        assert plan.labels == ["Update", WITH_COMPOSE, UNREHEARSED, "No"]
        assert "shared memory" in plan.text
        assert "shm_size: 512mb\n" not in plan.text
        world.anna.presses(plan, WITH_COMPOSE)
        changed = await world.said("The compose files are changed")
        assert "+    shm_size: 512mb" in changed.text
        assert changed.labels == ["Update", UNREHEARSED, "No"]
        assert world.operations.starts == []
        world.anna.presses(changed, "Update")
        command = await begun(world)

    assert isinstance(command, RunUpdate)
    assert command.apply_compose
    assert command.agreed == make_update(diff=DIFF).plan_hash


async def test_where_only_the_compose_files_are_in_the_way_their_change_is_offered(
    world: World,
) -> None:
    world.rolls.update = make_update(diff=DIFF)
    world.rolls.unfit = UnfitError("the stack is not fit: compose", by_compose=True)
    async with world.talking():
        plan = await way(world)

    assert "The compose files are changed" in plan.text
    assert [each.apply_compose for each in world.rolls.asked if isinstance(each, RunUpdate)] == [
        *(False, True)
    ]


async def test_what_refuses_it_is_told_with_what_to_do(world: World) -> None:
    hint = "Start it: docker compose up -d redis"
    world.rolls.failure = UnfitError("the stack is not fit for <2025.4.4>: redis", hint=hint)
    async with world.talking():
        world.anna.says("/update")
        answer = await world.said("Not now")

    assert "the stack is not fit for <2025.4.4>: redis." in answer.text
    assert hint in answer.text
    assert not answer.labels


async def test_held_back(world: World) -> None:
    words = "2025.4.4 is known since 2026-11-24 09:00 UTC only. Nothing was changed"
    world.rolls.failure = RefusedError(words, hint="Wait, or set AKBOT_UPDATE_MINIMUM_AGE.")
    async with world.talking():
        world.anna.says("/update")
        answer = await world.said("is known since")

    assert "2025.4.4 is known since 09:00 (3 h ago) only." in answer.text
    assert "AKBOT_UPDATE_MINIMUM_AGE" in answer.text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("/update", "✅ 2025.4.4 runs: there is nothing newer to update to."),
        ("/update 2025.4.4", "✅ Authentik 2025.4.4 runs already."),
    ],
)
async def test_nothing_newer_is_one_friendly_line(world: World, text: str, line: str) -> None:
    world.rolls.update = None
    async with world.talking():
        world.anna.says(text)
        answer = await world.said("✅")

    assert answer.text == line


async def test_a_registry_that_is_away(world: World) -> None:
    world.rolls.failure = PortError("ask the registry: it does not answer", retryable=True)
    async with world.talking():
        world.anna.says("/update")
        await world.said("That did not work: ask the registry")
        await world.all_handled()

    assert world.operations.starts == []


@pytest.mark.parametrize(
    "words",
    [
        "latest",
        "2025.4",
        "2025.4.4 --no-rehearsal",
        "<b>2025.4.4</b>",
        "$(reboot)",
        "9" * 10_000,
        "2025.4.4\n2025.2.4",
    ],
)
async def test_words_that_name_no_version(world: World, words: str) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, f"/update {words[:4000]}")

    assert "Nothing was changed" in answer.text
    assert len(answer.text) < 400
    assert world.rolls.asked == []


async def test_while_a_job_runs_nobody_is_asked(world: World) -> None:
    world.operations.begin(RunBackup(trigger=Trigger.SCHEDULE, actor="schedule"))
    async with world.talking():
        answer = await world.asks(world.anna, "/update")

    assert "Not now: backup since" in answer.text
    assert world.rolls.asked == []


async def test_a_restart_between_the_plan_and_the_press(world: World) -> None:
    async with world.talking():
        plan = await way(world)
        await world.all_handled()
    async with world.talking():
        world.anna.presses(plan, "Update")
        await begun(world)

    assert len(world.operations.starts) == 1


async def test_what_was_not_run_is_asked_anew_at_a_press(world: World) -> None:
    async with world.talking():
        world.anna.presses(await way(world), "Update")
        await begun(world)
        world.operations.end(JobState.FAILED, "the store is full")
        outcome = await world.said("Update to 2025.4.4 not done")
        assert outcome.labels == ["Show me the plan anew", "Status"]
        world.rolls.update = make_update(current="2025.2.4")
        world.anna.presses(outcome, "Show me the plan anew")
        await world.said("Update Authentik 2025.2.4 to 2025.4.4?")

    assert [each.tag for each in world.rolls.asked if isinstance(each, RunUpdate)] == [
        *("", "2025.4.4")
    ]


async def test_a_long_plan_is_cut_to_the_phone_and_comes_whole_as_a_document(
    world: World,
) -> None:
    diff = "\n".join([DIFF, *(f"+  line {number} <&> {'x' * 60}" for number in range(200))])
    way_there = [Version(2025, month, 9) for month in (2, 4, 6, 8, 10, 12)]
    demands = sum(len(demands_into(Family(each.year, each.month))) for each in way_there[1:])
    assert demands > 12
    long = tuple(f"https://{number}.example.org (no answer)" for number in range(50))
    world.rolls.update = make_update(hops=hops(*way_there), diff=diff, not_checked=long)
    world.rolls.unfit = UnfitError("compose", by_compose=True)
    async with world.talking():
        world.anna.says("/update")
        document = await world.said("All about the way to 2025.4.4")
        plan = await world.said("This question stands")

    assert len(plan.text) <= 4000
    assert document.file
    assert document.file.name == "update-2025.4.4.txt"
    assert "line 199 <&>" in document.file.content.decode()
    assert "❗ must: Redis must run" in plan.text
    assert "Not checked afterwards" in plan.text


async def test_an_update_is_offered_again_after_an_absence(world: World) -> None:
    async with world.talking(listening=False):
        world.anna.says("/update", age=timedelta(minutes=5))
        await world.said("while I was away")

    assert world.rolls.asked == []
