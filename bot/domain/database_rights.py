"""What Authentik's role may do in PostgreSQL, beyond what Authentik asks of it."""

from dataclasses import dataclass

from bot.domain.findings import Finding, Level
from bot.domain.stack import Role


@dataclass(frozen=True)
class DatabaseRights:
    """Of the role *user*: *may_create* databases, and *owns* that of Authentik."""

    user: str
    is_superuser: bool
    may_create: bool
    owns: bool

    @property
    def lacking(self) -> str:
        """What it may not do that restore and update take, in words; "" for nothing."""
        lacks = (
            *(() if self.may_create else ("may not create databases",)),
            *(() if self.owns else ("does not own Authentik's",)),
        )
        return f'the role "{self.user}" {" and ".join(lacks)}' if lacks else ""

    @property
    def remedy(self) -> str:
        """The statements that give it what it lacks."""
        role = f'"{self.user}"'
        needed = (
            *(() if self.may_create else (f"ALTER ROLE {role} CREATEDB",)),
            *(() if self.owns else (f"ALTER DATABASE … OWNER TO {role}",)),
        )
        return f"Give it that: {'; '.join(needed)}"


def judge_outside(host: str) -> Finding:
    """What is said in the place of a container where the database is on *host*."""
    words = f'on "{host}", outside of the project'
    return Finding(Role.POSTGRESQL, Level.OK, words)


def judge_rights(rights: DatabaseRights) -> Finding | None:
    """A warning where backups work and the way back does not; None where all does."""
    if not rights.lacking:
        return None
    words = f"{rights.lacking}: backups work, restore and update are refused"
    return Finding("database role", Level.WARNING, words, rights.remedy)
