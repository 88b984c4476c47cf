"""What lies in PostgreSQL beside Authentik's database, and who removes it."""

from dataclasses import replace

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.findings import Level
from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.leftovers import Databases, judge_leftovers
from bot.domain.restore import KEPT, Kept
from bot.domain.update import PLAN, encode_plan
from tests.domain.test_kept import MADE
from tests.domain.test_update_recovery import PLAN as UPDATE

PAGE = 'deploy/RUNBOOK.md, "Half-done renames"'
OURS = "20261124t100000z_aaaa"  # the job's, as a database is named after it
OPEN = {"authentik": True, "postgres": True}
KEEPS_NOTHING = replace(MADE, plan={**MADE.plan, KEPT: ""})
ROLLBACK = replace(
    MADE,
    id=BackupId("20261125T100000Z-bbbb"),
    kind=JobKind.ROLLBACK,
    plan={PLAN: encode_plan(replace(UPDATE, job=MADE.id)), KEPT: Kept.FAILED},
)
AT_WORK = replace(MADE, state=JobState.STUCK, swept=False)
OTHER = replace(MADE, id=BackupId("20261124T100000Z-bbbb"))
PSQL = (
    """run: docker compose exec -T postgresql sh -c 'psql -U "$POSTGRES_USER" -d postgres' <<< """
)


def told(are_open: dict[str, bool], *jobs: Job) -> list[tuple[Level, str, str]]:
    found = judge_leftovers(Databases("authentik", OPEN | are_open), "postgresql", jobs)
    return [(each.level, each.message, each.remedy) for each in found]


@pytest.mark.parametrize(
    ("role", "meaning"),
    [
        ("restore", "loaded from a backup: perhaps not complete, perhaps in use for a while"),
        ("before", "what served before a restore or an update"),
        ("failed", "what an update has left that did not hold"),
    ],
)
@pytest.mark.parametrize("hop", ["", "_2"])
def test_each_is_named_with_what_it_was_and_what_removes_it(
    role: str, meaning: str, hop: str
) -> None:
    name = f"authentik_{role}_{OURS}{hop}"

    assert told({name: False}, OTHER) == [
        (
            Level.WARNING,
            f'the database "{name}" is left, {meaning}; no job in the journal keeps it',
            f"To use it see {PAGE}; to remove it {PSQL}'DROP DATABASE \"{name}\"'",
        )
    ]


@pytest.mark.parametrize("hop", ["", "_2"])
@pytest.mark.parametrize(
    ("jobs", "owner"),
    [
        pytest.param([MADE], MADE, id="kept"),
        pytest.param([AT_WORK], AT_WORK, id="at work"),
        pytest.param([KEEPS_NOTHING, ROLLBACK], ROLLBACK, id="taken over by a rollback"),
    ],
)
def test_what_a_job_keeps_or_works_on_is_said_with_the_job(
    jobs: list[Job], owner: Job, hop: str
) -> None:
    name = f"authentik_before_{OURS}{hop}"

    assert told({name: False}, *jobs) == [
        (Level.OK, f'kept for the way back, and removed in time: "{name}" by {owner.id}', "")
    ]


def test_what_its_job_keeps_no_more_is_left() -> None:
    [(level, _, _)] = told({f"authentik_failed_{OURS}": False}, KEEPS_NOTHING)

    assert level is Level.WARNING


def test_of_a_server_elsewhere_the_statement_is_named() -> None:
    name = f"authentik_failed_{OURS}"
    [left] = judge_leftovers(Databases("authentik", OPEN | {name: False}), "", [])

    assert left.remedy.endswith(f'to remove it run there: DROP DATABASE "{name}";')


@pytest.mark.parametrize(
    "name", ["authentik_before_hand", "nextcloud", f"before_{OURS}", "a_restore_x"]
)
def test_what_somebody_else_has_named_is_none(name: str) -> None:
    assert told({name: True}) == []


def test_one_that_was_left_closed_is_a_failure() -> None:
    statement = 'ALTER DATABASE "authentik" ALLOW_CONNECTIONS true'
    assert told({"authentik": False}, MADE) == [
        (
            Level.FAILURE,
            'nobody is let into the database "authentik", and no job is at work',
            f"See {PAGE}, then {PSQL}'{statement}'",
        )
    ]
    assert told({"authentik": False}, AT_WORK) == []
