"""What Authentik's role may do in PostgreSQL, beyond what Authentik asks of it."""

from dataclasses import dataclass

from bot.domain.errors import RefusedError
from bot.domain.findings import Finding, Level
from bot.domain.stack import Role


@dataclass(frozen=True)
class DatabaseRights:
    """Of the role *user*: *may_create* databases, and *owns* that of Authentik.

    It *may_work_from* the *maintenance* database, that in which others are made and renamed.
    """

    user: str
    is_superuser: bool
    may_create: bool
    owns: bool
    maintenance: str
    may_work_from: bool

    @property
    def lacking(self) -> str:
        """What it may not do that restore and update take, in words; "" for nothing."""
        said = {
            "may not create databases": self.may_create,
            "does not own Authentik's": self.owns,
            f'cannot work from the database "{self.maintenance}"': self.may_work_from,
        }
        lacks = [words for words, has_it in said.items() if not has_it]
        return f'the role "{self.user}" {" and ".join(lacks)}' if lacks else ""

    @property
    def remedy(self) -> str:
        """What gives it what it lacks."""
        role = f'"{self.user}"'
        needed = (
            *(() if self.may_create else (f"ALTER ROLE {role} CREATEDB",)),
            *(() if self.owns else (f"ALTER DATABASE … OWNER TO {role}",)),
        )
        by_sql = f"Give it that: {'; '.join(needed)}." if needed else ""
        by_name = "" if self.may_work_from else "Name one it may in AKBOT_MAINTENANCE_DATABASE."
        return " ".join(each for each in (by_sql, by_name) if each)


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


def require_rights(rights: DatabaseRights) -> None:
    """Raises RefusedError where the way back cannot be gone with that role."""
    if rights.lacking:
        raise RefusedError(
            f"{rights.lacking}, which restore and update take",
            hint=f"Nothing was changed. {rights.remedy}",
        )
