"""What a rehearsal's migrations may lose, and why they failed."""

from collections.abc import Mapping, Sequence

import pytest

from bot.domain.rehearsal import HopTook, Rehearsed, lost_rows, wants_redis
from bot.domain.rehearsal_log import LastWords, read_failure, unfinished, with_last_words
from bot.domain.versions import Family

USERS, GROUPS = "public.authentik_core_user", "public.authentik_core_user_ak_groups"
EVENTS, SESSIONS = "public.authentik_events_event", "public.authentik_core_session"
PLAIN, BINDINGS = "public.authentik_outposts_outpost", "t_one.authentik_policies_policybinding"


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        pytest.param({USERS: 3}, {USERS: 3, PLAIN: 9}, [], id="nothing"),
        pytest.param({USERS: 3}, {USERS: 4}, [], id="more than before"),
        pytest.param({USERS: 3}, {USERS: 2}, [f'"{USERS}" has 2 rows, 3 before'], id="one user"),
        pytest.param(
            {GROUPS: 2000}, {GROUPS: 0}, [f'"{GROUPS}" has 0 rows, 2,000 before'], id="memberships"
        ),
        pytest.param(
            {BINDINGS: 2}, {BINDINGS: 1}, [f'"{BINDINGS}" has 1 row, 2 before'], id="a tenant's"
        ),
        pytest.param(
            {"t.one.authentik_core_user": 3},
            {"t.one.authentik_core_user": 2},
            ['"t.one.authentik_core_user" has 2 rows, 3 before'],
            id="of a tenant whose name has a dot",
        ),
        pytest.param({PLAIN: 9}, {PLAIN: 4}, [], id="a few of another table"),
        pytest.param(
            {PLAIN: 10}, {PLAIN: 4}, [f'"{PLAIN}" has 4 rows, 10 before'], id="more than a few"
        ),
        pytest.param({EVENTS: 900, SESSIONS: 90}, {EVENTS: 0}, [], id="what changes by itself"),
        pytest.param(
            {"public.django_channels_postgres_message": 80},
            {"public.django_channels_postgres_message": 0},
            [],
            id="messages of a minute",
        ),
        pytest.param(
            {GROUPS: 7}, {"public.authentik_core_membership": 7}, [], id="a core table was renamed"
        ),
        pytest.param(
            {GROUPS: 7}, {USERS: 0}, [f'"{GROUPS}" is gone, with 7 rows'], id="a core table is gone"
        ),
        pytest.param({GROUPS: 0}, {}, [], id="an empty one is gone"),
        pytest.param({PLAIN: 7}, {}, [], id="another table was given up"),
    ],
)
def test_rows_that_vanish_are_named(
    before: Mapping[str, int], after: Mapping[str, int], lost: list[str]
) -> None:
    assert lost_rows(before, after) == lost


def test_of_many_tables_some_are_named() -> None:
    before = {f"public.authentik_x{number}": 100 for number in range(9)}

    lost = lost_rows(before, dict.fromkeys(before, 0))

    assert lost[-1] == "and 4 more tables"
    assert len(lost) == 6


@pytest.mark.parametrize(("tables", "rest"), [(5, []), (6, ["and 1 more tables"])])
def test_the_rest_is_counted_where_there_is_one(tables: int, rest: list[str]) -> None:
    before = {f"public.authentik_x{number}": 100 for number in range(tables)}

    assert lost_rows(before, dict.fromkeys(before, 0))[5:] == rest


@pytest.mark.parametrize(
    ("family", "wanted"),
    [(Family(2025, 2), True), (Family(2025, 8), True), (Family(2025, 10), False)],
)
def test_redis_is_used_up_to_2025_8(family: Family, wanted: bool) -> None:  # noqa: FBT001 - a table
    assert wants_redis(family) is wanted


