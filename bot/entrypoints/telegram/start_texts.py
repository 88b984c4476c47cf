"""What is told of a job that does not begin, or not yet. Pure, like `texts`."""

from bot.domain.errors import BotError
from bot.domain.jobs import Job
from bot.entrypoints.telegram.texts import Wall, problem, run_words


def busy(running: Job | None, error: BotError, wall: Wall, *, may_stop: bool) -> str:
    """Something else runs: what, since when, how far; *may_stop*: whoever asked may end it."""
    if running is None:
        return f"Not now: {problem(error)}\nNothing was begun."
    way = ", or send /cancel to stop it" if may_stop else ""
    return (
        f"Not now: {run_words(running, wall)}.\n"
        f"Nothing was begun. Ask again when it has ended{way}."
    )


def not_begun(error: BotError) -> str:
    """A job that could not even begin."""
    return f"❌ That did not begin: {problem(error)}\nThe stack is untouched."


def begins_late() -> str:
    """A job that takes its time to begin."""
    return (
        "It is about to begin: something that an earlier run left is being cleaned up first. "
        "You will hear from me; /jobs shows how far it is."
    )


def never_begun() -> str:
    """A job that took its time to begin, and whose beginning was cut off."""
    return (
        "❌ What you asked for never began: I was stopped before it could."
        " The stack is untouched. Ask again if you still want it."
    )
