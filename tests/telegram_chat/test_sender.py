import asyncio

import pytest

from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup
from bot.services.journal_ports import Message
from tests.bot_api.faults import (
    Hold,
    answer_lost,
    bad_gateway,
    dropped,
    malformed,
    server_error,
    too_many,
)
from tests.telegram_chat.world import ANNA, BORIS, World

REPEAT = "(perhaps a repeat)"


async def write(world: World, *texts: str, chat: int = ANNA, thread: int | None = None) -> None:
    for text in texts:
        message = Message(key=f"{chat} {text}", chat=chat, thread=thread, text=text)
        assert await world.outbox.put(message, world.clock.now())


async def test_messages_arrive_in_order(world: World) -> None:
    await write(world, *(f"no {number}" for number in range(8)))
    async with world.talking():
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 8)

    assert world.anna.chat.texts == [f"no {number}" for number in range(8)]


async def test_a_lost_answer_is_a_repeat_that_says_so(world: World) -> None:
    await write(world, "hello")
    world.telegram.fail("sendMessage", answer_lost)
    async with world.talking():
        await world.eventually(lambda: len(world.anna.chat.from_bot) == 2)

    assert world.anna.chat.texts == ["hello", f"hello\n{REPEAT}"]


async def test_a_kill_inside_a_send_repeats_it_after_the_restart_and_says_so(world: World) -> None:
    await write(world, "hello", "world")
    hold = Hold(then=answer_lost)
    world.telegram.fail("sendMessage", hold)
    async with world.talking():
        await world.telegram.until(lambda: world.telegram.seen("sendMessage"))
    hold.release()
    await world.telegram.until(lambda: world.anna.chat.from_bot)

    async with world.talking():
        await world.eventually(lambda: len(world.anna.chat.from_bot) == 3)

    assert world.anna.chat.texts == ["hello", f"hello\n{REPEAT}", "world"]


@pytest.mark.parametrize("fault", [server_error, bad_gateway, dropped])
async def test_what_may_have_arrived_is_marked(world: World, fault: object) -> None:
    await write(world, "hello")
    world.telegram.fail("sendMessage", fault, times=3)  # type: ignore[arg-type]
    async with world.talking():
        await world.eventually(lambda: world.anna.chat.from_bot)

    assert world.anna.chat.texts == [f"hello\n{REPEAT}"]


async def test_a_doubt_is_not_forgotten_over_a_refusal(world: World) -> None:
    await write(world, "hello")
    world.telegram.fail("sendMessage", answer_lost)
    world.telegram.fail("sendMessage", too_many(3), times=2)
    async with world.talking():
        await world.eventually(lambda: len(world.anna.chat.from_bot) == 2)

    assert world.anna.chat.texts == ["hello", f"hello\n{REPEAT}"]


async def test_an_answer_broken_off_is_a_repeat(world: World) -> None:
    await write(world, "hello")
    world.telegram.fail("sendMessage", malformed)
    async with world.talking():
        await world.eventually(lambda: len(world.anna.chat.from_bot) == 2)

    assert world.anna.chat.last.text.endswith(REPEAT)


async def test_too_many_requests_keeps_one_chat_waiting_and_no_other(world: World) -> None:
    await write(world, "for anna")
    await write(world, "for boris", chat=BORIS)
    world.telegram.fail("sendMessage", too_many(30), chat=ANNA)
    async with world.talking():
        await world.telegram.until(lambda: world.boris.chat.from_bot)
        assert world.anna.chat.from_bot == []
        world.clock.advance(29)
        await world.asks(world.boris, "/help")
        assert world.anna.chat.from_bot == []
        world.clock.advance(2)
        await world.telegram.until(lambda: world.anna.chat.from_bot)

    assert world.anna.chat.texts == ["for anna"]


async def test_refused_connections_are_tried_for_hours(world: World) -> None:
    async with world.talking():
        world.telegram.down()
        await write(world, "hello")
        await world.eventually(lambda: world.clock.now().hour >= 15, seconds=600)
        world.telegram.up()
        await world.eventually(lambda: world.anna.chat.from_bot, seconds=600)

    assert world.anna.chat.texts == ["🕰 From 12:00 (3 h ago)\nhello"]


