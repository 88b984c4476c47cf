"""What is told of a command that could not be answered. Pure, like `texts`."""

from bot.domain.errors import BotError
from bot.entrypoints.telegram.local_times import local
from bot.entrypoints.telegram.texts import Wall, problem


def command_failed(error: BotError, wall: Wall) -> str:
    """Why, and what to do about it."""
    return local(f"❌ That did not work: {problem(error)}", wall)
