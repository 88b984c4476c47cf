"""New versions, told to everybody on the list, each once."""

from datetime import timedelta

from bot.domain.update_holds import Hold, HoldKind
from bot.domain.update_news import NewRelease, NoAnswer
from tests.telegram_chat.rolls import make_update
from tests.telegram_chat.world import NOW, World

PLACE = "ghcr.io/goauthentik/server"
NOTES = "https://github.com/goauthentik/authentik/releases/tag/version%2F2025.4.4"
NEWS = NewRelease(
    place=PLACE, current="2025.2.1", target="2025.4.4", steps=2, notes=NOTES, security=False
)


async def test_a_new_version_comes_with_a_button_that_shows_its_way(world: World) -> None:
    world.rolls.update = make_update()
    async with world.talking() as chat:
        await chat.tell_news(NEWS)
        told = await world.said("New release: Authentik 2025.4.4 is out")
        await world.said("Authentik 2025.4.4 is out", world.boris.chat)
        assert "2025.2.1 runs here, 2 steps away" in told.text
        assert NOTES in told.text
        assert "/update shows the way" in told.text
        assert not told.silent
        world.anna.presses(told, "Show me the way")
        await world.said("Update Authentik 2025.2.1 to 2025.4.4?")


async def test_it_is_told_once_over_any_restart(world: World) -> None:
    for _ in range(2):
        async with world.talking() as chat:
            await chat.tell_news(NEWS)
            await chat.tell_news(NEWS)
            await world.all_sent()

    assert len(world.anna.chat.from_bot) == 1


async def test_a_security_release_is_marked(world: World) -> None:
    security = NewRelease(**{**vars(NEWS), "security": True, "steps": 1})
    async with world.talking() as chat:
        await chat.tell_news(NEWS)
        await chat.tell_news(security)
        told = await world.said("Security release: Authentik 2025.4.4 is out")

    assert "steps away" not in told.text


async def test_what_holds_a_security_release_back_stands_in_the_message(world: World) -> None:
    stuck = Hold(
        HoldKind.UNSETTLED, "the update <x> was given up: no answer", remedy='Run "akbot jobs".'
    )
    held = NewRelease(**{**vars(NEWS), "security": True, "holds": (stuck,)})
    async with world.talking() as chat:
        await chat.tell_news(held)
        told = await world.said("Security release: Authentik 2025.4.4 is out")

    assert 'Held back: the update <x> was given up: no answer. Run "akbot jobs".' in told.text


async def test_a_long_silence_is_told_with_its_reason(world: World) -> None:
    silence = NoAnswer(NOW - timedelta(days=3), "ask the registry <ghcr.io>: no answer")
    async with world.talking() as chat:
        await chat.tell_news(silence)
        told = await world.said("Since 21 Nov I cannot tell whether there is a newer Authentik")

    assert "Ask the registry <ghcr.io>: no answer." in told.text
