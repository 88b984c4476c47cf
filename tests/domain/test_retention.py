"""What stays and what goes: worked cases of the calendar, and what holds for every store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.backup_id import SUFFIX_ALPHABET, BackupId, make_backup_id
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.jobs import Trigger
from bot.domain.restore_choice import newest_to_restore
from bot.domain.retention import Policy, RetentionPlan, plan_retention
from tests.domain.test_manifest import MANIFEST, summary_of

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 23, 3, 40, tzinfo=UTC)
DAY = timedelta(days=1)
DAILY = Policy(last=1, daily=7, weekly=0, monthly=0)
SUFFIXES = [a + b + "aa" for a in SUFFIX_ALPHABET for b in SUFFIX_ALPHABET]


def backup(
    created: datetime,
    number: int = 0,
    *,
    state: BackupState = BackupState.GOOD,
    trigger: Trigger = Trigger.SCHEDULE,
    **changes: object,
) -> BackupRecord:
    backup_id = make_backup_id(created, SUFFIXES[number])
    manifest = replace(MANIFEST, id=backup_id, created=created, trigger=trigger)
    plain = BackupRecord(backup_id, state, summary=summary_of(manifest))
    return replace(plain, **changes)  # type: ignore[arg-type]


def parts(created: datetime, number: int = 0) -> BackupRecord:
    return backup(created, number, state=BackupState.INCOMPLETE, summary=None)


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def kept(plan: RetentionPlan) -> list[BackupId]:
    return [verdict.record.id for verdict in plan.verdicts if verdict.keep]


def deleted(plan: RetentionPlan) -> set[BackupId]:
    return {verdict.record.id for verdict in plan.doomed}


def reasons(plan: RetentionPlan) -> list[str]:
    return [verdict.reason for verdict in plan.verdicts]


CALENDAR = {
    "the newest of each day": (
        Policy(last=1, daily=2, zone=BERLIN, weekly=0, monthly=0),
        "*2026-11-23T10:00 2026-11-23T03:30 *2026-11-22T03:30 2026-11-21T03:30",
    ),
    "days without a backup do not count": (
        Policy(last=1, daily=3, zone=BERLIN, weekly=0, monthly=0),
        "*2026-11-23T03:30 *2026-09-01T03:30 *2025-02-03T03:30 2025-02-02T03:30",
    ),
    "a day is the local one": (
        Policy(last=1, daily=2, zone=BERLIN, weekly=0, monthly=0),
        "*2026-11-23T00:30 *2026-11-22T23:30 2026-11-22T00:15 2026-11-21T23:59",
    ),
    "the day on which the clock goes back has 25 hours": (
        Policy(last=1, daily=2, zone=BERLIN, weekly=0, monthly=0),
        "*2026-10-26T00:00 *2026-10-25T23:59 2026-10-25T02:30/1 2026-10-25T02:30 2026-10-25T00:00",
    ),
    "the day on which it goes forward has 23": (
        Policy(last=1, daily=2, zone=BERLIN, weekly=0, monthly=0),
        "*2026-03-29T23:59 2026-03-29T03:00 2026-03-29T01:59 2026-03-29T00:00 *2026-03-28T23:59",
    ),
    "weeks begin on Monday": (
        Policy(last=1, daily=0, weekly=2, monthly=0, zone=BERLIN),
        "*2026-11-23T00:00 *2026-11-22T23:59 2026-11-16T00:00 2026-11-15T23:59",
    ),
    "the last week of a year reaches into the next one": (
        Policy(last=1, daily=0, weekly=2, monthly=0, zone=BERLIN),
        "*2027-01-04T03:30 *2027-01-03T03:30 2027-01-01T03:30 2026-12-31T03:30 2026-12-27T03:30",
    ),
    "the first week of a year begins in the old one": (
        Policy(last=1, daily=0, weekly=1, monthly=0, zone=BERLIN),
        "*2025-01-05T03:30 2024-12-31T03:30 2024-12-30T03:30 2024-12-29T03:30",
    ),
    "months end on the 31st, 30th, 29th or 28th": (
        Policy(last=1, daily=0, weekly=0, monthly=5, zone=BERLIN),
        "*2028-03-31T03:30 2028-03-30T03:30 *2028-02-29T03:30 2028-02-28T03:30 *2028-01-31T03:30",
    ),
    "and in a common year": (
        Policy(last=1, daily=0, weekly=0, monthly=5, zone=BERLIN),
        "*2027-04-30T03:30 *2027-03-31T03:30 2027-03-29T03:30 *2027-02-28T03:30 *2027-01-31T03:30",
    ),
    "a backup on each 31st is one for each long month": (
        Policy(last=1, daily=0, weekly=0, monthly=4, zone=BERLIN),
        "*2026-10-31T03:30 *2026-08-31T03:30 *2026-07-31T03:30 *2026-05-31T03:30 2026-03-31T03:30",
    ),
    "a month is the local one": (
        Policy(last=1, daily=0, weekly=0, monthly=2, zone=NEW_YORK),
        "*2026-12-01T00:00 *2026-11-30T23:59 2026-11-01T00:00",
    ),
    "one backup may stand for its day, week and month": (
        Policy(last=1, daily=1, weekly=1, monthly=1, zone=BERLIN),
        "*2026-11-23T03:30 2026-11-22T03:30 2026-10-31T03:30",
    ),
    "the floor stays however old": (
        Policy(last=3, daily=1, weekly=0, monthly=0, zone=BERLIN),
        "*2026-11-23T03:30 *2024-01-01T03:30 *2020-01-01T03:30 2019-01-01T03:30",
    ),
    "without a rung everything stays": (
        Policy(last=1, daily=0, weekly=0, monthly=0, zone=BERLIN),
        "*2026-11-23T03:30 *2026-11-23T03:15 *2020-01-01T03:30",
    ),
}


@pytest.mark.parametrize(
    ("policy", "words"), [pytest.param(*case, id=name) for name, case in CALENDAR.items()]
)
def test_the_calendar(policy: Policy, words: str) -> None:
    """A star marks what stays, `/1` the second of two equal times of a wall clock."""
    records, wanted = [], []
    for number, word in enumerate(words.split()):
        text, _, fold = word.removeprefix("*").partition("/")
        wall = datetime.fromisoformat(text).replace(tzinfo=policy.zone, fold=int(fold or 0))
        records.append(backup(wall.astimezone(UTC), number))
        wanted += [records[-1].id] if word.startswith("*") else []

    assert kept(plan_retention(records, policy, records[0].created + DAY)) == wanted


def test_two_years_of_nights() -> None:
    """Pruned after each backup, as the schedule does, and never all at once."""
    policy = Policy(zone=BERLIN)
    store: list[BackupRecord] = []
    for night in range(731):
        wall = at("2025-01-01T03:30") + night * DAY
        store.append(backup(wall.astimezone(UTC)))
        plan = plan_retention(store, policy, store[-1].created + timedelta(minutes=10))
        assert len(plan.doomed) <= 3
        store = [verdict.record for verdict in reversed(plan.verdicts) if verdict.keep]

    dates = [f"{each.created.astimezone(BERLIN):%Y-%m-%d}" for each in reversed(store)]
    assert dates == [
        "2027-01-01", "2026-12-31", "2026-12-30", "2026-12-29", "2026-12-28", "2026-12-27",
        "2026-12-26", "2026-12-20", "2026-12-13", "2026-11-30", "2026-10-31", "2026-09-30",
        "2026-08-31", "2026-07-31", "2026-06-30", "2026-05-31", "2026-04-30", "2026-03-31",
        "2026-02-28",
    ]  # fmt: skip


def test_each_has_its_reason() -> None:
    policy = Policy(last=2, daily=2, weekly=2, zone=BERLIN, monthly=0)
    nights = [backup(NOW - days * DAY) for days in (0, 1, 2, 8)]
    again = backup(NOW - timedelta(hours=1), 1)

    assert reasons(plan_retention([*nights, again], policy, NOW)) == [
        "one of the 2 newest; newest of its day (2026-11-23); newest of its week (2026-W48)",
        "one of the 2 newest",
        "newest of its day (2026-11-22); newest of its week (2026-W47)",
        f"{nights[1].id} stands for its week",
        "older than the newest 2 days, 2 weeks that have a backup",
    ]


NEWER = [backup(NOW - days * DAY) for days in range(3)]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param(backup(NOW - 900 * DAY, pinned=True), "pinned", id="pinned"),
        pytest.param(
            backup(NOW - 900 * DAY, doubtful_pin=True),
            "pinned by somebody who is not trusted here",
            id="a stranger's pin",
        ),
        pytest.param(
            backup(NOW - 900 * DAY, state=BackupState.NOT_TRUSTED, summary=None, reason="unsigned"),
            "not trusted, so never deleted: unsigned",
            id="not trusted",
        ),
        pytest.param(
            backup(NOW - 900 * DAY, state=BackupState.INCOMPLETE, reason='"media" is missing'),
            'damaged, left for you to look at: "media" is missing',
            id="damaged",
        ),
        pytest.param(
            backup(NOW - 89 * DAY, trigger=Trigger.SAFETY),
            "safety backup made before a restore, kept until 2026-11-24 or later",
            id="safety backup",
        ),
        pytest.param(
            backup(NOW - 89 * DAY, trigger=Trigger.UPDATE),
            "backup made before an update, kept until 2026-11-24 or later",
            id="before an update",
        ),
        pytest.param(
            backup(NOW - 89 * DAY, state=BackupState.PARTIAL),
            "partial backup, kept until 2026-11-24 or later",
            id="partial",
        ),
        pytest.param(
            parts(NOW - timedelta(hours=23)),
            "parts of a backup, less than a day older than the newest good one",
            id="young parts",
        ),
        pytest.param(
            parts(NOW + 900 * DAY),
            "parts of a backup, less than a day older than the newest good one",
            id="parts from the future",
        ),
    ],
)
def test_kept_beside_the_calendar(record: BackupRecord, reason: str) -> None:
    plan = plan_retention([*NEWER, record], replace(DAILY, daily=3), NOW)

    assert not plan.stopped
    assert {each.record.id: each.reason for each in plan.verdicts}[record.id] == reason
    assert kept(plan) == [each.record.id for each in plan.verdicts]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param(
            backup(NOW - 93 * DAY, trigger=Trigger.SAFETY),
            "safety backup made before a restore, older than 90 days",
            id="safety backup",
        ),
        pytest.param(
            backup(NOW - 93 * DAY, trigger=Trigger.UPDATE),
            "backup made before an update, older than 90 days",
            id="before an update",
        ),
        pytest.param(
            backup(NOW - 93 * DAY, state=BackupState.PARTIAL),
            "partial backup, older than 90 days",
            id="partial",
        ),
        pytest.param(
            parts(NOW - timedelta(hours=25)),
            "parts of a backup that was never finished",
            id="parts",
        ),
    ],
)
def test_what_is_kept_for_a_time_goes(record: BackupRecord, reason: str) -> None:
    policy = replace(DAILY, daily=3)
    assert [each.reason for each in plan_retention([*NEWER, record], policy, NOW).doomed] == [
        reason
    ]


def test_a_safety_backup_takes_nobody_s_place() -> None:
    """It holds what somebody wanted to be rid of."""
    nights = [backup(NOW - days * DAY) for days in range(3)]
    safety = [
        backup(each.created + timedelta(minutes=5), 1, trigger=Trigger.SAFETY) for each in nights
    ]
    floor = Policy(last=3, daily=1, weekly=0, monthly=0)
    calendar = Policy(last=1, daily=3, weekly=0, monthly=0)

    for policy in (floor, calendar):
        assert not plan_retention([*nights, *safety], policy, NOW + DAY).doomed


def test_what_a_restore_takes_unasked_stays_behind_safety_backups() -> None:
    """Made before an update, it is no ordinary one, and three that are newer make it old."""
    safety = [backup(NOW - days * DAY, trigger=Trigger.SAFETY) for days in range(3)]
    before_an_update = backup(NOW - 100 * DAY, trigger=Trigger.UPDATE)
    night = backup(NOW - 101 * DAY)

    plan = plan_retention([*safety, before_an_update, night], Policy(last=1, daily=3), NOW)

    assert not plan.doomed
    stays = {each.record.id: each.reason for each in plan.verdicts}
    assert stays[before_an_update.id] == "the newest that a restore takes unasked"


def test_where_there_are_only_safety_backups_the_calendar_keeps_them() -> None:
    safety = [backup(NOW - days * DAY, trigger=Trigger.UPDATE) for days in (0, 100, 200, 300, 400)]

    assert kept(plan_retention(safety, Policy(last=1, daily=0, weekly=0, monthly=4), NOW)) == [
        each.id for each in safety[:4]
    ]


def test_the_newest_without_a_warning_stays() -> None:
    """However long a database without users was backed up since."""
    warned = [
        backup(each.created, summary=replace(each.summary, warnings=("no user",)))
        for each in (backup(NOW - days * DAY) for days in range(30))
        if each.summary
    ]
    sound = backup(NOW - 30 * DAY)

    plan = plan_retention([*warned, sound], DAILY, NOW)

    assert plan.verdicts[-1].keep
    assert plan.verdicts[-1].reason == "the newest without a warning"


def test_what_is_in_use_stays() -> None:
    records = [backup(NOW - days * DAY) for days in range(20)]
    doomed = plan_retention(records, DAILY, NOW).doomed[0].record.id

    plan = plan_retention(records, DAILY, NOW, {doomed: "is read by the drill x"})

    assert plan.verdicts[-1].reason == "is read by the drill x"
    assert doomed not in deleted(plan)


def test_uploads_older_than_a_day_are_discarded() -> None:
    old, young, used = (parts(NOW - timedelta(hours=age)).id for age in (25, 23, 26))

    plan = plan_retention(NEWER, DAILY, NOW, {used: "runs"}, [old, young, used])

    assert plan.uploads == (old,)
    assert not plan_retention([], DAILY, NOW, {}, [old]).uploads, "nothing tells the time"


def test_before_the_newest_backup_nothing_goes() -> None:
    records = [backup(NOW - days * DAY) for days in range(20)]
    leftover = parts(NOW - 30 * DAY)

    plan = plan_retention(
        [*records, leftover], DAILY, NOW - timedelta(seconds=1), {}, [leftover.id]
    )

    assert plan.stopped == (
        f"the clock says 2026-11-23 03:39 UTC, but the backup {records[0].id} is from"
        " 2026-11-23 03:40"
    )
    assert not plan.doomed
    assert not plan.uploads
    assert set(reasons(plan)) == {"nothing is deleted now"}


def test_what_a_stranger_dates_stops_nothing() -> None:
    records = [backup(NOW - days * DAY) for days in range(20)]
    planted = backup(NOW + 900 * DAY, state=BackupState.NOT_TRUSTED, summary=None)

    assert plan_retention([*records, planted], DAILY, NOW).doomed


def test_a_clock_in_2030_makes_nothing_old() -> None:
    """Neither by itself, nor once a backup or two were made by it."""
    nights = [backup(NOW - days * DAY) for days in range(7)]
    aside = [
        backup(NOW - 80 * DAY, 1, trigger=Trigger.SAFETY),
        backup(NOW - 70 * DAY, 2, trigger=Trigger.UPDATE),
        backup(NOW - 60 * DAY, 3, state=BackupState.PARTIAL),
    ]
    jumped = datetime(2030, 1, 1, tzinfo=UTC)
    assert not plan_retention([*nights, *aside], DAILY, jumped).doomed
    wrong = [backup(jumped + days * DAY) for days in range(2)]

    plan = plan_retention([*nights, *aside, *wrong], DAILY, jumped + DAY)

    assert deleted(plan) == {night.id for night in nights[5:]}, "as after any two backups"
    back = plan_retention([*nights, *aside, *wrong], DAILY, NOW + DAY)
    assert back.stopped
    assert not back.doomed


def test_nor_do_many_backups_of_that_clock() -> None:
    """From one of them to the next as much time passes as ever."""
    safety = backup(NOW - 80 * DAY, 1, trigger=Trigger.SAFETY)
    left = parts(NOW - timedelta(hours=1), 2)
    jumped = datetime(2030, 1, 1, tzinfo=UTC)
    wrong = [backup(jumped + days * DAY) for days in range(13)]
    policy = Policy(last=1, daily=15, weekly=0, monthly=0)

    def told(count: int) -> dict[BackupId, str]:
        records = [*NEWER, safety, left, *wrong[:count]]
        plan = plan_retention(records, policy, wrong[count - 1].created, {}, [left.id])
        assert bool(plan.uploads) is (left.id in deleted(plan))
        return {each.record.id: each.reason for each in plan.verdicts if not each.keep} | {
            each.record.id: f"stays: {each.reason}" for each in plan.verdicts if each.keep
        }

    jump = "kept: by the dates of the backups since, a clock has jumped"
    assert told(1)[left.id] == f"stays: parts of a backup, {jump}"
    assert told(2)[left.id] == "parts of a backup that was never finished"
    assert told(12)[safety.id] == f"stays: safety backup made before a restore, {jump}"
    assert told(13)[safety.id] == "safety backup made before a restore, older than 90 days"


@pytest.mark.parametrize(
    ("good", "goes", "too_much"),
    [
        pytest.param(4, 3, False, id="three are never too many"),
        pytest.param(7, 4, True, id="more than half"),
        pytest.param(8, 4, False, id="half"),
        pytest.param(100, 10, False, id="ten"),
        pytest.param(100, 11, True, id="eleven"),
    ],
)
def test_too_much_for_a_night(good: int, goes: int, *, too_much: bool) -> None:
    policy = Policy(last=1, daily=good - goes, weekly=0, monthly=0)
    rubbish = [parts(NOW - (days + 2) * DAY, 1) for days in range(20)]
    records = [backup(NOW - days * DAY) for days in range(good)]

    plan = plan_retention([*records, *rubbish], policy, NOW)

    assert len(plan.doomed) == goes + len(rubbish)
    assert bool(plan.too_much_unattended) is too_much


def test_what_is_too_much_is_told_in_numbers() -> None:
    records = [backup(NOW - days * DAY) for days in range(9)]

    plan = plan_retention(records, replace(DAILY, daily=4), NOW)

    assert plan.too_much_unattended == ("5 of 9 good backups would go at once, unattended 4 may")


def test_what_is_kept_aside_is_so_until_a_day_of_the_policys_zone() -> None:
    made = at("2026-11-20T00:30")
    records = [backup(made + 2 * DAY), backup(made, 1, trigger=Trigger.SAFETY)]
    policy = Policy(last=1, daily=1, weekly=0, monthly=0, zone=BERLIN)

    plan = plan_retention(records, policy, NOW)

    assert reasons(plan)[1].endswith("kept until 2027-02-18 or later")


def test_a_backup_stays_for_each_rule_that_it_fits() -> None:
    night = backup(NOW)

    def reason(**numbers: Any) -> str:
        (told,) = reasons(plan_retention([night], Policy(**numbers), NOW))
        return told

    assert reason(last=1, daily=1, weekly=1, monthly=1) == (
        "the newest; newest of its day (2026-11-23); newest of its week (2026-W48);"
        " newest of its month (2026-11)"
    )
    assert reason(last=2, daily=1, weekly=0, monthly=0) == (
        "one of the 2 newest; newest of its day (2026-11-23)"
    )


@pytest.mark.parametrize(("younger", "stays"), [(timedelta(), False), (timedelta(seconds=1), True)])
def test_parts_go_once_the_newest_good_backup_is_a_day_younger(
    younger: timedelta, *, stays: bool
) -> None:
    left = parts(NOW - DAY + younger, 1)

    plan = plan_retention([backup(NOW), left], DAILY, NOW, uploads=[left.id])

    assert (left.id in kept(plan)) is stays
    assert (left.id in plan.uploads) is not stays


def test_a_policy_keeps_at_least_one() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Policy(last=0)


# --- What holds for every store ------------------------------------------------------------------

moments = st.integers(0, 500 * 24 * 12).map(lambda count: NOW - count * timedelta(minutes=5))
states = st.sampled_from(
    [*[BackupState.GOOD] * 6, BackupState.PARTIAL, BackupState.NOT_TRUSTED, BackupState.INCOMPLETE]
)


@st.composite
def stores(draw: st.DrawFn) -> list[BackupRecord]:
    records = []
    for number in range(draw(st.integers(0, 40))):
        state = draw(states)
        record = backup(draw(moments), number, state=state, trigger=draw(st.sampled_from(Trigger)))
        if state is BackupState.NOT_TRUSTED or draw(st.integers(0, 19)) == 0:
            state = state if state is BackupState.NOT_TRUSTED else BackupState.INCOMPLETE
            record = replace(record, state=state, summary=None)
        elif draw(st.integers(0, 9)) == 0 and record.summary:
            record = replace(record, summary=replace(record.summary, warnings=("odd",)))
        records.append(replace(record, pinned=draw(st.integers(0, 9)) == 0))
    return draw(st.permutations(records))


policies = st.builds(
    Policy,
    last=st.integers(1, 5),
    daily=st.integers(0, 10),
    weekly=st.integers(0, 6),
    monthly=st.integers(0, 14),
    zone=st.sampled_from([UTC, BERLIN, NEW_YORK, ZoneInfo("Pacific/Apia")]),
)


def good_of(records: Sequence[BackupRecord]) -> list[BackupRecord]:
    good = [each for each in records if each.state is BackupState.GOOD]
    return sorted(good, key=lambda each: (each.created, each.id), reverse=True)


@given(stores(), policies)
def test_never_fewer_than_the_floor(records: list[BackupRecord], policy: Policy) -> None:
    stays = kept(plan_retention(records, policy, NOW))

    good = good_of(records)
    assert {each.id for each in good[: policy.last]} <= set(stays)
    assert len([each for each in good if each.id in stays]) >= min(policy.last, len(good))


@given(stores(), policies)
def test_what_a_restore_takes_unasked_stays(records: list[BackupRecord], policy: Policy) -> None:
    taken = newest_to_restore(good_of(records))

    assert taken is None or taken.id not in deleted(plan_retention(records, policy, NOW))


@given(stores(), policies)
def test_pinned_and_not_trusted_ones_stay(records: list[BackupRecord], policy: Policy) -> None:
    goes = deleted(plan_retention(records, policy, NOW))

    untouchable = [each for each in records if each.pinned or each.state is BackupState.NOT_TRUSTED]
    assert not goes & {each.id for each in untouchable}


@given(stores(), policies)
def test_every_record_has_one_verdict(records: list[BackupRecord], policy: Policy) -> None:
    plan = plan_retention(records, policy, NOW)

    assert sorted(each.record.id for each in plan.verdicts) == sorted(each.id for each in records)
    assert all(reasons(plan))


@given(stores(), policies)
def test_a_second_prune_finds_nothing(records: list[BackupRecord], policy: Policy) -> None:
    left = [each.record for each in plan_retention(records, policy, NOW).verdicts if each.keep]

    assert not plan_retention(left, policy, NOW).doomed


@given(stores(), policies, st.tuples(*[st.integers(0, 5)] * 4))
def test_a_wider_policy_keeps_more(
    records: list[BackupRecord], policy: Policy, more: tuple[int, int, int, int]
) -> None:
    assume(not policy.keeps_everything)  # 0 everywhere is the widest of all
    last, daily, weekly, monthly = more
    wider = replace(
        policy,
        last=policy.last + last,
        daily=policy.daily + daily,
        weekly=policy.weekly + weekly,
        monthly=policy.monthly + monthly,
    )

    assert deleted(plan_retention(records, wider, NOW)) <= deleted(
        plan_retention(records, policy, NOW)
    )


@given(
    stores(),
    policies,
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
)
def test_no_clock_deletes_more_than_the_right_one(
    records: list[BackupRecord], policy: Policy, wrong: datetime
) -> None:
    right = deleted(plan_retention(records, policy, NOW))
    for clock in (wrong, datetime(1970, 1, 1), datetime(2030, 1, 1)):  # noqa: DTZ001
        assert deleted(plan_retention(records, policy, clock.replace(tzinfo=UTC))) <= right


@given(stores(), policies, st.integers(1, 28))
def test_backups_of_a_clock_in_2030_make_nothing_old(
    records: list[BackupRecord], policy: Policy, count: int
) -> None:
    """What is kept for a time stays for as many days as without them."""
    jumped = datetime(2030, 1, 1, tzinfo=UTC)
    wrong = [backup(jumped + number * DAY, 40 + number) for number in range(count)]
    for_a_time = {
        each.id
        for each in records
        if each.created > NOW - 60 * DAY
        and each.summary
        and (
            each.state is BackupState.PARTIAL
            or (
                each.state is BackupState.GOOD
                and each.summary.trigger in {Trigger.SAFETY, Trigger.UPDATE}
            )
        )
    }

    assert not for_a_time & deleted(
        plan_retention([*records, *wrong], policy, jumped + count * DAY)
    )


@given(stores(), policies)
def test_a_backup_of_a_clock_in_2030_sweeps_no_parts(
    records: list[BackupRecord], policy: Policy
) -> None:
    """Those of a backup that another host is just making are among them."""
    wrong = backup(datetime(2030, 1, 1, tzinfo=UTC), 40)
    newest = max((each.created for each in records if each.summary), default=NOW)
    young = {each.id for each in records if not each.summary and each.created > newest - DAY}

    assert not young & deleted(plan_retention([*records, wrong], policy, wrong.created))


@given(stores(), policies)
def test_each_period_that_counts_has_a_backup_left(
    records: list[BackupRecord], policy: Policy
) -> None:
    plan = plan_retention(records, policy, NOW)
    for length, limit in (("%Y-%m-%d", policy.daily), ("%G-W%V", policy.weekly)):

        def periods(some: Sequence[BackupRecord], length: str = length) -> list[str]:
            zone = policy.zone
            names = {each.created.astimezone(zone).strftime(length) for each in some}
            return sorted(names, reverse=True)

        left = good_of([each.record for each in plan.verdicts if each.keep])
        assert periods(left)[:limit] == periods(good_of(records))[:limit]
