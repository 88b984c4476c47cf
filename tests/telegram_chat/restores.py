"""A restore in the chat, up to its plan, its last question, its job."""

from bot.domain.backup_id import BackupId
from bot.domain.jobs import Job
from bot.domain.messages import RunRestore
from tests.bot_api.chats import Chat, Message
from tests.telegram_chat.samples import make_preview, record
from tests.telegram_chat.world import World

NEWEST, OLDER = record(8.5), record(32)
YES, NO = "Yes, replace it now", "No, leave all as it is"
WORD = "restore"
"""What is typed in place of YES where rows are lost."""
FILES = make_preview(components=("media",), untouched=("postgres", "redis"))
"""A plan that loses no rows, so that a button does."""
UNDO = make_preview(manifest=None, backup_id=None, undo_of=BackupId("20261124T113000Z-aaaa"))


async def planned(world: World, text: str = "/restore latest", chat: Chat | None = None) -> Message:
    """The plan, as its question stands in the chat."""
    world.anna.says(text, chat)
    return await world.said("Go on? Nothing has been changed", chat)


async def last_question(world: World, plan: Message, chat: Chat | None = None) -> Message:
    """The second question, to which the plan has led."""
    world.anna.presses(plan, "Go on")
    return await world.said("Last question", chat)


def agree(world: World, last: Message) -> Message | str:
    """Say yes to the second question, by its button if there is one."""
    return world.anna.presses(last, YES) if YES in last.labels else world.anna.says(WORD, last.chat)


async def confirmed(world: World, text: str = "/restore latest") -> Job:
    """The job, after both questions."""
    agree(world, await last_question(world, await planned(world, text)))
    await world.telegram.until(lambda: world.operations.commands)
    return world.operations.all_jobs[0]


def restore_in(world: World) -> RunRestore:
    [command] = world.operations.commands
    assert isinstance(command, RunRestore)
    return command
