"""The rehearsal of an update: what is rehearsed, how long it took, and what was lost on the way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain.plural import count_of
from bot.domain.versions import Family, Version

SERVER, WORKER = "server", "worker"
"""What the services of a copy are called, at the gate too."""

_WITHOUT_REDIS = Family(2025, 10)  # facts §10
_FEW = 5  # rows that may expire or be tidied away by a good migration
_NAMED = 5
# Facts §11: what changes by itself, or what a rehearsal empties.
_MOVING = frozenset(
    {
        "authentik_tasks_workerstatus",
        "authentik_tasks_task",
        "authentik_tasks_tasklog",
        "authentik_tasks_schedules_schedule",
        "django_postgres_cache_cacheentry",
        "authentik_core_session",
        "authentik_core_authenticatedsession",
        "authentik_core_oldauthenticatedsession",
        "authentik_events_event",
        "authentik_events_notification",
        "authentik_policies_reputation_reputation",
    }
)
_MOVING_KINDS = ("django_channels_postgres_", "django_celery_", "django_session", "silk_")
# Of these not one may go: what people log in with, and to.
_CORE = frozenset(
    {
        "authentik_core_user",
        "authentik_core_group",
        "authentik_core_user_ak_groups",
        "authentik_core_application",
        "authentik_core_provider",
        "authentik_core_source",
        "authentik_core_usersourceconnection",
        "authentik_crypto_certificatekeypair",
        "authentik_flows_flow",
        "authentik_flows_flowstagebinding",
        "authentik_flows_stage",
        "authentik_policies_policy",
        "authentik_policies_policybinding",
        "authentik_stages_authenticator_static_staticdevice",
        "authentik_stages_authenticator_totp_totpdevice",
        "authentik_stages_authenticator_webauthn_webauthndevice",
    }
)


@dataclass(frozen=True)
class RehearsedHop:
    """One stop of the way: *image* for people, *image_id* as the Engine on this host knows it."""

    image: str
    image_id: str
    version: Version


@dataclass(frozen=True)
class HopTook:
    """Seconds that a hop took on the copy: its migrations, and from the start until all was well.

    The live stack migrates in its start, so there both are one.
    """

    version: str
    migration: float
    start: float

    @property
    def seconds(self) -> float:
        """About how long nobody is served by the live stack."""
        return self.migration + self.start


@dataclass(frozen=True)
class Rehearsed:
    """The whole way held; *load_seconds* is how long the copy took to be made."""

    hops: tuple[HopTook, ...]
    load_seconds: float

    @property
    def words(self) -> str:
        """In a sentence, for people."""
        each = (
            f"{hop.version} migrates in {hop.migration:.0f} s and serves after {hop.start:.0f} s"
            for hop in self.hops
        )
        return f"rehearsed on a copy of the database: {', '.join(each)}"


@dataclass(frozen=True)
class MigrationLook:
    """The migrations at one moment; *exit_code* None while they run.

    *rows* are those of `django_migrations` in every schema; *busy*: a session of theirs is at work,
    and neither idle nor waiting for a lock (facts §5.3).
    """

    exit_code: int | None
    rows: int
    busy: bool


def wants_redis(family: Family) -> bool:
    """Whether a version of *family* still uses Redis."""
    return family < _WITHOUT_REDIS


def lost_rows(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """What the migrations lost, in sentences; both sides count rows by `schema.table`.

    Of the tables that people log in with not a row may go; of the others more than a few is a loss,
    but not of those that change by themselves. A table that is gone was renamed where a new one has
    at least as many rows, and given up where it is not one of the first.
    """
    new = [after[table] for table in after.keys() - before.keys()]
    return _listed(
        words
        for table, rows in sorted(before.items())
        if (words := _loss(table, rows, after.get(table), new))
    )


def _loss(table: str, rows: int, left: int | None, new: Iterable[int]) -> str:
    name = table.rpartition(".")[2]
    is_core = name in _CORE
    if name in _MOVING or name.startswith(_MOVING_KINDS):
        return ""
    if left is None:
        moved = any(each >= rows for each in new)
        return (
            f'"{table}" is gone, with {count_of(rows, "row")}'
            if is_core and rows and not moved
            else ""
        )
    if rows - left > (0 if is_core else _FEW):
        return f'"{table}" has {count_of(left, "row")}, {rows:,} before'
    return ""


def _listed(losses: Iterable[str]) -> list[str]:
    every = list(losses)
    left = len(every) - _NAMED
    return [*every[:_NAMED], *([f"and {left} more tables"] if left > 0 else [])]
