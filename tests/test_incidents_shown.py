"""Incidents where there is no chat: in the log, and in what `akbot status` prints."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.incident import Closed, Incident, Opened, Reminded, Trouble
from bot.entrypoints.render import status_lines
from bot.services.incident_log import LoggedIncidents

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DISK = Incident(
    root="disk of /srv",
    trouble=Trouble.DISK,
    detail="91% used, 9.0 GB free",
    image="",
    began=NOW,
    opened=NOW,
)
CRASH = Incident(
    root="worker", trouble=Trouble.CRASHED, detail="exit code 1", image="", began=NOW, opened=NOW
)
END = NOW + timedelta(minutes=1)
WORDS = "disk of /srv is nearly full since 2026-11-24 12:00:00 UTC (91% used, 9.0 GB free)"


async def test_a_warning_in_the_log_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    log = LoggedIncidents()
    for incident in (DISK, CRASH):
        await log.opened(Opened(incident))
        await log.reminded(Reminded(incident))
        await log.closed(Closed(incident, END, is_here=False))

    assert [(each.levelno, each.getMessage()) for each in caplog.records] == [
        (logging.WARNING, WORDS),
        (logging.WARNING, f"still: {WORDS}"),
        (logging.WARNING, "disk of /srv is watched no more, after 60 s"),
        (logging.ERROR, "worker is crashed since 2026-11-24 12:00:00 UTC (exit code 1)"),
        (logging.ERROR, "still: worker is crashed since 2026-11-24 12:00:00 UTC (exit code 1)"),
        (logging.WARNING, "worker is no longer part of the stack, after 60 s"),
    ]


def test_the_status_has_a_line_for_each_under_the_containers() -> None:
    assert status_lines([], [], NOW, [DISK]) == [
        f"WARN  {WORDS}",
        "",
        "Last good backup: never (0 in the store)",
    ]