async def test_many_old_messages_become_one(world: World) -> None:
    await write(world, *(f"<b>no {number}</b>" for number in range(7)))
    world.clock.advance(hours=3)
    await write(world, "a new one")
    async with world.talking():
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 2)
        await world.all_sent()

    merged, new = world.anna.chat.texts
    head, *rest = merged.split("\n\n")
    assert head == "7 things happened while I was away:"
    assert rest == [f"12:00 (3 h ago)\nno {number}" for number in range(7)]
    assert new == "a new one"


async def test_old_messages_too_long_for_one_come_in_several(world: World) -> None:
    await write(world, *(f"{number}" * 1500 for number in range(8)))
    world.clock.advance(hours=3)
    async with world.talking():
        await world.eventually(lambda: "7" * 1500 in "".join(world.anna.chat.texts))

    assert ["(1 to 2):" in text for text in world.anna.chat.texts] == [True, False, False, False]
    assert world.anna.chat.last.text.startswith("8 things happened while I was away (7 to 8):")
    assert "".join(world.anna.chat.texts).count("0" * 1500) == 1


async def test_what_cannot_arrive_is_told_to_the_others(world: World) -> None:
    world.boris.blocks_bot()
    await write(world, "for <i>boris</i>", "and more", chat=BORIS)
    await write(world, "nobody knows this chat", chat=-100)
    async with world.talking():
        await world.eventually(lambda: len(world.anna.chat.from_bot) == 5)
        await world.all_sent()

    assert world.boris.chat.from_bot == []
    told = "\n".join(world.anna.chat.texts)
    assert "A message for chat 43 could not be delivered: " in told
    assert "could not be delivered: they have blocked this bot." in told
    assert "for boris" in told


async def test_questions_and_documents_are_never_merged_away(world: World) -> None:
    yes = ((("Yes", "q:x:0"),),)
    question = Message(key="question:x", chat=ANNA, text="Sure?", buttons=yes)
    document = Message(key="details:x", chat=ANNA, text="All of it", document=("x.txt", "all"))
    await write(world, "no 0", "no 1", "no 2")
    for message in (question, document):
        await world.outbox.put(message, world.clock.now())
    await write(world, "no 3", "no 4", "no 5")
    world.clock.advance(hours=3)
    async with world.talking():
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 4)
        await world.all_sent()

    before, asked, sent, after = world.anna.chat.from_bot
    assert [f"no {number}" in before.text for number in range(6)] == [True] * 3 + [False] * 3
    assert asked.labels == ["Yes"]
    assert sent.file
    assert [f"no {number}" in after.text for number in range(6)] == [False] * 3 + [True] * 3


async def test_each_topic_has_its_own_merged_message(world: World) -> None:
    group = world.telegram.supergroup(topics={7: "Ops", 8: "Dev"})
    for number in range(6):
        await write(world, f"ops {number}", chat=group.id, thread=7)
        await write(world, f"dev {number}", chat=group.id, thread=8)
    world.clock.advance(hours=3)
    async with world.talking():
        await world.telegram.until(lambda: len(group.from_bot) == 2)
        await world.all_sent()

    assert [(each.thread, each.text.count("ops")) for each in group.from_bot] == [(7, 6), (8, 0)]


async def test_what_came_merged_is_not_edited_away_by_one_of_it(world: World) -> None:
    again = ((("Try again", "r:x"),),)
    for number in range(6):
        key = f"outcome:{number}"
        message = Message(key=key, chat=ANNA, text=f"no {number}", buttons=again)
        await world.outbox.put(message, world.clock.now())
    world.clock.advance(hours=3)
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        await world.all_sent()
        await world.outbox.change("outcome:3", "no 3")
        await world.asks(world.anna, "/help")
        await world.all_sent()

    merged = world.anna.chat.from_bot[0]
    assert merged.edits == []
    assert merged.labels == ["Try the last again", "Status", "Jobs"]
    assert "Their own buttons are gone. Those below are about how things are now" in merged.text


