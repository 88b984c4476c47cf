"""A group that becomes a supergroup has another number, and is followed everywhere."""

from dataclasses import replace
from pathlib import Path

from bot.domain.jobs import JobState
from bot.domain.roles import ChatPlace
from tests.bot_api.chats import Chat
from tests.telegram_chat.rolls import SWAPS, make_rollback, make_update
from tests.telegram_chat.samples import record
from tests.telegram_chat.world import World

OLD, NEW = -77, -100_77


async def moved(world: World, group: Chat) -> Chat:
    supergroup = world.anna.upgrades(group, NEW)
    await world.all_handled()
    return supergroup


async def test_a_group_that_was_named_is_still_listened_to(world: World) -> None:
    world.groups = frozenset({ChatPlace(OLD)})
    group, other = world.telegram.group(OLD), world.telegram.group(-78)
    async with world.talking():
        await world.asks(world.vera, "/help", group)
        supergroup = await moved(world, group)
        await world.asks(world.vera, "/help", supergroup)
        world.vera.says("/help", world.anna.upgrades(other, -100_78))
        await world.all_handled()
        await world.all_sent()
    async with world.talking():
        await world.asks(world.vera, "/version", supergroup)

    assert world.telegram.chat(-100_78).from_bot == []
    assert await world.moves.known() == {OLD: NEW, -78: -100_78}


async def test_a_question_is_put_anew_and_counts_once(world: World) -> None:
    world.rolls.update = make_update()
    group = world.telegram.group(OLD)
    async with world.talking():
        world.anna.says("/update", group)
        before = await world.said("This question stands until", group)
        await world.all_sent()
        supergroup = await moved(world, group)
        plan = await world.said("This question stands until", supergroup)
        assert plan.labels == before.labels
        world.anna.presses(plan, "Update")
        await world.telegram.until(lambda: world.operations.commands)
        await world.telegram.until(lambda: not plan.labels)
        world.operations.end(JobState.DONE, "2025.4.4 serves")
        await world.said("Update to 2025.4.4 done", supergroup)

    assert len(world.operations.starts) == 1


async def test_what_was_asked_before_the_move_is_answered_under_the_old_message(
    world: World,
) -> None:
    world.rolls.update = make_update()
    world.groups = frozenset({ChatPlace(OLD)})
    group = world.telegram.group(OLD)
    async with world.talking():
        world.anna.says("/update", group)
        before = await world.said("This question stands until", group)
        await world.all_sent()
        supergroup = await moved(world, group)
        plan = await world.said("This question stands until", supergroup)
        theirs = world.boris.presses(before, "Update")
        await world.telegram.until(lambda: world.telegram.queries[theirs].notice)
        assert not world.operations.commands
        world.anna.presses(before, "Update")
        await world.telegram.until(lambda: world.operations.commands)
        await world.telegram.until(lambda: not plan.labels)
        world.operations.end(JobState.DONE, "2025.4.4 serves")
        await world.said("Update to 2025.4.4 done", supergroup)

    notice = world.telegram.queries[theirs].notice
    assert notice
    assert notice.text == "This question is for somebody else."
    assert len(world.operations.starts) == 1


async def test_a_list_from_before_the_move_says_that_it_is_one(world: World) -> None:
    world.operations.records = [record(hours) for hours in range(1, 15)]
    group = world.telegram.group(OLD)
    async with world.talking():
        shown = await world.asks(world.anna, "/backups", group)
        await world.all_sent()
        supergroup = await moved(world, group)
        query = world.anna.presses(shown, "Older →")
        notice = await world.telegram.until(lambda: world.telegram.queries[query].notice)
        assert notice.text == (
            "This message is from before the group moved. Send the command again."
        )
        again = await world.asks(world.anna, "/backups", supergroup)
        assert again.labels == shown.labels


