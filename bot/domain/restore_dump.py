"""Whether a dump that a person made can serve here, and with which image: decided from its rows."""

from bot.domain.components import POSTGRES
from bot.domain.errors import RefusedError
from bot.domain.manifest import DatabaseFacts
from bot.domain.plausibility import doubts
from bot.domain.restore import UNTOUCHED
from bot.domain.restore_plan import (
    IMAGE_TAG,
    Choice,
    Found,
    family_of,
    repository_of,
    require_redis,
    sessions_after,
)
from bot.domain.restore_room import require_room

DUMP_PARTS = (POSTGRES,)
"""What of a stack a dump replaces."""


def choose_for_dump(facts: DatabaseFacts, found: Found, version_now: str | None) -> Choice:
    """What would serve with the database that *facts* tell of.

    A dump of the version that runs keeps its image, whatever that is called.

    Raises:
        RefusedError: it is not Authentik's, has no user, does not tell its version, or does not
            fit this stack.
    """
    _require_authentik(facts)
    version = version_of(facts)
    require_redis(version, has_redis=found.has_redis, with_redis=False, has_database=True)
    require_room(found.room, database=facts.size, files={})
    is_same = version == version_now
    return Choice(
        components=(),
        folders=(),
        database=True,
        sessions=sessions_after(found, with_redis=False, has_database=True),
        image=found.image if is_same else f"{repository_of(found.image)}:{version}",
        image_digest=None,
        room=found.room,
        warnings=_warnings(version, version_now),
    )


def version_of(facts: DatabaseFacts) -> str:
    """The version of Authentik that used the database last, as far as its own history tells.

    Raises:
        RefusedError: there is none, or nothing that can be an image's tag.
    """
    version = facts.versions[-1].version if facts.versions else ""
    if not IMAGE_TAG.fullmatch(version) or family_of(version) is None:
        raise RefusedError(
            "the dump does not tell of which version of Authentik it is:"
            ' there is none in its "authentik_version_history"',
            hint=f"{UNTOUCHED} Load it by hand, as deploy/RUNBOOK.md shows, into a stack of that"
            " version.",
        )
    return version


def _require_authentik(facts: DatabaseFacts) -> None:
    missing = doubts(facts, None, None)
    if not any(schema.migrations for schema in facts.schemas.values()):
        missing = (*missing, 'there is nothing in its "django_migrations"')
    if missing:
        raise RefusedError(
            f"the dump is not one of Authentik's whole database: {missing[0]}",
            hint=f"{UNTOUCHED} Dump the whole database, rows and all.",
        )


def _warnings(version: str, version_now: str | None) -> tuple[str, ...]:
    if family_of(version_now) == family_of(version):
        return ()
    now = version_now or "unknown"
    stays = f"compose files and folders stay as they are for Authentik {now}"
    return (f"{stays}; {version} may want others, see its release notes",)
