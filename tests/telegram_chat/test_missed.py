"""What could not arrive in a chat is told there once it can be written to again."""

from tests.bot_api.errors import bad_request
from tests.bot_api.faults import answer_lost
from tests.bot_api.responses import failed
from tests.telegram_chat.test_sender import write
from tests.telegram_chat.world import ANNA, BORIS, World

MISSED = "could not be delivered here"


def sole_admin(world: World) -> None:
    world.allowed = frozenset({ANNA})


async def given_up(world: World, *texts: str, chat: int = ANNA) -> None:
    await write(world, *texts, chat=chat)
    await world.all_sent()


async def test_whoever_unblocks_the_bot_hears_how_much_they_missed_and_the_newest_of_it(
    world: World,
) -> None:
    sole_admin(world)
    async with world.talking():
        await world.asks(world.anna, "/help")
        await world.all_sent()
        world.anna.blocks_bot()
        await given_up(world, *(f"<b>alarm</b> {number}" for number in range(5)))
        world.clock.advance(3600)
        world.anna.unblocks_bot()
        await world.asks(world.anna, "/start")
        told = await world.said(MISSED)
        await world.all_sent()
        await world.asks(world.anna, "/help")
        await world.all_sent()

    head, *said, last = told.text.split("\n\n")
    assert head == (
        "⚠️ 5 messages could not be delivered here, the first at 12:00 (1 h ago)."
        " The newest of them said:"
    )
    assert said == [f"12:00 (1 h ago)\nalarm {number}" for number in (2, 3, 4)]
    assert last == "/status and /jobs show how things are now."
    assert len([each for each in world.anna.chat.texts if MISSED in each]) == 1


async def test_it_is_known_after_a_restart_and_told_once(world: World) -> None:
    sole_admin(world)
    world.anna.blocks_bot()
    async with world.talking():
        await given_up(world, "alarm")
    world.anna.unblocks_bot()
    for _ in range(2):
        async with world.talking():
            await world.asks(world.anna, "/start")
            await world.said(MISSED)
            await world.all_sent()

    [told] = [each for each in world.anna.chat.texts if MISSED in each]
    assert told.startswith("⚠️ A message could not be delivered here, at 12:00 (just now). It said:")


async def test_who_is_gone_again_before_hearing_of_it_hears_of_it_later(world: World) -> None:
    sole_admin(world)

    def blocks(request: object, perform: object) -> object:  # noqa: ARG001
        world.anna.blocks_bot()
        return perform()  # type: ignore[operator]

    world.anna.blocks_bot()
    async with world.talking():
        await given_up(world, "alarm")
        world.anna.unblocks_bot()
        world.telegram.fail("sendMessage", blocks, skip=1)  # type: ignore[arg-type]
        await world.asks(world.anna, "/start")
        await world.all_sent()
        assert not world.anna.chat.saying(MISSED)
        world.anna.unblocks_bot()
        await world.asks(world.anna, "/start")
        told = await world.said(MISSED)

    assert told.text.startswith("⚠️ A message could not")
    assert "alarm" in told.text


async def test_much_is_told_in_one_message(world: World) -> None:
    sole_admin(world)
    world.anna.blocks_bot()
    async with world.talking():
        await given_up(world, *(f"{number} " + "&lt;x&gt; " * 900 for number in range(40)))
        world.anna.unblocks_bot()
        await world.asks(world.anna, "/start")
        told = await world.said("40 messages")

    assert told.text.count("(cut)") == 3
    assert "39 <x> <x>" in told.text


async def test_others_hear_at_once_and_who_was_away_when_they_are_back(world: World) -> None:
    world.boris.blocks_bot()
    async with world.talking():
        await given_up(world, "for boris", chat=BORIS)
        await world.said("It said:\n\nfor boris")
        world.boris.unblocks_bot()
        await world.asks(world.boris, "/start")
        await world.said(MISSED, world.boris.chat)
        await world.all_sent()

    assert not world.anna.chat.saying(MISSED)


async def test_what_telegram_does_not_take_comes_to_a_sole_admin_in_plain_words(
    world: World,
) -> None:
    sole_admin(world)
    refusal = bad_request("BUTTON_DATA_INVALID")
    world.telegram.fail("sendMessage", lambda _, __: failed(refusal))
    async with world.talking():
        await write(world, "<b>worker</b> has crashed")
        told = await world.said("has crashed")
        await world.all_sent()

    assert told.text == (
        "⚠️ A message could not be delivered here as it was: Button_data_invalid. It said:\n\n"
        "worker has crashed"
    )
    assert len(world.anna.chat.from_bot) == 1


async def test_where_plain_words_are_refused_as_well_the_next_that_arrives_brings_it(
    world: World,
) -> None:
    sole_admin(world)
    refusal = bad_request("SOMETHING_NEW")
    world.telegram.fail("sendMessage", lambda _, __: failed(refusal), times=2)
    async with world.talking():
        await given_up(world, "worker has crashed")
        assert world.anna.chat.from_bot == []
        await world.asks(world.anna, "/help")
        told = await world.said(MISSED)
        await world.all_sent()

    assert told.text.startswith("⚠️ A message could not be delivered here, at 12:00")
    assert "worker has crashed" in told.text
    assert len(world.anna.chat.from_bot) == 2


async def test_what_may_have_arrived_is_not_counted(world: World) -> None:
    sole_admin(world)
    world.telegram.fail("sendMessage", answer_lost)
    async with world.talking():
        await write(world, "alarm")
        await world.eventually(lambda: len(world.anna.chat.from_bot) == 2)
        await world.all_sent()
        await world.asks(world.anna, "/help")
        await world.all_sent()

    assert not world.anna.chat.saying(MISSED)
