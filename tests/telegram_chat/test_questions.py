import asyncio
from datetime import timedelta

from bot.entrypoints.telegram.chat import Chat
from tests.telegram_chat.world import ANNA, LONG_ENOUGH, World


def asking(chat: Chat, plan: str = "plan 1", *, where: int = ANNA) -> "asyncio.Task[str | None]":
    return asyncio.create_task(
        chat.ask(
            chat=where,
            thread=None,
            person=ANNA,
            plan_hash=plan,
            text=f"Go on with {plan}?",
            choices=("Yes", "No"),
        )
    )


async def test_the_choice_reaches_whoever_asked(world: World) -> None:
    async with world.talking() as chat:
        answer = asking(chat)
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        query = world.anna.presses(world.anna.chat.last, "Yes")

        assert await answer == "Yes"
        await world.telegram.until(lambda: not world.anna.chat.last.labels)

    assert "Anna chose: Yes" in world.anna.chat.last.text
    notice = world.telegram.queries[query].notice
    assert notice
    assert notice.text == "Yes"


async def test_another_person_gets_a_polite_no(world: World) -> None:
    group = world.telegram.supergroup()
    async with world.talking() as chat:
        answer = asking(chat, where=group.id)
        await world.telegram.until(lambda: group.from_bot)
        query = world.boris.presses(group.last, "Yes")
        await world.telegram.until(lambda: world.telegram.queries[query].notice)
        assert not answer.done()
        assert group.last.labels
        world.anna.presses(group.last, "No")
        assert await answer == "No"

    notice = world.telegram.queries[query].notice
    assert notice
    assert notice.text == "This question is for somebody else."


async def test_a_second_press_changes_nothing(world: World) -> None:
    async with world.talking() as chat:
        answer = asking(chat)
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        world.anna.presses(world.anna.chat.last, "Yes")
        query = world.anna.presses(world.anna.chat.last, "No", stale=True)
        assert await answer == "Yes"
        await world.telegram.until(lambda: world.telegram.queries[query].notice)

    notice = world.telegram.queries[query].notice
    assert notice
    assert notice.text == "This question has been answered: Yes."


async def test_no_answer_in_time_is_none_and_a_late_press_is_told_so(world: World) -> None:
    async with world.talking() as chat:
        answer = asking(chat)
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        world.clock.advance(121)
        assert await answer is None
        await world.telegram.until(lambda: not world.anna.chat.last.labels)
        query = world.anna.presses(world.anna.chat.last, "Yes", stale=True)
        await world.telegram.until(lambda: world.telegram.queries[query].notice)

    assert "expired" in world.anna.chat.last.text


async def test_a_new_plan_ends_the_question_about_the_old_one(world: World) -> None:
    async with world.talking() as chat:
        old = asking(chat, "plan 1")
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 1)
        new = asking(chat, "plan 2")
        assert await asyncio.wait_for(old, LONG_ENOUGH) is None
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 2)
        first, second = world.anna.chat.from_bot
        query = world.anna.presses(first, "Yes", stale=True)
        await world.telegram.until(lambda: world.telegram.queries[query].notice)
        assert not new.done()
        world.anna.presses(second, "Yes")
        assert await new == "Yes"

    notice = world.telegram.queries[query].notice
    assert notice
    assert "Nothing was done" in notice.text
    assert "plan has changed" in first.text


async def test_a_question_of_an_earlier_process_is_closed(world: World) -> None:
    async with world.talking() as chat:
        abandoned = asking(chat)
        await world.telegram.until(lambda: world.anna.chat.from_bot)
    async with world.talking():  # killed: nobody closed it
        query = world.anna.presses(world.anna.chat.last, "Yes", stale=True)
        await world.telegram.until(lambda: world.telegram.queries[query].notice)
        await world.telegram.until(lambda: not world.anna.chat.last.labels)

    abandoned.cancel()
    notice = world.telegram.queries[query].notice
    assert notice
    assert notice.text == "This question is closed. Nothing was done."
    assert "is closed" in world.anna.chat.last.text, (
        "by the start, or by the press if that is first"
    )


async def test_a_question_can_be_given_more_time(world: World) -> None:
    async with world.talking() as chat:
        answer = asyncio.create_task(
            chat.ask(
                chat=ANNA,
                thread=None,
                person=ANNA,
                plan_hash="plan",
                text="Take your time.",
                choices=("Yes",),
                within=timedelta(hours=1),
            )
        )
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        world.clock.advance(1800)
        await world.asks(world.anna, "/help")
        world.anna.presses(world.anna.chat.from_bot[0], "Yes")
        assert await answer == "Yes"
