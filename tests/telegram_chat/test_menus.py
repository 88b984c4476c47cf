"""The menu of commands: each person sees what they may do, and strangers nothing."""

import json
from typing import Any

import pytest

from bot.domain.roles import ChatPlace
from tests.bot_api.faults import server_error, too_many
from tests.bot_api.request import Request
from tests.telegram_chat.world import ANNA, OLGA, VERA, World

GROUP, OLD_GROUP = -1_001_000_000_021, -77


def menus(world: World) -> dict[tuple[Any, ...], list[str]]:
    """What each scope shows: its type, chat and person."""
    found = {}
    for text, commands in world.telegram.commands.items():
        scope = json.loads(text) if text else {"type": "default"}
        where = (scope["type"], scope.get("chat_id"), scope.get("user_id"))
        found[where] = [each["command"] for each in commands]
    return found


async def test_each_person_sees_what_they_may_do(world: World) -> None:
    world.telegram.commands[""] = [{"command": "backup", "description": "of an older akbot"}]
    async with world.talking():
        await world.eventually(lambda: ("chat", VERA, None) in menus(world))
        shown = menus(world)

    assert "restore" in shown["chat", ANNA, None]
    assert "backup" in shown["chat", OLGA, None]
    assert "restore" not in shown["chat", OLGA, None]
    assert "backup" not in shown["chat", VERA, None]
    assert "status" in shown["chat", VERA, None]
    assert shown["all_group_chats", None, None] == shown["chat", VERA, None]
    assert ("default", None, None) not in shown


async def test_in_named_groups_each_member_has_a_menu(world: World) -> None:
    world.telegram.supergroup(GROUP)
    world.groups = frozenset({ChatPlace(GROUP)})
    async with world.talking():
        await world.eventually(lambda: ("chat_member", GROUP, VERA) in menus(world))
        shown = menus(world)

    assert "restore" in shown["chat_member", GROUP, ANNA]
    assert "restore" not in shown["chat_member", GROUP, VERA]
    assert ("all_group_chats", None, None) not in shown


async def test_who_is_off_the_lists_keeps_no_menu(world: World) -> None:
    world.telegram.supergroup(GROUP)
    world.groups = frozenset({ChatPlace(GROUP)})
    theirs = {("chat", VERA, None), ("chat_member", GROUP, VERA)}
    async with world.talking():
        await world.asks(world.vera, "/help")
        await world.eventually(lambda: theirs <= menus(world).keys())
        await world.all_sent()
    world.viewers = frozenset()
    async with world.talking():
        await world.eventually(lambda: not theirs & menus(world).keys())

    assert "restore" in menus(world)["chat", ANNA, None]


async def test_who_is_off_the_lists_and_gone_is_not_asked_about_again(world: World) -> None:
    def about_vera() -> list[Request]:
        asked = world.telegram.seen("deleteMyCommands")
        return [each for each in asked if f'"chat_id": {VERA}' in each.text("scope")]

    async with world.talking():
        await world.asks(world.vera, "/help")
        await world.all_sent()
    world.viewers = frozenset()
    world.telegram.chat(VERA).bot = "never started"
    async with world.talking():
        await world.telegram.until(about_vera)
        await world.asks(world.anna, "/help")
        world.clock.advance(hours=2)
        await world.asks(world.anna, "/help")

    assert len(about_vera()) == 1


async def test_a_group_that_moved_unheard_keeps_no_menu_from_anybody(world: World) -> None:
    world.telegram.supergroup(GROUP)
    world.telegram.group(OLD_GROUP).upgraded_to = GROUP
    world.groups = frozenset({ChatPlace(OLD_GROUP)})
    async with world.talking():
        await world.eventually(lambda: ("chat_member", GROUP, VERA) in menus(world))
        assert ("chat", VERA, None) in menus(world)

    assert await world.moves.known() == {OLD_GROUP: GROUP}


async def test_a_group_that_moves_later_has_its_menus_again(world: World) -> None:
    group = world.telegram.group(OLD_GROUP)
    world.groups = frozenset({ChatPlace(OLD_GROUP)})
    async with world.talking():
        await world.eventually(lambda: ("chat_member", OLD_GROUP, VERA) in menus(world))
        world.anna.upgrades(group, GROUP)
        await world.eventually(lambda: ("chat_member", GROUP, VERA) in menus(world))


async def test_a_menu_that_cannot_be_registered_yet_is_tried_again(world: World) -> None:
    world.telegram.chat(VERA).bot = "never started"
    world.telegram.fail("setMyCommands", server_error, times=3)
    world.telegram.fail("setMyCommands", too_many(7), times=1)
    async with world.talking():
        await world.asks(world.anna, "/help")
        await world.eventually(lambda: ("chat", ANNA, None) in menus(world), seconds=10)
        assert ("chat", VERA, None) not in menus(world)
        await world.asks(world.vera, "/help")
        await world.eventually(lambda: ("chat", VERA, None) in menus(world), seconds=600)


async def test_the_log_says_in_words_whose_menu_is_not_registered(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.groups = frozenset({ChatPlace(GROUP)})
    world.telegram.fail("setMyCommands", server_error, times=50)
    world.telegram.fail("deleteMyCommands", server_error, times=50)
    async with world.talking():
        lines = ("for everybody else", "in groups", "of user 42", f"of user 42 in group {GROUP}")
        for each in lines:
            said = f"the menu of commands {each}: "
            await world.eventually(lambda said=said: said in caplog.text)  # type: ignore[misc]


async def test_help_shows_what_the_asking_person_may_do(world: World) -> None:
    async with world.talking():
        viewer = await world.asks(world.vera, "/help")
        operator = await world.asks(world.olga, "/help")
        admin = await world.asks(world.anna, "/help")

    assert "/backup:" not in viewer.text
    assert "You are a viewer. Operators and admins can do more." in viewer.text
    assert "/backup:" in operator.text
    assert "/restore:" not in operator.text
    assert "You are an operator. Admins can do more." in operator.text
    assert "/restore:" in admin.text
    assert "You are" not in admin.text