async def failed_backups(world: World, number: int, *, last: JobState = JobState.FAILED) -> None:
    """So many of them while the bot was away for hours, by Anna, of which the last ended so."""
    for each in range(number):
        world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root", label=f"no {each}"))
        is_last = each == number - 1
        world.operations.end(last if is_last else JobState.FAILED, f"reason {each}")
        world.clock.advance(1)
    world.clock.advance(hours=3)


async def test_of_what_came_merged_the_last_failure_is_tried_again_once(world: World) -> None:
    await failed_backups(world, 7)
    async with world.talking():
        merged = await world.said("7 things happened while I was away")
        told = await world.said("7 things happened while I was away", world.boris.chat)
        await world.all_sent()
        world.anna.presses(merged, "Try the last again")
        await world.telegram.until(lambda: world.operations.commands)
        await world.eventually(lambda: not merged.labels and not told.labels)
        world.boris.presses(told, "Try the last again", stale=True)
        await world.all_handled()

    assert [each.label for each in world.operations.commands] == ["no 6"]
    assert "reason 0" in merged.text


async def test_what_was_mended_while_nobody_was_told_is_not_offered_again(world: World) -> None:
    buttons = ((("Try again", "r:20261124T120000Z-aaaa"),),)
    for number in range(6):
        text, ended_well = f"no {number}", number == 5
        message = Message(
            key=f"outcome:{number}", chat=ANNA, text=text, buttons=() if ended_well else buttons
        )
        await world.outbox.put(message, world.clock.now())
    world.clock.advance(hours=3)
    async with world.talking():
        merged = await world.said("6 things happened while I was away")

    assert merged.labels == ["Status", "Jobs"]


async def test_what_came_merged_leads_to_the_jobs_and_stays_to_be_read(world: World) -> None:
    await failed_backups(world, 6)
    async with world.talking():
        merged = await world.said("6 things happened while I was away")
        world.anna.presses(merged, "Jobs")
        listed = await world.said("Press one, or send /jobs")

    assert listed is not merged
    assert merged.edits == []


@pytest.mark.parametrize(
    ("long", "labels"),
    [
        pytest.param(7, [["Status", "Jobs"], ["Try again"]], id="it keeps the way that it has"),
        pytest.param(3, [[], ["Try again"], ["Try the last again", "Status", "Jobs"]], id="amid"),
    ],
)
async def test_a_message_that_fills_one_takes_no_ways_on_from_those_that_came_merged(
    world: World, long: int, labels: list[list[str]]
) -> None:
    again = ((("Try again", "r:x"),),)
    for number in range(8):
        text = "long " * 810 if number == long else f"no {number}"
        message = Message(key=f"outcome:{number}", chat=ANNA, text=text, buttons=again)
        await world.outbox.put(message, world.clock.now())
    world.clock.advance(hours=3)
    async with world.talking():
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == len(labels))
        await world.all_sent()

    told = world.anna.chat.from_bot
    assert [each.labels for each in told] == labels
    gone = ["Their own buttons are gone" in each.text for each in told]
    assert gone == ["Status" in each for each in labels]


async def test_after_a_429_between_two_pages_the_count_goes_on(world: World) -> None:
    await write(world, *(f"{number}" * 1500 for number in range(8)))
    world.clock.advance(hours=3)
    world.telegram.fail("sendMessage", too_many(40), skip=2)
    async with world.talking():
        await world.eventually(lambda: "7" * 1500 in "".join(world.anna.chat.texts))
        await world.all_sent()
        world.telegram.down()  # else those that are quick leave before the hours are over
        await write(world, *(f"later {number}" for number in range(6)))
        world.clock.advance(hours=3)
        world.telegram.up()
        await world.said("6 things happened while I was away:")

    heads = [text.split(":")[0].partition(" (")[2] for text in world.anna.chat.texts]
    assert heads == ["1 to 2)", "3 to 4)", "5 to 6)", "7 to 8)", ""]
    assert [len(each.labels) for each in world.anna.chat.from_bot] == [0, 0, 0, 2, 2]


