"""The table of the chat's commands: what each does, who may, and how it is offered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.roles import Act, ChatRole, may
from bot.entrypoints.telegram import role_texts, texts
from bot.entrypoints.telegram.asked import Asked
from bot.entrypoints.telegram.commands import Commands
from bot.entrypoints.telegram.texts import Answer


@dataclass(frozen=True)
class Command:
    """One row of the table: what it does, who may, and its line in the help and in the menu."""

    run: Callable[[Commands, Asked], Awaitable[Answer]]
    act: Act
    line: str


async def _help(commands: Commands, asked: Asked) -> str:
    role = commands.permits.role_of(asked.person)
    return texts.help_text(menu(role), role_texts.your_role(role))


COMMANDS = {
    "backup": Command(Commands.backup, Act.BACKUP, "back up now; words after it become its label"),
    "backups": Command(
        Commands.backups, Act.BACKUPS, "list the backups; press one to see it and use it"
    ),
    "verify": Command(
        Commands.verify,
        Act.VERIFY,
        "read a backup back, byte by byte: I ask which, or take “latest” or an id",
    ),
    "drill": Command(
        Commands.drill,
        Act.DRILL,
        "prove a backup by restoring it: I ask which, or take “latest” or an id",
    ),
    "restore": Command(
        Commands.restore,
        Act.RESTORE,
        "let a backup serve again: I ask which, or take “latest” or an id; “undo” takes the last"
        " restore back. I show what changes and ask first",
    ),
    "update": Command(
        Commands.update,
        Act.UPDATE,
        "show the way to a newer Authentik: I ask to which, or take the version that follows; if it"
        " does not hold, the version of now comes back by itself",
    ),
    "rollback": Command(
        Commands.rollback,
        Act.ROLLBACK,
        "take the last update back; I show what that loses and ask first",
    ),
    "pin": Command(Commands.pin, Act.PIN, "keep the backup whose id follows, whatever its age"),
    "unpin": Command(Commands.unpin, Act.UNPIN, "let its age decide again"),
    "status": Command(Commands.status, Act.STATUS, "show the containers and the last good backup"),
    "jobs": Command(
        Commands.jobs,
        Act.JOBS,
        "show who asked for what; with an id or its beginning, all about one",
    ),
    "logs": Command(
        Commands.logs,
        Act.LOGS,
        "show what a container said last: “worker 100” for 100 lines of that one",
    ),
    "report": Command(
        Commands.report,
        Act.REPORT,
        "show the last seven days, or as many as follow, and what needs somebody",
    ),
    "version": Command(Commands.version, Act.VERSION, "show which versions run, and the newest"),
    "schedule": Command(Commands.schedule, Act.SCHEDULE, "show what begins by itself, and when"),
    "pause": Command(
        Commands.pause,
        Act.PAUSE,
        "let nothing begin by itself for a while: I ask for how long, or take 2h",
    ),
    "resume": Command(Commands.resume, Act.RESUME, "end that pause"),
    "mute": Command(
        Commands.mute,
        Act.MUTE,
        "tell of no new incident for a while: I ask for how long, or take 2h; “off” ends it",
    ),
    "cancel": Command(Commands.cancel, Act.CANCEL, "stop what is running"),
    "help": Command(_help, Act.HELP, "show what I can do"),
    "start": Command(_help, Act.HELP, ""),
}
UNKNOWN = Command(Commands.unknown, Act.HELP, "")


def menu(role: ChatRole | None = ChatRole.ADMIN) -> list[tuple[str, str]]:
    """The commands that somebody of that role is shown, each with its line."""
    shown = COMMANDS.items()
    return [(name, each.line) for name, each in shown if each.line and may(role, each.act)]
