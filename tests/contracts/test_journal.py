"""What every journal promises, shown on the fake and on the real one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import PortError
from bot.domain.jobs import Job, JobKind, JobState, Outcome, Trigger
from bot.domain.orders import Order, OrderKind, Unmet
from bot.domain.restore import PHASE, PLAN, Phase
from bot.services.journal_ports import Buttons, Incoming, JobJournal, Message, Question, Queued
from tests.contracts.state_places import BOT, HOUR, NOW, a_job
from tests.fakes_journal import FakeJournal

AnyJournal = Journal | FakeJournal
DONE = Outcome(JobState.DONE, "12 MiB, verified")
MESSAGE = Message(key="job 1 ended", chat=-100123, text="Backup failed")
QUESTION = Question(
    id="q1", plan_hash="abc", person=7, chat=-100123, expires=NOW, choices=("yes", "no")
)


@pytest.fixture(params=["fake", "sqlite"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnyJournal]:
    fake = request.param == "fake"
    journal = FakeJournal() if fake else Journal(StateFolder(tmp_path / "state"))
    yield journal
    await journal.close()


@pytest.fixture
def jobs(journal: AnyJournal) -> JobJournal:
    return journal.jobs


async def begin(jobs: JobJournal, suffix: str, **changes: Any) -> Job:
    job = a_job(suffix, **changes)
    await jobs.begin(job)
    return job


async def test_a_job_comes_back_whole(jobs: JobJournal) -> None:
    plain = await begin(jobs, "aaaa")
    full = await begin(
        jobs,
        "bbbb",
        trigger=Trigger.SCHEDULE,
        actor="Zoë 🦊",
        started=NOW + timedelta(microseconds=123),
        state=JobState.FAILED,
        origin="chat -100123/7",
        slot=datetime(2026, 11, 23, 4, 30, tzinfo=timezone(HOUR)),
        label="before the update",
        plan={"keys": '["a/b"]', "ü": "ö"},
        step="upload",
        progress="12 of 40 MiB",
        share=0.3,
        message="connection lost",
        ended=NOW + HOUR,
        crashes=2,
        swept=True,
        cancelled_by="@zoë",
    )

    assert await jobs.job(plain.id) == plain
    assert await jobs.job(full.id) == full
    assert await jobs.job(a_job("cccc").id) is None


async def test_two_jobs_of_one_name(jobs: JobJournal) -> None:
    job = await begin(jobs, "aaaa")

    with pytest.raises(PortError, match="there is one of that name already") as caught:
        await begin(jobs, "aaaa", actor="another")

    assert caught.value.retryable
    assert await jobs.job(job.id) == job


async def test_steps_plan_and_progress(jobs: JobJournal) -> None:
    other = await begin(jobs, "aaaa")
    job = await begin(jobs, "bbbb", plan={"a": "1", "b": "2"})

    await jobs.plan(job.id, {"b": "3", "c": '{"x": null}'})
    await jobs.step(job.id, "dump")
    await jobs.step(job.id, "upload")
    assert await jobs.progress(job.id, "1 MiB", 0.5) == ""
    assert await jobs.progress(job.id, "2 MiB", None) == ""

    assert await jobs.job(job.id) == replace(
        job,
        plan={"a": "1", "b": "3", "c": '{"x": null}'},
        step="upload",
        progress="2 MiB",
    )
    assert await jobs.job(other.id) == other


async def test_a_wish_to_cancel_reaches_the_job(jobs: JobJournal) -> None:
    job, other = await begin(jobs, "aaaa"), await begin(jobs, "bbbb")

    assert await jobs.ask_to_cancel(job.id, "@zoë") == replace(job, cancelled_by="@zoë")
    assert await jobs.ask_to_cancel(job.id, "@late") == replace(job, cancelled_by="@zoë")

    assert await jobs.progress(job.id, "1 MiB", None) == "@zoë"
    assert await jobs.progress(other.id, "1 MiB", None) == ""


async def test_what_does_not_run_cannot_be_cancelled(jobs: JobJournal) -> None:
    job = await begin(jobs, "aaaa")
    await jobs.finish(job.id, DONE, NOW)

    assert not await jobs.ask_to_cancel(job.id, "@zoë")
    assert not await jobs.ask_to_cancel(a_job("cccc").id, "@zoë")
    assert await jobs.job(job.id) == job.ending(DONE, NOW)


async def test_a_plan_is_committed_unless_somebody_wants_the_job_stopped(jobs: JobJournal) -> None:
    job, other = await begin(jobs, "aaaa"), await begin(jobs, "bbbb")
    await jobs.ask_to_cancel(job.id, "@zoë")

    assert await jobs.commit(job.id, {"a": "1"}) == "@zoë"
    assert await jobs.commit(other.id, {"a": "1"}) == ""

    stopped, committed = await jobs.job(job.id), await jobs.job(other.id)
    assert stopped == replace(job, cancelled_by="@zoë")
    assert committed == replace(other, plan={**other.plan, "a": "1"})


async def test_what_is_past_its_point_of_no_return_is_not_asked_to_stop(jobs: JobJournal) -> None:
    job = replace(a_job("aaaa"), kind=JobKind.RESTORE, plan={PLAN: "{}", PHASE: Phase.KEEP})
    await jobs.begin(job)

    assert await jobs.ask_to_cancel(job.id, "@zoë") == job
    assert await jobs.job(job.id) == job


async def test_crashes_are_counted(jobs: JobJournal) -> None:
    job = await begin(jobs, "aaaa")

    assert await jobs.crashed(job.id) == replace(job, crashes=1)
    assert await jobs.crashed(job.id) == replace(job, crashes=2)
    assert await jobs.job(job.id) == replace(job, crashes=2)


async def test_an_end_may_be_written_anew(jobs: JobJournal) -> None:
    job = await begin(jobs, "aaaa")
    halfway = Outcome(JobState.INTERRUPTED, "killed", swept=False)

    await jobs.finish(job.id, halfway, NOW)
    assert await jobs.job(job.id) == job.ending(halfway, NOW)
    await jobs.finish(job.id, DONE, NOW + HOUR)
    assert await jobs.job(job.id) == job.ending(DONE, NOW + HOUR)


WRITES: dict[str, Callable[[JobJournal, str], Awaitable[object]]] = {
    "plan": lambda jobs, job_id: jobs.plan(job_id, {"a": "b"}),
    "note": lambda jobs, job_id: jobs.note(job_id, {"a": "b"}),
    "step": lambda jobs, job_id: jobs.step(job_id, "dump"),
    "progress": lambda jobs, job_id: jobs.progress(job_id, "1 MiB", None),
    "crashed": lambda jobs, job_id: jobs.crashed(job_id),
    "finish": lambda jobs, job_id: jobs.finish(job_id, DONE, NOW),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
async def test_nothing_is_written_of_a_job_that_was_not_begun(
    jobs: JobJournal, write: Callable[[JobJournal, str], Awaitable[object]]
) -> None:
    job_id = a_job("aaaa").id

    with pytest.raises(KeyError, match=job_id):
        await write(jobs, job_id)

    assert await jobs.job(job_id) is None


async def test_the_newest_jobs_come_first(jobs: JobJournal) -> None:
    assert await jobs.jobs() == []
    begun = [await begin(jobs, f"aa{a}{b}") for a in "abcde" for b in "abcde"]

    assert await jobs.jobs() == begun[:-21:-1]
    assert await jobs.jobs(2) == [begun[-1], begun[-2]]


ENDS = {
    "running": (None, True, False),
    "done": (DONE, False, True),
    "not swept": (Outcome(JobState.FAILED, "", swept=False), True, False),
    "stuck": (Outcome(JobState.STUCK, "", swept=False), False, False),
    "settled": (Outcome(JobState.INTERRUPTED, ""), False, True),
}


@pytest.mark.parametrize(("outcome", "is_open", "is_over"), ENDS.values(), ids=ENDS.keys())
async def test_what_is_open_and_what_is_over(
    jobs: JobJournal,
    outcome: Outcome | None,
    is_open: bool,  # noqa: FBT001 - a table
    is_over: bool,  # noqa: FBT001
) -> None:
    job = await begin(jobs, "bbbb")
    younger = await begin(jobs, "aaaa")
    if outcome:
        await jobs.finish(job.id, outcome, NOW)

    found = [each.id for each in await jobs.open_jobs()]
    assert found == ([job.id, younger.id] if is_open else [younger.id])
    is_stuck = outcome is not None and outcome.state is JobState.STUCK
    assert [each.id for each in await jobs.stuck_jobs()] == ([job.id] if is_stuck else [])

    assert await jobs.compact(NOW) == 0
    assert await jobs.compact(NOW + HOUR) == is_over
    assert (await jobs.job(job.id) is None) == is_over
    assert await jobs.job(younger.id) == younger


async def test_the_days_on_which_something_ended_or_was_written(journal: AnyJournal) -> None:
    day = timedelta(days=1)
    assert set(await journal.jobs.days()) == set()
    await begin(journal.jobs, "aaaa")
    job = await begin(journal.jobs, "bbbb")
    await journal.jobs.finish(job.id, DONE, NOW + day)
    await put(journal, "a")
    await journal.inbox(BOT).store([update(10)], NOW + 2 * day)
    order = Order(
        id="o1",
        kind=OrderKind.PIN,
        trigger=Trigger.CLI,
        actor="ada",
        started=NOW,
        ended=NOW.astimezone(timezone(23 * HOUR)) + 3 * day,
    )
    await journal.orders.note(order)

    found = await journal.jobs.days()

    assert set(found) == {(NOW + number * day).date() for number in range(4)}


def update(number: int, text: str = "/backup") -> dict[str, Any]:
    return {"update_id": number, "message": {"text": text, "chat": {"id": -100123, "x": None}}}


async def test_updates_are_handled_in_order_and_once(journal: AnyJournal) -> None:
    inbox = journal.inbox(BOT)
    assert await inbox.next_offset(NOW) == 0
    assert await inbox.unhandled() == []

    await inbox.store([update(12), update(10)], NOW)
    await inbox.store([update(11)], NOW + HOUR)
    await inbox.store([], NOW)

    assert await inbox.unhandled() == [
        Incoming(10, update(10), NOW),
        Incoming(11, update(11), NOW + HOUR),
        Incoming(12, update(12), NOW),
    ]
    assert await inbox.next_offset(NOW) == 13
    await inbox.handled(11)
    await inbox.handled(10)
    assert [each.update_id for each in await inbox.unhandled()] == [12]
    assert await inbox.next_offset(NOW) == 13


async def test_what_asks_for_nothing_is_never_handled(journal: AnyJournal) -> None:
    inbox = journal.inbox(BOT)
    await inbox.store([update(10), update(11), update(12)], NOW, done={10, 12})
    await inbox.store([update(11)], NOW, done={11})

    assert [each.update_id for each in await inbox.unhandled()] == [11], "it stays as it was"
    assert await inbox.next_offset(NOW) == 13


async def test_an_update_that_comes_again_changes_nothing(journal: AnyJournal) -> None:
    inbox = journal.inbox(BOT)
    await inbox.store([update(10), update(11)], NOW)
    await inbox.handled(10)

    await inbox.store([update(10, "other"), update(11, "other")], NOW + HOUR)

    assert await inbox.unhandled() == [Incoming(11, update(11), NOW)]


async def test_the_offset_outlives_the_updates(journal: AnyJournal) -> None:
    inbox = journal.inbox(BOT)
    await inbox.store([update(10), update(11), update(12)], NOW)
    await inbox.store([update(13)], NOW + HOUR)
    for number in (10, 12, 13):
        await inbox.handled(number)

    await journal.jobs.compact(NOW + HOUR)
    assert await inbox.next_offset(NOW) == 14
    await inbox.store([update(13)], NOW)  # too young to be forgotten
    assert [each.update_id for each in await inbox.unhandled()] == [11]

    await inbox.handled(11)
    await journal.jobs.compact(NOW + 2 * HOUR)
    assert await inbox.next_offset(NOW) == 14
    await inbox.store([update(5)], NOW)  # the service began its numbers anew
    assert [each.update_id for each in await inbox.unhandled()] == [5]
    assert await inbox.next_offset(NOW) == 14


async def test_another_bots_updates_are_numbered_by_themselves(journal: AnyJournal) -> None:
    await journal.inbox(BOT).store([update(1000)], NOW)
    other = journal.inbox("987654321")

    assert await other.next_offset(NOW) == 0
    await other.store([update(5)], NOW)

    assert [each.update_id for each in await other.unhandled()] == [5]
    assert [each.update_id for each in await journal.inbox(BOT).unhandled()] == [1000]


async def test_after_a_week_of_silence_the_service_numbers_anew(journal: AnyJournal) -> None:
    inbox = journal.inbox(BOT)
    await inbox.store([update(1000)], NOW)
    assert await inbox.next_offset(NOW + timedelta(days=5)) == 1001
    assert await inbox.next_offset(NOW + timedelta(days=7)) == 0

    await inbox.store([update(5)], NOW + timedelta(days=8))

    assert await inbox.next_offset(NOW + timedelta(days=8)) == 6


def shown(text: str, buttons: Buttons = ()) -> Message:
    return Message(key="as it stands", chat=1, text=text, buttons=buttons)


async def test_a_message_is_in_the_topic_where_it_arrived(journal: AnyJournal) -> None:
    gone = Message(key="a", chat=1, thread=7, text="text")
    assert await journal.outbox.put(gone, NOW)

    await journal.outbox.sent((await found(journal, "a")).number, 55, shown("text"))

    assert (await found(journal, "a")).message == replace(gone, thread=None)
    assert not await journal.outbox.waiting()


async def test_people_are_who_was_written_to_in_private(journal: AnyJournal) -> None:
    for key, chat in (("a", 42), ("b", 42), ("c", -100), ("d", 43)):
        await put(journal, key, chat=chat)

    assert set(await journal.outbox.people()) == {42, 43}


async def test_buttons_that_changed_while_it_was_sent_are_shown_later(journal: AnyJournal) -> None:
    number = await put(journal, "a")
    await journal.outbox.change("a", "text", ((("Yes", "y"),),))

    await journal.outbox.sent(number, 55, shown("text"))
    assert [each.number for each in await journal.outbox.waiting()] == [number]

    await journal.outbox.sent(number, 55, shown("text", ((("Yes", "y"),),)))
    assert not await journal.outbox.waiting()


async def put(journal: AnyJournal, key: str, text: str = "text", chat: int = 1) -> int:
    assert await journal.outbox.put(Message(key=key, chat=chat, text=text), NOW)
    return (await found(journal, key)).number


async def found(journal: AnyJournal, key: str) -> Queued:
    queued = await journal.outbox.find(key)
    assert queued
    return queued


async def waiting(journal: AnyJournal) -> list[str]:
    return [each.message.key for each in await journal.outbox.waiting()]


async def test_a_message_comes_back_whole(journal: AnyJournal) -> None:
    full = Message(
        key="log",
        chat=-100123,
        text="The log 🪵",
        thread=7,
        buttons=((("Yes", "yes 1"), ("No", "no 1")), (("Later", "later"),)),
        silent=True,
        document=("akbot.log", "line 1\nline 2\n"),
    )

    assert await journal.outbox.put(MESSAGE, NOW)
    assert await journal.outbox.put(full, NOW + HOUR)

    first, second = await journal.outbox.waiting()
    assert first == Queued(first.number, MESSAGE, NOW)
    assert second == Queued(second.number, full, NOW + HOUR)
    assert await journal.outbox.find("log") == second
    assert await journal.outbox.find("other") is None


async def test_a_picture_is_kept_until_it_was_sent_or_given_up(journal: AnyJournal) -> None:
    numbers = []
    for key in ("sent", "dropped", "waiting"):
        message = Message(key=key, chat=1, text="caption", picture=b"\x89PNG\0\xff")
        assert await journal.outbox.put(message, NOW)
        numbers.append((await found(journal, key)).number)

    await journal.outbox.attempt(numbers[0])
    assert (await found(journal, "sent")).message.picture == b"\x89PNG\0\xff"
    await journal.outbox.sent(numbers[0], 55, shown("caption"))
    await journal.outbox.drop(numbers[1], "the bot was blocked")

    pictures = [(await found(journal, key)).message.picture for key in ("sent", "dropped")]
    assert pictures == [None, None]
    [waits] = await journal.outbox.waiting()
    assert waits.message.picture == b"\x89PNG\0\xff"


async def test_a_key_is_written_once(journal: AnyJournal) -> None:
    assert await journal.outbox.put(MESSAGE, NOW)
    assert not await journal.outbox.put(replace(MESSAGE, text="another"), NOW)

    assert [each.message for each in await journal.outbox.waiting()] == [MESSAGE]


async def test_messages_wait_in_order_until_they_are_sent(journal: AnyJournal) -> None:
    numbers = [await put(journal, key) for key in ("c", "a", "b")]

    await journal.outbox.attempt(numbers[1])
    assert [each.attempted for each in await journal.outbox.waiting()] == [False, True, False]
    await journal.outbox.sent(numbers[1], 55, shown("text"))

    assert await waiting(journal) == ["c", "b"]
    sent = await found(journal, "a")
    assert (sent.attempted, sent.message_id, sent.stale) == (False, 55, False)
    assert not await journal.outbox.put(sent.message, NOW)


async def test_a_message_that_was_not_sent_is_changed_at_once(journal: AnyJournal) -> None:
    number = await put(journal, "a")

    await journal.outbox.change("a", "new", ((("Yes", "yes"),),))

    (queued,) = await journal.outbox.waiting()
    assert (queued.message.text, queued.message.buttons) == ("new", ((("Yes", "yes"),),))
    assert not queued.stale
    await journal.outbox.sent(number, 55, queued.message)
    assert await waiting(journal) == []


async def test_a_message_that_was_sent_is_edited(journal: AnyJournal) -> None:
    number = await put(journal, "a")
    await put(journal, "b")
    await journal.outbox.sent(number, 55, shown("text"))

    await journal.outbox.change("a", "new")

    first, _ = await journal.outbox.waiting()
    assert (first.message.text, first.message_id, first.stale) == ("new", 55, True)
    await journal.outbox.sent(number, 55, shown("new"))
    assert await waiting(journal) == ["b"]
    assert not (await found(journal, "a")).stale


@pytest.mark.parametrize("edits", [0, 1], ids=["sent", "edited"])
async def test_a_message_that_changes_while_it_is_sent_stays_stale(
    journal: AnyJournal, edits: int
) -> None:
    number = await put(journal, "a")
    for _ in range(edits):
        await journal.outbox.sent(number, 55, shown("text"))
        await journal.outbox.change("a", "newer")

    await journal.outbox.attempt(number)
    await journal.outbox.change("a", "newest")
    await journal.outbox.sent(number, 55, shown("newer" if edits else "text"))

    (queued,) = await journal.outbox.waiting()
    assert (queued.message.text, queued.message_id, queued.stale) == ("newest", 55, True)
    assert not queued.attempted


async def test_what_was_added_in_sending_is_kept(journal: AnyJournal) -> None:
    number = await put(journal, "a")
    await journal.outbox.sent(number, 55, shown("text"), "late text")

    assert await waiting(journal) == []
    assert (await found(journal, "a")).message.text == "late text"
    await journal.outbox.change("a", "late text")
    assert await waiting(journal) == []


@pytest.mark.parametrize(
    ("changed", "kept"),
    [(("new", ()), "new"), (("text", ((("Yes", "yes"),),)), "late text")],
    ids=["text", "buttons"],
)
async def test_what_was_added_in_sending_takes_no_change_back(
    journal: AnyJournal, changed: tuple[str, Buttons], kept: str
) -> None:
    number = await put(journal, "a")
    await journal.outbox.change("a", *changed)
    await journal.outbox.sent(number, 55, shown("text"), "late text")

    (queued,) = await journal.outbox.waiting()
    assert (queued.message.text, queued.message.buttons) == (kept, changed[1])
    assert queued.stale


async def test_a_change_that_is_none_edits_nothing(journal: AnyJournal) -> None:
    number = await put(journal, "a")
    await journal.outbox.sent(number, 55, shown("text"))

    await journal.outbox.change("a", "text")
    assert await waiting(journal) == []
    await journal.outbox.change("a", "text", ((("Yes", "yes"),),))
    assert await waiting(journal) == ["a"]
    await journal.outbox.change("a", "text", ((("Yes", "yes"),),))
    assert await waiting(journal) == ["a"]
    await journal.outbox.change("unknown", "text")


async def test_what_can_never_arrive_waits_no_more(journal: AnyJournal) -> None:
    first, second = await put(journal, "a"), await put(journal, "b")
    await journal.outbox.sent(second, 55, shown("text"))

    await journal.outbox.drop(first, "the bot was blocked")
    await journal.outbox.drop(second, "the message was deleted")
    for key in ("a", "b"):
        await journal.outbox.change(key, "new")
        assert not await journal.outbox.put(Message(key=key, chat=1, text="x"), NOW)

    assert await waiting(journal) == []


async def test_what_arrived_in_the_place_of_others_is_found_and_edited(journal: AnyJournal) -> None:
    number = await put(journal, "a")
    await journal.outbox.drop(number, "told together with others")
    await journal.outbox.sent(number, 55, shown("text"))
    together = Message(key="together", chat=1, text="all", buttons=((("Again", "r:1"),),))
    for _ in range(2):  # the second time changes nothing
        await journal.outbox.arrived(together, 55, NOW)

    assert await waiting(journal) == []
    there = await journal.outbox.at(1, 55)
    assert there
    assert there.message == together
    await journal.outbox.change("together", "all")
    (edited,) = await journal.outbox.waiting()
    assert (edited.message_id, edited.message.buttons) == (55, ())


async def test_an_order_is_noted_once_and_comes_back_whole(journal: AnyJournal) -> None:
    first = Order(
        id="telegram:1:2:0:3",
        kind=OrderKind.PAUSE,
        trigger=Trigger.CHAT,
        actor="Anna (42)",
        started=NOW,
        origin="telegram:1:2:0:3",
        label="2h",
        state=JobState.FAILED,
        message="no space",
        ended=NOW + HOUR,
    )
    second = replace(first, id="another", kind=OrderKind.UNPIN, started=NOW - HOUR)
    for order in (first, second, replace(first, actor="Mallory (66)")):
        await journal.orders.note(order)

    assert list(await journal.orders.orders(5)) == [second, first]
    assert list(await journal.orders.orders(1)) == [second]


async def test_what_came_to_nothing_is_listed_by_itself(journal: AnyJournal) -> None:
    done = Order(
        id="a", kind=OrderKind.PIN, trigger=Trigger.CHAT, actor="A", started=NOW, ended=NOW
    )
    refused = replace(done, id="b", kind=OrderKind.RESTORE, state=Unmet.REFUSED, message="busy")
    declined = replace(done, id="c", kind=OrderKind.UPDATE, state=Unmet.DECLINED)
    for order in (refused, done, declined):
        await journal.orders.note(order)

    assert list(await journal.orders.orders(5)) == [done]
    assert list(await journal.orders.orders(5, unmet=True)) == [declined, refused]
    assert list(await journal.orders.orders(1, unmet=True)) == [declined]
    expired = replace(done, id="d", state=Unmet.EXPIRED)
    await journal.orders.note(expired)
    assert list(await journal.orders.orders(1, unmet=True)) == [expired]
    for _ in range(2):
        await journal.orders.withdraw("d")
    assert list(await journal.orders.orders(1, unmet=True)) == [declined]
    await journal.jobs.compact(NOW + HOUR)
    assert list(await journal.orders.orders(5, unmet=True)) == []


async def test_an_order_that_runs_is_known_until_it_ends(journal: AnyJournal) -> None:
    order = Order(
        id="a",
        kind=OrderKind.VERIFY,
        trigger=Trigger.CHAT,
        actor="Anna (42)",
        started=NOW,
        state=JobState.RUNNING,
    )
    other = replace(order, id="b", started=NOW - HOUR)
    await journal.orders.begin(order)
    await journal.orders.begin(other)
    assert list(await journal.orders.running()) == [order, other]
    assert list(await journal.orders.orders(5)) == [other, order]
    await journal.jobs.compact(NOW + HOUR)
    assert list(await journal.orders.running()) == [order, other]

    ended = replace(order, state=JobState.DONE, message="whole", ended=NOW + HOUR)
    await journal.orders.note(ended)
    await journal.orders.note(replace(ended, state=JobState.FAILED))
    assert list(await journal.orders.running()) == [other]
    assert list(await journal.orders.orders(5)) == [other, ended]

    await journal.orders.begin(order)
    assert list(await journal.orders.running()) == [order, other], "once more, after a kill"


async def test_orders_that_are_over_are_forgotten(journal: AnyJournal) -> None:
    old = Order(
        id="a", kind=OrderKind.PIN, trigger=Trigger.CLI, actor="root", started=NOW, ended=NOW
    )
    new = replace(old, id="b", ended=NOW + HOUR)
    for order in (old, new):
        await journal.orders.note(order)

    await journal.jobs.compact(NOW + HOUR / 2)
    assert list(await journal.orders.orders(5)) == [new]


async def test_what_arrived_last_in_a_chat_is_known(journal: AnyJournal) -> None:
    assert await journal.outbox.last_arrived(1) == 0
    first, second, _ = [await put(journal, key) for key in ("a", "b", "c")]
    other = await put(journal, "d", chat=2)
    await journal.outbox.sent(first, 55, shown("text"))
    await journal.outbox.sent(other, 57, shown("text"))
    assert await journal.outbox.last_arrived(1) == first

    await journal.outbox.sent(second, 56, shown("text"))

    assert await journal.outbox.last_arrived(1) == second
    assert await journal.outbox.last_arrived(2) == other


async def test_what_was_given_up_says_so(journal: AnyJournal) -> None:
    number = await put(journal, "a")
    assert not (await found(journal, "a")).dropped

    await journal.outbox.drop(number, "the bot was blocked")

    assert (await found(journal, "a")).dropped


async def test_what_was_given_up_in_a_chat_since_something_arrived_there_is_known(
    journal: AnyJournal,
) -> None:
    assert await journal.outbox.given_up(1) == []
    before, arrived, first, shown_once, second, _ = [await put(journal, key) for key in "abcdef"]
    other = await put(journal, "g", chat=2)
    await journal.outbox.sent(arrived, 55, shown("text"))
    for number in (before, first, second, other):
        await journal.outbox.drop(number, "the bot was blocked")

    assert [each.number for each in await journal.outbox.given_up(1)] == [first, second]
    assert [each.number for each in await journal.outbox.given_up(2)] == [other]

    await journal.outbox.sent(shown_once, 56, shown("text"))

    assert [each.number for each in await journal.outbox.given_up(1)] == [second]


async def test_messages_are_found_by_the_beginning_of_their_keys(journal: AnyJournal) -> None:
    for key in ("late:2", "latf:1", "late:", "Late:1", "late", "late:\U0001f98a", "late:%_*1"):
        await put(journal, key)

    keys = [each.message.key for each in await journal.outbox.named("late:")]

    assert keys == ["late:2", "late:", "late:\U0001f98a", "late:%_*1"]
    assert await journal.outbox.named("late:%") == [await found(journal, "late:%_*1")]
    assert await journal.outbox.named("none") == []


async def test_messages_are_found_where_they_stand(journal: AnyJournal) -> None:
    for key, chat, message_id in (("a", 1, 17), ("b", 2, 17), ("c", 1, 18), ("d", 1, 17)):
        number = await put(journal, key, chat=chat)
        await journal.outbox.sent(number, message_id, (await found(journal, key)).message)

    assert await journal.outbox.at(2, 17) == await found(journal, "b")
    assert await journal.outbox.at(1, 17) == await found(journal, "d"), "the newest of them"
    assert await journal.outbox.at(1, 19) is None


async def test_only_messages_that_are_over_are_forgotten(journal: AnyJournal) -> None:
    numbers = {key: await put(journal, key) for key in ("sent", "stale", "waiting", "dropped")}
    for key in ("sent", "stale"):
        await journal.outbox.sent(numbers[key], 55, shown("text"))
    await journal.outbox.change("stale", "new")
    await journal.outbox.drop(numbers["dropped"], "the bot was blocked")

    await journal.jobs.compact(NOW)
    assert all([await journal.outbox.find(key) for key in numbers])
    await journal.jobs.compact(NOW + HOUR)

    assert [key for key in numbers if await journal.outbox.find(key)] == ["stale", "waiting"]
    assert await waiting(journal) == ["stale", "waiting"]


async def test_a_number_is_given_once(journal: AnyJournal) -> None:
    number = await put(journal, "a")
    await journal.outbox.drop(number, "the bot was blocked")
    await journal.jobs.compact(NOW + HOUR)

    assert await put(journal, "b") > number
    await journal.outbox.attempt(number)  # the sender of the forgotten one is late
    await journal.outbox.sent(number, 55, shown("text"))
    await journal.outbox.drop(number, "the bot was blocked")
    assert await waiting(journal) == ["b"]


async def test_a_question_is_answered_once(journal: AnyJournal) -> None:
    questions = journal.questions
    assert await questions.find("q1") is None
    await questions.ask(QUESTION)
    await questions.ask(replace(QUESTION, id="q2"))

    assert await questions.find("q1") == (QUESTION, "")
    assert await questions.answer("q1", "no")
    assert not await questions.answer("q1", "yes")
    assert not await questions.answer("q3", "yes")

    assert await questions.find("q1") == (QUESTION, "no")
    assert await questions.find("q2") == (replace(QUESTION, id="q2"), "")


async def test_questions_that_want_a_word_are_found_by_it_the_newest_first(
    journal: AnyJournal,
) -> None:
    questions, word = journal.questions, "rollback"
    asked = replace(QUESTION, word=word, expires=NOW + HOUR)
    newer = replace(asked, id="newer", expires=NOW + 2 * HOUR)
    who = (QUESTION.person, QUESTION.chat)
    await questions.ask(replace(QUESTION, expires=NOW + HOUR))
    assert await questions.worded(word, *who) == []
    older = replace(asked, id="older")
    for each in (older, newer):
        await questions.ask(each)

    assert await questions.find("newer") == (newer, "")
    assert await questions.worded(word, *who) == [(newer, ""), (older, "")]
    assert await questions.worded("other", *who) == []
    assert await questions.worded(word, QUESTION.person + 1, QUESTION.chat) == []
    assert await questions.worded(word, QUESTION.person, QUESTION.chat + 1) == []
    await questions.answer("newer", word)
    assert await questions.worded(word, *who) == [(newer, word), (older, "")]


async def test_two_questions_of_one_name(journal: AnyJournal) -> None:
    await journal.questions.ask(QUESTION)

    with pytest.raises(PortError, match="there is one of that name already"):
        await journal.questions.ask(replace(QUESTION, person=8))

    assert await journal.questions.find("q1") == (QUESTION, "")


async def test_questions_are_forgotten_once_they_expired(journal: AnyJournal) -> None:
    for name in ("answered", "open"):
        await journal.questions.ask(replace(QUESTION, id=name))
    await journal.questions.answer("answered", "yes")

    await journal.jobs.compact(NOW)
    assert await journal.questions.find("answered")
    assert await journal.questions.find("open")
    await journal.jobs.compact(NOW + HOUR)

    assert await journal.questions.find("answered") is None
    assert await journal.questions.find("open") is None
