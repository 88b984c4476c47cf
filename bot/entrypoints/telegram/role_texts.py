"""What is told of roles: who may do what. Pure, like `texts`."""

from bot.domain.jobs import JobKind
from bot.domain.roles import Act, ChatRole, may, who_may
from bot.entrypoints.telegram.markup import plain


def refused(act: Act, role: ChatRole | None) -> str:
    """The answer to a command that is not for that role, short enough for a toast as well."""
    return f"/{act} is for {who_may(act)}. You can: {', '.join(_can(role))}."


def _can(role: ChatRole | None) -> list[str]:
    return [f"/{act}" for act in Act if may(role, act)]


def not_cancelled(kind: JobKind) -> str:
    """The answer to /cancel of what an operator may not stop."""
    return f"The {kind} that runs is stopped by admins only. Nothing was stopped."


def why_not_cancelled(kind: JobKind) -> str:
    """The same in short, for the list of what was asked for."""
    return f"admins alone stop a {kind}"


def your_role(role: ChatRole | None) -> str:
    """The line of /help that says why the list is as long as it is."""
    if role is None or role is ChatRole.ADMIN:
        return ""
    more = (
        "Admins can do more." if role is ChatRole.OPERATOR else "Operators and admins can do more."
    )
    return plain(f"You are {'an' if role is ChatRole.OPERATOR else 'a'} {role.word}. {more}")
