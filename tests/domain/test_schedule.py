from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.errors import ConfigError
from bot.domain.schedule import Schedule, Slots, parse_schedule

BERLIN = ZoneInfo(
    "Europe/Berlin"
)  # 2026: forward on 29 March at 02:00, back on 25 October at 03:00


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots(expression: str, start: str, hours: float) -> list[str]:
    """Every slot of a span in Berlin, as UTC."""
    schedule = Schedule(expression, BERLIN)
    now, end = at(start), at(start) + timedelta(hours=hours)
    found: list[str] = []
    while (slot := schedule.next_after(now)) and slot <= end:
        found.append(f"{slot:%d %H:%M}")
        now = slot
    return found


@pytest.mark.parametrize(
    ("expression", "start", "hours", "expected"),
    [
        pytest.param(
            "30 3 * * *", "2026-11-23T00:00", 48, ["23 02:30", "24 02:30"], id="every night"
        ),
        pytest.param(
            "30 2 * * *",
            "2026-10-24T12:00",
            48,
            ["25 00:30", "26 01:30"],
            id="the hour that comes twice: at the first",
        ),
        pytest.param(
            "30 2 * * *",
            "2026-03-28T12:00",
            48,
            ["29 01:30", "30 00:30"],
            id="the hour that is skipped: once all the same",
        ),
        pytest.param(
            "*/30 * * * *",
            "2026-10-25T00:01",
            2,
            ["25 00:30", "25 01:00", "25 01:30", "25 02:00"],
            id="every half hour keeps to real time when the clock goes back",
        ),
        pytest.param(
            "*/30 * * * *",
            "2026-03-29T00:01",
            2,
            ["29 00:30", "29 01:00", "29 01:30", "29 02:00"],
            id="every half hour keeps to real time when the clock goes forward",
        ),
        pytest.param("0 0 30 2 *", "2026-01-01T00:00", 24, [], id="a date that never comes"),
        pytest.param("0 0 29 2 *", "2026-01-01T00:00", 24 * 900, ["28 23:00"], id="a leap day"),
    ],
)
def test_slots(expression: str, start: str, hours: float, expected: list[str]) -> None:
    assert slots(expression, start, hours) == expected


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Pacific/Kiritimati", "2026-11-23T13:30"),
        ("Pacific/Auckland", "2026-11-23T14:30"),
        ("Asia/Kathmandu", "2026-11-23T21:45"),
        ("UTC", "2026-11-24T03:30"),
        ("America/New_York", "2026-11-23T08:30"),
        ("Pacific/Honolulu", "2026-11-23T13:30"),
    ],
)
def test_every_night_wherever_that_is(zone: str, first: str) -> None:
    schedule, now = Schedule("30 3 * * *", ZoneInfo(zone)), at("2026-11-23T08:00")

    slots = list(schedule.slots(now, now + timedelta(days=3)))

    assert slots == [at(first) + timedelta(days=days) for days in range(3)]
    assert all(slot.tzinfo is UTC for slot in slots)
    quarters = Schedule("*/15 * * * *", ZoneInfo(zone)).slots(now, now + timedelta(minutes=30))
    assert list(quarters) == [now + timedelta(minutes=15), now + timedelta(minutes=30)]


def test_an_hour_that_comes_twice_is_in_order_far_from_utc_as_well() -> None:
    schedule = Schedule("*/30 * * * *", ZoneInfo("Pacific/Auckland"))
    start = at("2026-04-04T12:00")  # two hours before the clock goes back from 3 to 2

    slots = list(schedule.slots(start, start + timedelta(hours=4)))

    assert slots == [start + timedelta(minutes=30 * number) for number in range(1, 9)]


def test_the_newest_slot_that_was_missed() -> None:
    schedule = Schedule("0 * * * *", BERLIN)

    newest = schedule.last_until(at("2026-11-23T10:20"), at("2026-11-23T07:00"))

    assert newest == at("2026-11-23T10:00")
    assert schedule.last_until(at("2026-11-23T10:20"), at("2026-11-23T10:00")) is None


