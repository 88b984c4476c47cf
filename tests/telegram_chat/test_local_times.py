"""What the domain says in UTC is read on the clock of whoever reads it."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.incident import Incident, Opened, Trouble
from bot.domain.jobs import JobKind, JobState
from bot.entrypoints.telegram import incident_texts, job_list_texts, kinds
from bot.entrypoints.telegram.local_times import local
from bot.entrypoints.telegram.texts import Wall
from tests.telegram_chat.test_texts import make_job
from tests.telegram_chat.world import NOW

WALL = Wall(NOW, ZoneInfo("Europe/Helsinki"))  # 14:00 there
EVENT = "backup X came back in 3 s, newest event 2026-11-23 22:30 UTC"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("known since 2026-11-24 09:00 UTC only", "known since 11:00 (3 h ago) only"),
        ("it expires at 2026-11-27 22:00 UTC", "it expires at 28 Nov 00:00 (in 3 days 10 h)"),
        (
            "it has expired at 2025-11-24 12:00 UTC",
            "it has expired at 24 Nov 2025 14:00 (365 days ago)",
        ),
        ("2026-11-24 12:00 UTC, 2026-11-24 12:01 UTC", "14:00 (just now), 14:01 (in 1 min 0 s)"),
        ("2026-02-30 09:00 UTC", "2026-02-30 09:00 UTC"),
        ("9999-12-31 23:59 UTC", "9999-12-31 23:59 UTC"),
        ("the 2026-11-24 of a host, at 09:00 UTC", "the 2026-11-24 of a host, at 09:00 UTC"),
    ],
)
def test_moments_are_told_in_the_zone(text: str, shown: str) -> None:
    assert local(text, WALL) == shown


def test_a_drill_tells_the_newest_event_in_the_zone() -> None:
    job = replace(make_job(JobState.DONE, EVENT), kind=JobKind.DRILL)

    for text in (kinds.outcome(job, None, WALL).text, job_list_texts.job_details(job, WALL)):
        assert "newest event 00:30 (13 h ago)" in text


def test_a_certificate_tells_its_end_in_the_zone() -> None:
    incident = Incident(
        root="certificate of sso",
        trouble=Trouble.CERTIFICATE,
        image="",
        began=NOW - timedelta(minutes=5),
        opened=NOW,
        detail="it expires at 2026-11-27 22:00 UTC",
    )

    opened = incident_texts.opened(Opened(incident), WALL)
    for text in (opened, incident_texts.open_line(incident, WALL)):
        assert "xpires at 28 Nov 00:00 (in 3 days 10 h)" in text
