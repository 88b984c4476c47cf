# ruff: noqa: ISC004 - the lines of a log
"""What is read out of Authentik's logs, as its families write them (facts §5.3, §11)."""

import json

import pytest

from bot.domain.gate_signs import Sign, SignKind, SignReader

FRAMES = """Traceback (most recent call last):
  File "/lifecycle/migrate.py", line 98, in run_migrations
    migrate(settings)
    ~~~~~~~^^^^^^^^^^
"""
IN_A_VIEW = """Traceback (most recent call last):
  File "/authentik/flows/views/executor.py", line 1, in get
    super().get()
"""
COLUMN = "psycopg.errors.UndefinedColumn: column authentik_core_user.uuid does not exist"


def signs_in(*texts: str) -> list[tuple[SignKind, str]]:
    reader = SignReader("server")
    return [(each.kind, each.text) for text in texts for each in reader.feed(text.splitlines())]


def line(event: str, **fields: str) -> str:
    return json.dumps({"event": event, "level": "error", "logger": "authentik", **fields})


GOOD_START = f"""{line("PostgreSQL connection successful")}
2026-06-02 08:27:08 [info     ] waiting to acquire database lock
2026-06-02 08:27:09 [info     ] Migration needs to be applied  migration=to_2025_12_dup.py
2026-06-02 08:27:11 [info     ] applying django migrations
  Applying authentik_core.0056_user_roles...
{line("something between")}
 OK
{line("releasing database lock")}
{line("Token matching query does not exist.")}
{line("/api/v3/core/users/?search=does+not+exist")}
{{"event": "cut off
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(GOOD_START, [], id="a good start"),
        pytest.param(
            line("gunicorn process died, restarting"),
            [(SignKind.RESTARTING, "gunicorn process died, restarting")],
            id="gunicorn, as JSON",
        ),
        pytest.param(
            "2026-06-02 08:27:08 [warning  ] gunicorn failed to start, restarting  logger=x",
            [(SignKind.RESTARTING,
              "2026-06-02 08:27:08 [warning  ] gunicorn failed to start, restarting  logger=x")],
            id="gunicorn, on the console",
        ),
        pytest.param(
            line("the server has exited unexpectedly"),
            [(SignKind.RESTARTING, "the server has exited unexpectedly")],
            id="the server from 2026.8 on",
        ),
        pytest.param(
            f'{FRAMES}django.db.utils.ProgrammingError: relation "x" does not exist\nLINE 1: ALTER',
            [(SignKind.MIGRATION,
              'django.db.utils.ProgrammingError: relation "x" does not exist')],
            id="a migration",
        ),
        pytest.param(
            f"{FRAMES}{line('between')}\n OK\npsycopg.errors.DeadlockDetected: deadlock detected",
            [(SignKind.MIGRATION, "psycopg.errors.DeadlockDetected: deadlock detected")],
            id="a migration's traceback with other programs' lines in it",
        ),
        pytest.param(
            f"{IN_A_VIEW}{COLUMN}\n\nThe above exception was the direct cause of the following"
            f" exception:\n\n{FRAMES}django.db.utils.ProgrammingError: column x",
            [(SignKind.SCHEMA, COLUMN),
             (SignKind.MIGRATION, "django.db.utils.ProgrammingError: column x")],
            id="one exception because of another",
        ),
        pytest.param(
            f"{FRAMES}django.db.migrations.exceptions.InconsistentMigrationHistory: Migration a is"
            " applied before its dependency b",
            [(SignKind.HISTORY,
              "django.db.migrations.exceptions.InconsistentMigrationHistory: Migration a is applied"
              " before its dependency b")],
            id="inconsistent history",
        ),
        pytest.param(
            f"{FRAMES}DuplicateNameError: Groups with the same name exist: a.",
            [(SignKind.GROUPS, "DuplicateNameError: Groups with the same name exist: a.")],
            id="duplicate groups",
        ),
        pytest.param(
            f"{FRAMES}RuntimeError: Major version skips are not allowed. Please upgrade again.",
            [(SignKind.SKIP,
              "RuntimeError: Major version skips are not allowed. Please upgrade again.")],
            id="family skipped",
        ),
        pytest.param(
            line("Exception in flow executor", exc="…", exception=f"{IN_A_VIEW}{COLUMN}\n"),
            [(SignKind.SCHEMA, COLUMN)],
            id="old code on a newer schema, as JSON",
        ),
        pytest.param(
            line("failed", exception=f"{IN_A_VIEW}{COLUMN}\n\nThe above exception was the direct"
                 f" cause of the following exception:\n\n{IN_A_VIEW}ValueError: no such user\n"),
            [(SignKind.TRACEBACK, "ValueError: no such user")],
            id="one exception because of another, as JSON",
        ),
        pytest.param(
            line("failed", exception=f"{FRAMES}django.db.utils.ProgrammingError: column x\n"),
            [(SignKind.MIGRATION, "django.db.utils.ProgrammingError: column x")],
            id="a migration, as JSON",
        ),
        pytest.param(
            line("failed", exception=f"{IN_A_VIEW}ValueError: no X"),
            [(SignKind.TRACEBACK, "ValueError: no X")],
            id="a traceback as JSON, without a line end",
        ),
        pytest.param(
            f"{IN_A_VIEW}{FRAMES}E: x",
            [(SignKind.MIGRATION, "E: x")],
            id="a traceback that another one cuts off",
        ),
        pytest.param(
            f"{FRAMES}{IN_A_VIEW}E: x",
            [(SignKind.TRACEBACK, "E: x")],
            id="the frames of one are not those of the next",
        ),
        pytest.param(
            'Traceback (most recent call last):\n\tFile "/lifecycle/migrate.py", line 1\nE: x',
            [(SignKind.MIGRATION, "E: x")],
            id="frames after a tab",
        ),
        pytest.param(
            line("failed", error="column x.y does not exist"),
            [(SignKind.SCHEMA, "failed column x.y does not exist")],
            id="an error, as JSON",
        ),
        pytest.param(
            json.dumps({"error": "column x.y does not exist"}),
            [(SignKind.SCHEMA, "column x.y does not exist")],
            id="without an event",
        ),
        pytest.param(
            line("failed", exc='null value in column "uuid" of relation "u" violates not-null'),
            [(SignKind.SCHEMA,
              'failed null value in column "uuid" of relation "u" violates not-null')],
            id="null value",
        ),
        pytest.param(
            f"{IN_A_VIEW}ValueError",
            [(SignKind.TRACEBACK, "ValueError")],
            id="another traceback",
        ),
    ],
)  # fmt: skip
def test_signs(text: str, found: list[tuple[SignKind, str]]) -> None:
    assert signs_in(text) == found


def test_a_traceback_may_come_in_several_reads() -> None:
    head, middle, tail = (
        "Traceback (most recent call last):",
        '  File "/lifecycle/migrate.py"',
        "E: x",
    )

    assert signs_in(head, middle, tail) == [(SignKind.MIGRATION, "E: x")]


@pytest.mark.parametrize(
    ("cause", "passing"),
    [
        ("django.db.utils.OperationalError: connection failed", True),
        ("psycopg.errors.DeadlockDetected: deadlock detected", True),
        ("ConnectionRefusedError: [Errno 111]", True),
        ("django.db.utils.ProgrammingError: column x does not exist", False),
    ],
)
def test_what_may_be_gone_by_itself(cause: str, passing: bool) -> None:  # noqa: FBT001
    [sign] = SignReader("worker").feed([*FRAMES.splitlines(), cause])

    assert sign == Sign(SignKind.MIGRATION, "worker", cause, passing)


def test_what_a_program_says_of_itself_does_not_pass() -> None:
    words = "gunicorn process died, restarting"

    assert [*SignReader("worker").feed([line(words)])] == [
        Sign(SignKind.RESTARTING, "worker", words, passing=False)
    ]


def test_a_sign_is_masked_and_short() -> None:
    [(_, text)] = signs_in(f"{FRAMES}ValueError: token=abcdef {'x' * 900}")

    assert text.startswith("ValueError: token=*** x")
    assert len(text) == 300