async def test_one_who_has_blocked_the_bot_is_noticed_and_said_once_over_any_restart(
    world: World,
) -> None:
    world.boris.blocks_bot()
    for number in range(3):
        async with world.talking():
            for part in range(3):
                await write(world, f"alarm {number}.{part}", chat=BORIS)
            last = f"alarm {number}.2"
            await world.eventually(lambda said=last: world.anna.chat.saying(said))  # type: ignore[misc]
            await world.all_sent()

    notices = [text for text in world.anna.chat.texts if "I cannot write to user 43" in text]
    assert len(notices) == 1
    assert "they have blocked this bot. No alarm arrives there until they unblock it" in notices[0]
    tried = [each for each in world.telegram.seen("sendMessage") if each.number("chat_id") == BORIS]
    assert len(tried) == 3, "one for each start, not one for each message"


async def test_whoever_comes_back_is_written_to_and_missed_again_when_gone_again(
    world: World,
) -> None:
    async with world.talking():
        world.boris.blocks_bot()
        await write(world, "first", chat=BORIS)
        await world.eventually(lambda: world.anna.chat.saying("It said:\n\nfirst"))
        world.boris.unblocks_bot()
        await world.asks(world.boris, "/help")
        await write(world, "second", chat=BORIS)
        await world.eventually(lambda: world.boris.chat.saying("second"), seconds=10)
        world.boris.blocks_bot()
        await write(world, "third", chat=BORIS)
        await world.eventually(lambda: world.anna.chat.saying("It said:\n\nthird"), seconds=10)
        await world.all_sent()

    notices = [text for text in world.anna.chat.texts if "I cannot write to user 43" in text]
    assert len(notices) == 2


async def test_an_unblocking_that_nobody_tells_is_noticed_after_some_hours(world: World) -> None:
    async with world.talking():
        world.boris.blocks_bot()
        await write(world, "first", chat=BORIS)
        await world.eventually(lambda: world.anna.chat.saying("It said:\n\nfirst"))
        world.boris.unblocks_bot()
        await write(world, "second", chat=BORIS)
        await world.eventually(lambda: world.anna.chat.saying("It said:\n\nsecond"), seconds=10)
        assert world.boris.chat.from_bot == []
        await write(world, "third", chat=BORIS)
        world.clock.advance(hours=6)
        await world.eventually(lambda: world.boris.chat.saying("third"), seconds=10)


async def test_a_group_that_the_bot_was_removed_from_is_said_to_the_people(world: World) -> None:
    group = world.telegram.supergroup()
    world.anna.kicks_bot(group)
    await write(world, "for the group", chat=group.id)
    async with world.talking():
        await world.eventually(lambda: world.anna.chat.saying("It said:\n\nfor the group"))
        await world.eventually(lambda: world.boris.chat.saying("I cannot write to group"))

    notice = world.boris.chat.saying("I cannot write to group")
    assert notice
    assert f"group {group.id}: this bot was removed from it" in notice.text


async def test_what_cannot_be_told_to_anybody_is_an_error_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.allowed = frozenset({ANNA})
    world.anna.blocks_bot()
    await write(world, "for anna")
    async with world.talking():
        await world.eventually(lambda: "nobody could be told" in caplog.text)
        await world.all_sent()


async def test_a_chat_that_is_slow_delays_no_other(world: World) -> None:
    hold = Hold()
    world.telegram.fail("sendMessage", hold, chat=ANNA, times=99)
    await write(world, "for anna", "and more for anna")
    async with world.talking():
        await world.telegram.until(lambda: world.telegram.seen("sendMessage"))
        for number in range(3):
            await write(world, f"no {number} for boris", chat=BORIS)
        world.clock.advance(10)
        await world.telegram.until(lambda: len(world.boris.chat.from_bot) == 3)
        assert world.anna.chat.from_bot == []
        hold.release()
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 2)

    assert world.anna.chat.texts == ["for anna", "and more for anna"]


async def test_many_chats_are_sent_to_at_once_but_not_all_of_them(world: World) -> None:
    hold = Hold()
    world.telegram.fail("sendMessage", hold, times=99)
    people = [world.telegram.user(100 + number, f"No {number}") for number in range(12)]
    for person in people:
        await write(world, "hello", chat=person.id)
    async with world.talking():
        await world.telegram.until(lambda: len(world.telegram.seen("sendMessage")) == 5)
        await asyncio.sleep(0.1)
        assert len(world.telegram.seen("sendMessage")) == 5
        hold.release()
        await world.telegram.until(lambda: all(person.chat.from_bot for person in people))
        await world.all_sent()


