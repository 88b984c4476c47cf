"""What the daemon says of itself, and what a job that begins now would lack."""

from dataclasses import asdict, replace

import pytest

from bot.domain.daemon_report import (
    DEGRADED,
    DOCKER,
    FAILED,
    OK,
    DaemonReport,
    judge_readiness,
    parse_report,
    with_systems,
)

WELL = DaemonReport(chat="ok")


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (WELL, OK),
        (DaemonReport(), OK),
        (replace(WELL, chat="starting"), OK),
        (replace(WELL, paused="planned work"), OK),
        (replace(WELL, chat="conflict"), DEGRADED),
        (replace(WELL, uncleaned=("a",)), DEGRADED),
        (replace(WELL, stuck=("a",)), DEGRADED),
        (replace(WELL, troubles=("the store is away",)), DEGRADED),
        (replace(WELL, chat="conflict", troubles=("the store is away",)), DEGRADED),
        (replace(WELL, failing=("the journal cannot be written",)), FAILED),
    ],
)
def test_whether_a_person_should_look(report: DaemonReport, status: str) -> None:
    assert report.status == status


def test_what_fails_outside_is_a_trouble_beside_the_others() -> None:
    report = with_systems(replace(WELL, troubles=("first",)), {DOCKER: "", "s3": "it is away"})

    assert report.troubles == ("first", "s3: it is away")


@pytest.mark.parametrize(
    ("failing", "systems", "lacking"),
    [
        ((), {}, ()),
        ((), {DOCKER: "", "a": "", "b": ""}, ()),
        ((), {DOCKER: "no answer"}, (f"{DOCKER}: no answer",)),
        ((), {DOCKER: "no answer", "a": ""}, (f"{DOCKER}: no answer",)),
        ((), {DOCKER: "", "a": "away", "b": ""}, ()),
        ((), {DOCKER: "", "a": "away", "b": "full"}, ("a: away", "b: full")),
        (("no journal",), {DOCKER: "no answer", "a": "away"}, None),
    ],
)
def test_a_job_needs_the_engine_and_one_store(
    failing: tuple[str, ...], systems: dict[str, str], lacking: tuple[str, ...] | None
) -> None:
    found = judge_readiness(replace(WELL, failing=failing), systems)

    assert found == (
        ("no journal", f"{DOCKER}: no answer", "a: away") if lacking is None else lacking
    )


def test_a_report_is_read_as_it_was_told() -> None:
    report = DaemonReport(
        running=("backup",),
        uncleaned=("a",),
        stuck=("b",),
        failing=("c",),
        troubles=("d", "e"),
        chat="ok",
        chat_words="it answers",
        next_backup="2026-11-24T03:30:00Z",
        paused="planned work",
    )
    told = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(report).items()}

    assert parse_report({"status": report.status, **told}) == report


def test_an_older_daemon_says_less() -> None:
    told = {"status": "ok", "chat": "ok", "chat_words": "it answers", "next_backup": ""}

    assert parse_report(told) == DaemonReport(chat="ok", chat_words="it answers")


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"chat": "ok", "chat_words": "", "next_backup": ""},
        {"status": "ok", "chat": 1, "chat_words": "", "next_backup": ""},
        {"status": "ok", "chat": "ok", "chat_words": "", "next_backup": "", "stuck": "a"},
    ],
)
def test_another_answer_is_none_of_a_daemon(document: object) -> None:
    assert parse_report(document) is None