CRONS = [
    *("* * * * *", "*/7 * * * *", "*/30 1-4 * * *", "0 * * * *", "5 */6 * * *"),
    *("30 2 * * *", "15 3 * * *", "0 0 * * *", "59 23 * * *", "0 3 * * 1", "* * * * 0"),
    *("0 3 1 * *", "0 3 l * *", "30 2 * * l7", "0 0 29 2 *", "10 1 13 * 5"),
]
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]


@settings(max_examples=50)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)),  # noqa: DTZ001 - UTC is put on it
    st.sampled_from(CRONS),
    st.sampled_from(ZONES),
    st.timedeltas(timedelta(), timedelta(days=1)),
)
@example(datetime(2026, 10, 25, 0, 59), "30 2 * * *", "Europe/Berlin", timedelta(days=1))  # noqa: DTZ001
@example(datetime(2026, 10, 25, 1, 31), "*/30 1-4 * * *", "Europe/Berlin", timedelta(hours=1))  # noqa: DTZ001
@example(datetime(2026, 3, 29, 1, 30), "30 2 * * *", "Europe/Berlin", timedelta(hours=1))  # noqa: DTZ001
def test_the_newest_slot_is_the_last_one_of_all_there_were(
    moment: datetime, cron: str, zone: str, ago: timedelta
) -> None:
    schedule, now = Schedule(cron, ZoneInfo(zone)), moment.replace(tzinfo=UTC)

    all_of_them = list(schedule.slots(now - ago, now))

    assert schedule.last_until(now, now - ago) == max(all_of_them, default=None)


class Asked(tzinfo):
    """UTC, which counts how often it was asked."""

    count = 0

    def utcoffset(self, _: datetime | None) -> timedelta:
        self.count += 1
        return timedelta()

    def dst(self, _: datetime | None) -> timedelta:
        return timedelta()

    def tzname(self, _: datetime | None) -> str:
        return "UTC"


def test_the_newest_of_many_slots_costs_no_more_than_that_of_few() -> None:
    zone = Asked()
    schedule, now = Schedule("* * * * *", zone), at("2026-11-23T10:20")

    assert schedule.last_until(now, now - timedelta(hours=7)) == now
    within_hours, zone.count = zone.count, 0
    assert schedule.last_until(now, now - timedelta(days=7)) == now
    assert zone.count == within_hours


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - UTC is put on it
    st.sampled_from(["30 2 * * *", "0 3 * * 1", "*/15 * * * *", "5 */6 * * *", "59 23 * * *"]),
)
def test_the_next_slot_is_the_newest_one_once_it_has_come(moment: datetime, cron: str) -> None:
    schedule = Schedule(cron, BERLIN)
    now = moment.replace(tzinfo=UTC)

    slot = schedule.next_after(now)

    assert slot is not None
    assert slot > now
    assert schedule.last_until(slot, now) == slot
    assert schedule.last_until(slot - timedelta(microseconds=1), now) is None


@pytest.mark.parametrize(
    ("expression", "gap"),
    [
        pytest.param("0 * * * *", timedelta(hours=1), id="every hour"),
        pytest.param("30 3 * * *", timedelta(hours=25), id="every night, one of them is longer"),
        pytest.param(
            "0 8,20 * * *",
            timedelta(hours=12),
            id="twice a day, which is looked at for half a year",
        ),
        pytest.param("0 3 * * 1", timedelta(days=7, hours=1), id="every week"),
        pytest.param("0 3 1 1 *", timedelta(days=366), id="every year"),
        pytest.param("0 3 29 2 *", timedelta(days=366 * 5), id="too seldom to compare two"),
    ],
)
def test_the_longest_gap_between_two_slots(expression: str, gap: timedelta) -> None:
    assert Schedule(expression, BERLIN).longest_gap(at("2026-01-01T00:00")) == gap