async def test_a_word_is_typed_where_the_group_is_now(world: World) -> None:
    world.rolls.rollback = make_rollback(change=SWAPS, written=9)
    group = world.telegram.group(OLD)
    async with world.talking():
        world.anna.says("/rollback", group)
        await world.said("reply to this message with the word", group)
        await world.all_sent()
        supergroup = await moved(world, group)
        asked = await world.said("reply to this message with the word", supergroup)
        world.anna.says("rollback", supergroup, reply_to=asked)
        await world.telegram.until(lambda: world.operations.commands)


async def test_an_outcome_finds_the_group_after_a_restart(world: World) -> None:
    group = world.telegram.group(OLD)
    async with world.talking():
        await world.asks(world.anna, "/backup", group)
        supergroup = await moved(world, group)
        await world.all_sent()
    async with world.talking():
        await world.all_handled()
        world.operations.end()
        await world.said("Backup done", supergroup)

    assert not group.saying("Backup done")


async def test_a_move_that_only_a_refused_message_tells_is_remembered(world: World) -> None:
    """The update with the news may have been lost with another bot's token, or in an absence."""
    group = world.telegram.group(OLD)
    async with world.talking():
        await world.asks(world.anna, "/backup", group)
        await world.all_sent()
        supergroup = world.telegram.supergroup(NEW)
        group.upgraded_to = NEW
        world.operations.end()
        await world.said("Backup done", supergroup)
        await world.all_sent()

    assert await world.moves.known() == {OLD: NEW}


async def test_a_message_that_has_the_number_of_an_old_one_is_not_edited(world: World) -> None:
    """The supergroup numbers its messages anew; that it is one only the refused edit tells."""
    group = world.telegram.group(OLD)
    async with world.talking():
        progress = await world.asks(world.anna, "/backup", group)
        await world.all_sent()
        supergroup = world.telegram.supergroup(NEW)
        group.upgraded_to = NEW
        twin = replace(progress, chat=supergroup, versions=progress.versions[-1:])
        supergroup.all_messages.append(twin)
        world.operations.end()
        await world.said("Backup done", supergroup)
        await world.all_sent()

    assert "Backup is running" in twin.text
    assert not twin.edits


async def test_an_outcome_that_was_also_stopped_where_the_group_is_now_is_told_once(
    world: World,
) -> None:
    group = world.telegram.group(OLD)
    async with world.talking():
        await world.asks(world.anna, "/backup", group)
        await world.all_sent()
        supergroup = await moved(world, group)
        await world.asks(world.anna, "/cancel", supergroup)
        job = world.operations.end(JobState.CANCELLED, "stopped by Anna")
        await world.said("Backup cancelled", supergroup)
        await world.all_sent()

    outcomes = [each.message.chat for each in await world.outbox.named(f"outcome:{job.id}")]
    assert outcomes == [NEW]


async def test_of_whoever_moved_it_there_is_nothing_in_the_journal(
    world: World, tmp_path: Path
) -> None:
    group = world.telegram.group(OLD, "my-secret-title")
    async with world.talking():
        world.stranger.upgrades(group, NEW)
        await world.all_handled()

    files = list((tmp_path / "state").glob("journal.db*"))
    kept = b"".join(file.read_bytes() for file in files)
    assert b"migrate_to_chat_id" in kept
    assert b"Mallory" not in kept
    assert b"my-secret-title" not in kept
    assert await world.moves.known() == {OLD: NEW}


async def test_a_new_message_in_the_supergroup_is_no_old_one(world: World) -> None:
    """It numbers its messages anew: what has the number of an old one is asked for all the same."""
    group = world.telegram.group(OLD)
    async with world.talking():
        first = world.anna.says("/status", group)
        await world.telegram.until(lambda: group.from_bot)
        supergroup = await moved(world, group)
        again = first.json() | {"chat": supergroup.json()}
        world.telegram.updates.add("message", again)
        await world.telegram.until(lambda: supergroup.from_bot)
