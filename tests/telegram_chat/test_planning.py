"""What begins by itself, and how people hold it back."""

import re
from datetime import timedelta

from bot.domain.errors import ConfigError, RefusedError
from bot.domain.pause import Pause
from tests.telegram_chat.restores import NEWEST
from tests.telegram_chat.world import NOW, World


async def test_the_next_moments_are_shown_and_what_is_off(world: World) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, "/schedule")

    assert answer.text.splitlines() == [
        (
            "Backup: 25 Nov 03:30 (in 15 h 30 min), 26 Nov 03:30 (in 39 h 30 min),"
            " 27 Nov 03:30 (in 2 days 15 h)"
        ),
        "Drill: off (AKBOT_DRILL_SCHEDULE)",
    ]


async def test_a_pause_has_a_length_and_says_when_it_ends(world: World) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, "/pause 2h")
        assert answer.text.startswith("⏸ Paused until 14:00 (in 2 h 0 min).")
        assert world.pause.found == Pause(NOW, "planned work, says Anna", NOW + timedelta(hours=2))
        seen = await world.asks(world.boris, "/schedule")
        assert (
            "⏸ Paused until 14:00 (in 2 h 0 min): planned work, says Anna. /resume ends it."
            in seen.text
        )
        later = await world.asks(world.boris, "/resume tomorrow")
        assert "/resume ends the pause, at once. Send it without words" in later.text
        assert world.pause.found is not None
        ended = await world.asks(world.boris, "/resume")
        assert ended.text.startswith("▶️ All goes on.")
        assert world.pause.found is None
        again = await world.asks(world.boris, "/resume")
        assert again.text == "Nothing was paused."


async def test_who_held_what_back_is_listed_with_the_jobs(world: World) -> None:
    world.operations.records = [NEWEST]
    group = world.telegram.supergroup()
    async with world.talking():
        await world.asks(world.anna, "/backup")
        world.operations.end()
        await world.said("Backup done")
        world.clock.advance(60)
        for command in ("/pause 2h", "/resume", "/mute 30m"):
            await world.asks(world.olga, command, group)
        await world.asks(world.anna, f"/pin {NEWEST.id}")
        await world.asks(world.anna, "/pause soon")  # which was no order
        listed = await world.asks(world.vera, "/jobs")

    told = re.sub(r" \(.*?\)", "", listed.text).splitlines()
    assert told[:8] == [
        f"✅ done: pin {NEWEST.id}, 12:01",
        "   asked for by Anna",
        "✅ done: mute 30m, 12:01",
        f"   asked for by Olga in group {group.id}",
        "✅ done: resume, 12:01",
        f"   asked for by Olga in group {group.id}",
        "✅ done: pause 2h, 12:01",
        f"   asked for by Olga in group {group.id}",
    ]
    assert told[8].startswith("✅ done: backup 12:00")
    assert len(listed.labels) == 1, "of what was done at once there is no more to see"


async def test_what_was_asked_for_in_vain_is_listed_with_its_reason(world: World) -> None:
    world.operations.records = [NEWEST]
    async with world.talking():
        shown = await world.asks(world.anna, "/backups")
        world.anna.presses(shown, shown.labels[0])
        await world.telegram.until(lambda: "Pin" in shown.labels)
        await world.all_handled()
        world.operations.failure = RefusedError("the store <says> no", hint="Ask again.")
        world.anna.presses(shown, "Pin")
        await world.said("the store <says> no")
        listed = await world.asks(world.vera, "/jobs")

    assert listed.text.startswith(f"❌ failed: pin {NEWEST.id}, 12:00")
    assert listed.text.endswith("Reason: the store <says> no")
    assert listed.labels == []


async def test_a_pause_of_no_length_asks_for_one(world: World) -> None:
    async with world.talking():
        for words in ("soon", "8d", "until 2026-11-24 11:59", "until 2026-13-01 08:00"):
            answer = await world.asks(world.anna, f"/pause {words}")
            assert answer.text.startswith("For how long? /pause 2h")

    assert world.pause.found is None


async def test_a_mark_that_cannot_be_read_is_said(world: World) -> None:
    world.pause.fails = ConfigError("the mark is damaged", hint="Remove it.")
    async with world.talking():
        for command in ("/pause 2h", "/schedule"):
            answer = await world.asks(world.anna, command)
            assert "the mark is damaged" in answer.text