async def test_a_press_that_telegram_is_slow_to_take_note_of_delays_no_command(
    world: World,
) -> None:
    world.telegram.fail("answerCallbackQuery", Hold(), times=99)
    async with world.talking():
        await world.asks(world.anna, "/backup")
        world.operations.end(JobState.FAILED, "no space")
        await world.eventually(lambda: world.anna.chat.last.labels)
        outcome = world.anna.chat.last
        for _ in range(5):
            world.anna.presses(outcome, "Try again", stale=True)
        world.boris.says("/help")
        await world.telegram.until(lambda: world.boris.chat.from_bot)

    assert len(world.operations.commands) == 2


async def test_a_group_that_became_a_supergroup_is_followed(world: World) -> None:
    group = world.telegram.group(-77)
    supergroup = world.anna.upgrades(group, -100_77)
    await write(world, "first", "second", chat=-77)
    async with world.talking():
        await world.telegram.until(lambda: len(supergroup.from_bot) == 2)

    assert supergroup.texts == ["first", "second"]


async def test_a_topic_that_is_gone_is_left_out(world: World) -> None:
    group = world.telegram.supergroup(topics={7: "Ops"})
    await write(world, "hello", chat=group.id, thread=8)
    async with world.talking():
        await world.telegram.until(lambda: group.from_bot)

    assert group.last.thread is None


async def test_markup_that_telegram_refuses_is_left_out(world: World) -> None:
    await write(world, "<b>2 < 3")
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)

    assert world.anna.chat.last.text == "2 < 3"


async def test_what_is_too_long_for_telegram_is_cut_and_its_end_kept(world: World) -> None:
    text = f"<b>{'&amp;' * 4000}</b>\n\n<i>Anna chose: {'Yes ' * 30}</i>"
    document = Message(key="d", chat=ANNA, text=text, document=("x.txt", "all"))
    await write(world, text)
    await world.outbox.put(document, world.clock.now())
    async with world.talking():
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 2)

    for message in world.anna.chat.from_bot:
        assert message.text.startswith("&&&")
        assert "… (cut)" in message.text
        assert message.text.endswith("Anna chose: " + "Yes " * 29 + "Yes")


async def test_an_edit_that_changes_nothing_is_done(world: World) -> None:
    await write(world, "hello")
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        await world.all_handled()
        await world.outbox.change(f"{ANNA} hello", "hello ")
        await world.asks(world.anna, "/help")
        await world.all_sent()
        await world.outbox.change(f"{ANNA} hello", "good-bye")
        await world.eventually(lambda: world.anna.chat.from_bot[0].text == "good-bye")


async def test_a_message_that_was_deleted_is_not_edited(world: World) -> None:
    await write(world, "hello")
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        await world.all_handled()
        world.anna.deletes(world.anna.chat.last)
        await world.outbox.change(f"{ANNA} hello", "another")
        await world.asks(world.anna, "/help")
        await world.all_sent()
    assert len(world.anna.chat.from_bot) == 1


async def test_progress_that_was_overtaken_is_not_sent(world: World) -> None:
    for key in ("progress:1", "progress:2", "outcome:1"):
        await world.outbox.put(Message(key=key, chat=ANNA, text=key), world.clock.now())
    async with world.talking():
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 2)

    assert world.anna.chat.texts == ["progress:2", "outcome:1"]


async def test_what_ended_while_the_bot_was_down_comes_merged_with_its_own_times(
    world: World,
) -> None:
    for number in range(7):
        world.operations.begin(RunBackup(trigger=Trigger.SCHEDULE, actor="schedule"))
        world.operations.end(JobState.FAILED, f"attempt {number}")
        world.clock.advance(hours=1)
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        await world.all_sent()

    (told,) = world.anna.chat.texts
    assert told.startswith("7 things happened while I was away:\n\n12:00 (7 h ago)\n❌")
    assert told.index("attempt 0") < told.index("18:00 (1 h ago)") < told.index("attempt 6")
