"""The alarms of a bot without a chat, which stand in its log."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.alarms import Alarm, LateSuccess
from bot.domain.jobs import JobKind, JobState
from bot.services.alarms import LogTeller
from tests.domain.test_alarms import FOUR, run

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
BACKUP = "there is no good backup since 2026-11-26 12:00 UTC"
DRILL = "there is no drill that passed since 2026-11-26 12:00 UTC"
OVER = "the newest good backup is of 2026-11-26 12:00 UTC"


def alarm(kind: JobKind, number: int = 0) -> Alarm:
    return Alarm(
        kind=kind,
        good=NOW,
        baseline=NOW,
        opened=NOW,
        number=number,
        next=NOW + timedelta(days=1),
    )


async def test_each_kind_ends_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    teller = LogTeller()
    await teller.alarm(alarm(JobKind.DRILL))
    await teller.over(JobKind.BACKUP, NOW)
    await teller.alarm(alarm(JobKind.DRILL))
    await teller.alarm(alarm(JobKind.BACKUP))
    await teller.over(JobKind.BACKUP, NOW)
    await teller.over(JobKind.BACKUP, NOW)
    await teller.alarm(alarm(JobKind.DRILL))

    assert caplog.messages == [DRILL, BACKUP, OVER]


async def test_the_same_is_told_once_and_a_reminder_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    teller = LogTeller()
    for number in (0, 0, 1, 1):
        await teller.alarm(alarm(JobKind.BACKUP, number))

    assert caplog.messages == [BACKUP, BACKUP]


async def test_a_late_success_that_ends_an_alarm_is_the_one_line_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    teller, success = LogTeller(), LateSuccess(run(JobState.DONE, 22), tuple(FOUR[:2]))
    before = replace(alarm(JobKind.BACKUP), good=None, baseline=success.job.slot or NOW)
    await teller.alarm(before)
    await teller.over(JobKind.BACKUP, NOW, success)
    await teller.late(success)
    await teller.alarm(alarm(JobKind.BACKUP))
    await teller.over(JobKind.BACKUP, NOW, success)
    await teller.late(success)

    assert caplog.messages == [before.words, success.words, BACKUP, OVER]


async def test_a_late_success_is_told_once_whatever_ends_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    teller, success = LogTeller(), LateSuccess(run(JobState.DONE, 22), tuple(FOUR[:2]))
    await teller.late(success)
    await teller.over(JobKind.BACKUP, NOW)
    await teller.alarm(alarm(JobKind.DRILL))
    await teller.over(JobKind.DRILL, NOW)
    await teller.late(success)

    assert caplog.messages == [success.words, DRILL, OVER.replace("backup", "drill")]
