"""What is planned, and when it comes next."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.agenda import Coming, Plan, coming
from bot.domain.schedule import Schedule

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_the_next_three_moments_are_told_by_the_clock_of_the_schedule() -> None:
    nightly = Schedule("30 3 * * *", BERLIN)
    plans = [
        Plan("backup", "AKBOT_BACKUP_SCHEDULE", nightly, timedelta(minutes=90)),
        Plan("drill", "AKBOT_DRILL_SCHEDULE", None),
    ]

    backup, drill = coming(plans, NOW)

    nights = tuple(datetime(2026, 11, day, 3, 30, tzinfo=BERLIN) for day in (25, 26, 27))
    assert backup == Coming("backup", "AKBOT_BACKUP_SCHEDULE", "30 3 * * *", 90, nights)
    assert [each.utcoffset() for each in backup.next] == [timedelta(hours=1)] * 3
    assert drill == Coming("drill", "AKBOT_DRILL_SCHEDULE", "off", 0, ())