@pytest.mark.parametrize("text", ["30 3 * * mon", "  30\t3 *  * mon\n"])
def test_what_is_read_is_the_expression_in_its_zone(text: str) -> None:
    read = parse_schedule(text, BERLIN, "AKBOT_BACKUP_SCHEDULE")

    assert read == Schedule("30 3 * * mon", BERLIN)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x" * 70, f'"{"x" * 60}" is not a cron expression'),
        (
            "0 0 31 " + ",".join(["2,4,6,9,11"] * 6) + " *",
            f'"{("0 0 31 " + ",".join(["2,4,6,9,11"] * 6))[:60]}" names a date that never comes',
        ),
    ],
)
def test_of_what_is_refused_a_line_is_shown(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_schedule(text, BERLIN, "AKBOT_BACKUP_SCHEDULE")

    assert str(refused.value) == f"AKBOT_BACKUP_SCHEDULE: {words}"


HOURLY = Slots(Schedule("0 * * * *", BERLIN), reach=timedelta(minutes=90))


@pytest.mark.parametrize(
    ("asked", "newest", "following"),
    [
        pytest.param(["10:20"], "10:00", "11:00", id="between two"),
        pytest.param(["10:00"], "10:00", "11:00", id="at one"),
        pytest.param(["10:20", "10:59"], "10:00", "11:00", id="before the next"),
        pytest.param(["10:20", "11:00"], "11:00", "12:00", id="when the next has come"),
        pytest.param(["10:20", "13:30"], "13:00", "14:00", id="after others were missed"),
        pytest.param(["10:20", "09:30"], "09:00", "10:00", id="after the clock was set back"),
    ],
)
def test_what_is_asked_for_every_minute(asked: list[str], newest: str, following: str) -> None:
    slots = replace(HOURLY)
    moments = [at(f"2026-11-23T{time}") for time in asked]
    told = [(slots.newest(now), slots.following(now)) for now in moments]

    assert told[-1] == (at(f"2026-11-23T{newest}"), at(f"2026-11-23T{following}"))


def test_a_slot_is_forgotten_once_it_is_out_of_reach() -> None:
    slots = Slots(Schedule("0 3 * * *", BERLIN), reach=timedelta(hours=2))
    slot = at("2026-11-23T02:00")

    for minutes, newest in ((0, slot), (119, slot), (120, None), (600, None)):
        assert slots.newest(slot + timedelta(minutes=minutes)) == newest
    assert slots.following(slot) == slot + timedelta(days=1)


def test_one_that_never_comes_is_asked_for_no_more() -> None:
    slots = Slots(Schedule("0 0 30 2 *", BERLIN), reach=timedelta(days=1))

    for minutes in range(3):
        now = at("2026-11-23T10:00") + timedelta(minutes=minutes)
        assert (slots.newest(now), slots.following(now)) == (None, None)


@pytest.mark.parametrize("text", ["off", "OFF", " off "])
def test_a_schedule_can_be_turned_off(text: str) -> None:
    assert parse_schedule(text, BERLIN, "AKBOT_BACKUP_SCHEDULE") is None


@pytest.mark.parametrize(
    "text",
    [
        *("never", "30 3 * *", "30 3 * * * *", "61 3 * * *", "@daily"),
        *("R R * * *", "r 3 * * *", "H H * * *", "H(0-5) 3 * * *", "R/5 3 * * *", "0 3 W * *"),
    ],
)
def test_anything_else_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ConfigError, match="cron expression") as refused:
        parse_schedule(text, BERLIN, "AKBOT_BACKUP_SCHEDULE")

    assert '"30 3 * * *"' in refused.value.hint


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 0 31 2,4,6 *", "0 0 31 apr *"])
def test_a_date_that_never_comes_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^AKBOT_BACKUP_SCHEDULE: .* never comes$") as refused:
        parse_schedule(text, BERLIN, "AKBOT_BACKUP_SCHEDULE")

    assert "a day that the month has" in refused.value.hint


@pytest.mark.parametrize(
    "text", ["0 0 29 2 *", "0 3 * mar-oct SUN", "0 3 L * *", "0 3 * * thu,fri", "0 3 * * 5#2"]
)
def test_what_comes_seldom_or_is_named_is_fine(text: str) -> None:
    assert parse_schedule(text, BERLIN, "AKBOT_BACKUP_SCHEDULE")
