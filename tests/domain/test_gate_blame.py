"""Whether what fails at the gate is the version's fault, or lies around it."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.gate_signs import Sign, SignKind
from bot.domain.gate_verdict import judge
from bot.domain.update_gate import LOGGED_IN, Patience, Sample, Verdict
from bot.domain.update_words import blamed_words
from tests.fakes_update_gate import (
    BASELINE,
    NEW,
    answers,
    good_sample,
    seen_container,
    sign,
    wanted_version,
)

PATIENCE = Patience(stable=60, timeout=90)
DISK = 'OSError: [Errno 28] No space left on device: "/media"'
GONE = "django.db.utils.OperationalError: server closed the connection unexpectedly"
BUG = "ImportError: x"


def cause(text: str, kind: SignKind = SignKind.TRACEBACK, **changes: Any) -> Sign:
    return sign(kind, text, passing="OperationalError" in text, **changes)


def shown(seconds: int, *signs: Sign, every: int = 8, **look: Any) -> list[Sample]:
    """So many seconds, and now and then *signs* in the log."""
    return [
        good_sample(at, **look, signs=() if at % every else signs) for at in range(0, seconds, 2)
    ]


def looping(*signs: Sign) -> list[Sample]:
    """A server that Docker starts again every few seconds."""
    return [
        good_sample(
            at,
            ready=None,
            containers=(seen_container("server", restarts=at // 4), seen_container("worker")),
            signs=signs if at == 2 else (),
        )
        for at in range(0, 20, 2)
    ]


def looping_without_database(*signs: Sign) -> list[Sample]:
    return [replace(each, database=False) for each in looping(*signs)]


RESTARTS = sign(SignKind.RESTARTING)
MIGRATION = SignKind.MIGRATION
WITH_LOGIN = wanted_version(
    baseline=type(BASELINE)(login_page=200, root_config=200, login=LOGGED_IN)
)


@pytest.mark.parametrize(
    ("looks", "of_the_host"),
    [
        pytest.param(shown(40, cause(BUG, MIGRATION), ready=502), False, id="its migration"),
        pytest.param(shown(40, cause(DISK, MIGRATION), ready=502), True, id="no disk to migrate"),
        pytest.param(looping(cause(BUG)), False, id="it dies of its own"),
        pytest.param(looping(cause(GONE)), True, id="it dies for want of a database"),
        pytest.param(looping(cause(DISK)), True, id="it dies for want of disk"),
        pytest.param(looping(cause(GONE), cause(BUG)), False, id="the last cause counts"),
        pytest.param(looping(), False, id="it dies, and says nothing"),
        pytest.param(shown(90, cause(GONE), RESTARTS, ready=502), True, id="gunicorn, no database"),
        pytest.param(shown(90, RESTARTS, ready=502), False, id="gunicorn, without a cause"),
        pytest.param(shown(99, cause(GONE), ready=502), True, id="late, for want of a database"),
        pytest.param(shown(99, ready=502), False, id="late, and nobody knows why"),
        pytest.param(
            [*shown(80, ready=502), *(Sample(at=at, seen=False) for at in range(80, 99))],
            True,
            id="late, since Docker is away",
        ),
        pytest.param(
            shown(99, ready=502, database=False), True, id="late, and PostgreSQL lets nobody in"
        ),
        pytest.param(
            shown(99, ready=502, database=False)[:40] + shown(99, ready=502)[40:],
            False,
            id="late, long after PostgreSQL was back",
        ),
        pytest.param(looping_without_database(), True, id="it dies, and PostgreSQL is away"),
        pytest.param(
            looping_without_database(cause(BUG)), False, id="PostgreSQL is away, and it has a bug"
        ),
        pytest.param(
            shown(
                40,
                containers=(seen_container("server", version="2025.2.1"), seen_container("worker")),
                database=False,
            ),
            False,
            id="it is another version, wherever PostgreSQL is",
        ),
        pytest.param(
            [
                *shown(10, cause(GONE), ready=502),
                *(good_sample(at, answers=answers(login_page=500)) for at in range(10, 40)),
            ],
            False,
            id="a broken page, long after it had found its database",
        ),
        pytest.param(
            shown(40, cause(DISK), answers=answers(login_page=500)), True, id="a page, and no disk"
        ),
        pytest.param(
            shown(40, cause(DISK, service="worker"), answers=answers(login_page=500)),
            False,
            id="a page, and the worker has no disk",
        ),
    ],
)
def test_whose_fault_it_is(looks: list[Sample], of_the_host: bool) -> None:  # noqa: FBT001
    judged = [judge(looks[: n + 1], wanted_version(), PATIENCE) for n in range(len(looks))]

    last = next(each for each in judged if each.verdict is not Verdict.WAIT)

    assert (last.verdict, last.of_the_host) == (Verdict.ROLL_BACK, of_the_host), last


@pytest.mark.parametrize(("text", "of_the_host"), [(BUG, False), (DISK, True)])
def test_whose_fault_a_login_is(text: str, of_the_host: bool) -> None:  # noqa: FBT001
    looks = shown(40, cause(text), answers=answers(login="ak-stage-flow-error"))

    judged = judge(looks, WITH_LOGIN, PATIENCE)

    assert (judged.verdict, judged.of_the_host) == (Verdict.ROLL_BACK, of_the_host)


def test_it_is_named_that_postgresql_is_away() -> None:
    judged = judge(shown(99, ready=502, database=False), wanted_version(), PATIENCE)

    assert judged.reason.endswith("answers 502; PostgreSQL does not answer")


def test_what_lies_around_a_version_is_no_word_against_it() -> None:
    looks = looping(cause(DISK))
    judged = judge(looks, wanted_version(), PATIENCE)

    assert blamed_words(NEW, judged) == (
        f"{judged.reason} (which says nothing of the version: once that is mended, {NEW} can be"
        " tried again)"
    )
    own = judge(looping(cause(BUG)), wanted_version(), PATIENCE)
    assert blamed_words(NEW, own) == own.reason
