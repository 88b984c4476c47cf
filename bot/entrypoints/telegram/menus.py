"""The menu of commands that Telegram offers: each person sees what they may do, others nothing.

Who was on the lists before is known by what was written to them, as far back as the journal goes.
Nothing depends on a menu, so that its failure stops nothing: Telegram knows nobody's chat before
they have written to the bot once.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from telegram import (
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    BotCommandScopeChatMember,
    BotCommandScopeDefault,
)
from telegram.error import BadRequest, Forbidden, TelegramError

from bot.domain.roles import Access
from bot.entrypoints.telegram.client import ChatBot, FloodError, words
from bot.entrypoints.telegram.command_table import menu
from bot.entrypoints.telegram.moves import MovedGroups
from bot.entrypoints.telegram.waiting import Backoff
from bot.entrypoints.waiting import news_or_time
from bot.services.journal_ports import Outbox
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

_FIRST, _MOST = 5.0, 3600.0  # seconds between two rounds

Menu = Sequence[tuple[str, str]]


def menus(
    access: Access, moved: Mapping[int, int], earlier: Collection[int] = ()
) -> Iterator[tuple[BotCommandScope, Menu]]:
    """Which menu is seen where; nobody of the *earlier* people keeps theirs off the lists.

    A menu for one member needs the group's number. Where no group is named, all of them show what
    everybody on the lists may do.
    """
    yield BotCommandScopeDefault(), ()
    roles = access.people
    groups = sorted({moved.get(each.chat, each.chat) for each in access.groups})
    common = () if groups or not roles else menu(min(roles.values()))
    yield BotCommandScopeAllGroupChats(), common
    for person in sorted({*roles, *earlier}):
        shown = menu(roles[person]) if person in roles else ()
        yield BotCommandScopeChat(person), shown
        for group in groups:
            yield BotCommandScopeChatMember(group, person), shown


@dataclass(frozen=True)
class Menus:
    """Registers them, and tries those again that Telegram does not take yet."""

    access: Access
    moved: MovedGroups
    clock: Clock
    outbox: Outbox

    async def keep(self, bot: ChatBot) -> None:
        """Go on until all are registered, and register those of each group that moves."""
        backoff, earlier = Backoff(_FIRST, _MOST), await self.outbox.people()
        registered: list[tuple[BotCommandScope, Menu]] = []
        while True:
            wanted = list(menus(self.access, self.moved.known, earlier))
            left = [each for each in wanted if each not in registered]
            registered += [each for each in left if await self._attempt(bot, *each)]
            if all(each in registered for each in wanted):
                await self.moved.news.wait()
                self.moved.news.clear()
            elif await news_or_time(self.moved.news, self.clock, backoff.next()):
                backoff.reset()

    async def _attempt(self, bot: ChatBot, scope: BotCommandScope, commands: Menu) -> bool:
        try:
            if commands:
                await bot.set_my_commands(commands, scope=scope)
            else:
                await bot.delete_my_commands(scope=scope)
        except FloodError as error:
            await self.clock.sleep(error.seconds)
            return False
        except TelegramError as error:
            if not commands and isinstance(error, (BadRequest, Forbidden)):
                return True  # where nobody can be met, nobody has a menu
            logger.info("chat: the menu of commands %s: %s", _where(scope), words(error))
            return False
        return True


def _where(scope: BotCommandScope) -> str:
    match scope:
        case BotCommandScopeChatMember(chat_id=group, user_id=person):
            return f"of user {person} in group {group}"
        case BotCommandScopeChat(chat_id=person):
            return f"of user {person}"
        case BotCommandScopeAllGroupChats():
            return "in groups"
        case _:
            return "for everybody else"