CONSOLE = "2026-06-02 08:27:11 [info     ] applying django migrations"
TRACE = ["Traceback (most recent call last):", '  File "/lifecycle/migrate.py", line 4, in x']
APPLIED = ["  Applying authentik_core.0046_a...", " OK"]
APPLYING = "  Applying authentik_core.0047_b..."


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([], ""),
        ([CONSOLE], ""),
        (APPLIED, ""),
        ([*APPLIED, APPLYING], "authentik_core.0047_b"),
        ([APPLYING, '{"event": "between", "level": "info"}'], "authentik_core.0047_b"),
        ([APPLYING, "[standard:public] OK"], ""),
        (["  Applying authentik_core.0046_a... OK"], ""),
    ],
)
def test_the_migration_that_was_begun_last(lines: Sequence[str], name: str) -> None:
    assert unfinished(lines) == name


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param(
            [CONSOLE, *APPLIED, APPLYING, *TRACE, "psycopg.errors.UndefinedTable: relation x"],
            "fail at authentik_core.0047_b: psycopg.errors.UndefinedTable: relation x",
            id="a migration of Django",
        ),
        pytest.param(
            [*TRACE, "RuntimeError: Major version skips are not allowed."],
            "fail: RuntimeError: Major version skips are not allowed.",
            id="a family was skipped",
        ),
        pytest.param(
            [CONSOLE, "Secret key missing"], "fail: Secret key missing", id="without a traceback"
        ),
        pytest.param([], "fail: exit code 1", id="it says nothing"),
        pytest.param(
            [*TRACE, "psycopg.errors.UndefinedTable: relation x", CONSOLE],
            "fail: psycopg.errors.UndefinedTable: relation x",
            id="it says something after the cause",
        ),
        pytest.param([CONSOLE, "first", "last"], "fail: last", id="its last line"),
    ],
)
def test_why_migrations_failed(lines: Sequence[str], reason: str) -> None:
    failure = read_failure(lines, 1)

    assert failure.reason == reason
    assert not failure.of_the_host
    assert len(failure.proof) <= 12


def test_the_proof_of_a_failure_is_the_end_of_its_log() -> None:
    lines = [f"line {number}" for number in range(20)]

    assert read_failure(lines, 1).proof == tuple(lines[-12:])


@pytest.mark.parametrize(
    "words",
    [
        "psycopg.errors.DiskFull: could not extend file: No space left on device",
        "OSError: [Errno 12] Cannot allocate memory",
        "exec /usr/bin/dumb-init: exec format error",
        "psycopg.OperationalError: connection to server failed: Connection refused",
    ],
)
def test_what_the_host_lacks_is_no_fault_of_the_version(words: str) -> None:
    assert read_failure([*TRACE, words], 1).of_the_host


def test_the_last_error_says_whose_fault_it_is() -> None:
    away = [*TRACE, "django.db.utils.OperationalError: server closed the connection unexpectedly"]

    assert read_failure(away, 1).of_the_host
    assert not read_failure([*away, *TRACE, "ImportError: x"], 1).of_the_host


def test_the_last_words_of_a_service_that_ended_tell_why() -> None:
    asked = '{"event": "/-/health/ready/", "method": "GET", "status": 502}'
    said = ["starting", "loading", "ImportError: password=hunter2", asked]
    logs = {"worker": LastWords(["ready"]), "server": LastWords(said, ended=True)}

    reason, proof = with_last_words('"server" has ended', logs)

    assert reason == '"server" has ended; it said last: ImportError: password=***'
    assert proof == (
        "worker: ready",
        "server: starting",
        "server: loading",
        "server: ImportError: password=***",
    )


def test_one_that_runs_has_no_last_words() -> None:
    logs = {"server": LastWords(["System check identified no issues"])}

    assert with_last_words("it did not hold", logs)[0] == "it did not hold"
    assert with_last_words("it did not hold", {}) == ("it did not hold", ())


def test_what_held_says_how_long_it_took() -> None:
    rehearsed = Rehearsed((HopTook("2025.2.4", 7.4, 26.2),), load_seconds=3)

    assert rehearsed.hops[0].seconds == pytest.approx(33.6)
    assert rehearsed.words.endswith("2025.2.4 migrates in 7 s and serves after 26 s")
