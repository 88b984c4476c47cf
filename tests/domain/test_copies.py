"""What lies where, taken together, and what is to be copied."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.backup_id import make_backup_id
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.copies import AGAIN_AFTER_A_FAILURE, may_copy, merge_records, plan_copies
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.retention import Policy
from tests.domain.test_manifest import MANIFEST, summary_of
from tests.fakes_stack import NOW

GOOD, PARTIAL = BackupState.GOOD, BackupState.PARTIAL
INCOMPLETE, STRANGE = BackupState.INCOMPLETE, BackupState.NOT_TRUSTED
ALL = Policy(daily=0, weekly=0, monthly=0)
FEW = Policy(last=1, daily=1, weekly=0, monthly=0)


def record(days: int, state: BackupState = GOOD, reason: str = "") -> BackupRecord:
    created = NOW - timedelta(days=days)
    name = make_backup_id(created, "aaaa")
    summary = summary_of(replace(MANIFEST, id=name, created=created))
    return BackupRecord(name, state, reason, summary if state in {GOOD, PARTIAL} else None)


@pytest.mark.parametrize(
    ("first", "second", "state", "stores", "lacking"),
    [
        pytest.param(GOOD, GOOD, GOOD, ("a", "b"), (), id="in both"),
        pytest.param(GOOD, None, GOOD, ("a",), ("b",), id="in the first"),
        pytest.param(None, GOOD, GOOD, ("b",), ("a",), id="in the second"),
        pytest.param(INCOMPLETE, GOOD, GOOD, ("b",), ("a",), id="whole in the second alone"),
        pytest.param(STRANGE, GOOD, GOOD, ("b",), ("a",), id="a stranger's in the first"),
        pytest.param(STRANGE, INCOMPLETE, INCOMPLETE, ("b",), ("a",), id="in none whole"),
    ],
)
def test_a_backup_is_what_it_is_in_the_store_that_has_it_best(
    first: BackupState | None,
    second: BackupState | None,
    state: BackupState,
    stores: tuple[str, ...],
    lacking: tuple[str, ...],
) -> None:
    found = {
        "a": [record(1, first)] if first else [],
        "b": [record(1, second)] if second else [],
    }

    [merged] = merge_records(found)

    assert (merged.state, merged.stores, merged.lacking) == (state, stores, lacking)


def test_a_pin_holds_wherever_it_was_written_and_a_silent_store_is_named() -> None:
    [merged] = merge_records({"a": [record(1)], "b": [replace(record(1), pinned=True)]}, ["c"])

    assert merged.pinned
    assert merged.lacking == ("c (does not answer)",)


def test_another_backup_of_the_same_name_is_not_taken_for_the_same() -> None:
    other = record(1)
    assert other.summary
    other = replace(other, summary=replace(other.summary, actor="somebody"))

    [merged] = merge_records({"a": [record(1)], "b": [other]})

    assert merged.stores == ("a",)
    assert 'in store "b" it is good' in merged.reason


@pytest.mark.parametrize(
    ("first", "second", "policy", "copied"),
    [
        pytest.param([1, 2], [1, 2], ALL, [], id="nothing is missing"),
        pytest.param([1, 2, 3], [2], ALL, [1, 3], id="newest first"),
        pytest.param([], [1], ALL, [], id="the target has more"),
        pytest.param([1, 2, 3], [], FEW, [1], id="only what it would keep"),
        pytest.param([2], [1], FEW, [], id="it has a newer one"),
    ],
)
def test_a_store_gets_what_it_lacks_and_would_keep(
    first: list[int], second: list[int], policy: Policy, copied: list[int]
) -> None:
    found = {"a": [record(each) for each in first], "b": [record(each) for each in second]}

    plan = [each for each in plan_copies(found, {"a": ALL, "b": policy}, NOW) if each.target == "b"]

    assert [(each.record.id, each.sources) for each in plan] == [
        (record(each).id, ("a",)) for each in copied
    ]


@pytest.mark.parametrize(
    ("there", "is_copied"),
    [
        pytest.param(record(1, INCOMPLETE), True, id="parts are not in the way"),
        pytest.param(record(1, STRANGE), False, id="a stranger's is"),
        pytest.param(
            replace(record(1), state=INCOMPLETE, reason="postgres is missing"),
            False,
            id="so is a damaged one, for a person to look at",
        ),
    ],
)
def test_what_lies_in_the_way_decides(there: BackupRecord, is_copied: bool) -> None:  # noqa: FBT001
    plan = plan_copies({"a": [record(1)], "b": [there]}, {"a": ALL, "b": ALL}, NOW)

    assert bool(plan) is is_copied


def test_what_is_nowhere_whole_is_copied_nowhere_nor_with_a_wrong_clock() -> None:
    policies = {"a": ALL, "b": ALL}

    assert not plan_copies(
        {"a": [record(1, INCOMPLETE), record(2, STRANGE)], "b": []}, policies, NOW
    )
    assert not plan_copies({"a": [record(-1)], "b": []}, policies, NOW)


def test_each_store_that_lacks_it_gets_a_copy() -> None:
    found = {"a": [record(1)], "b": [], "c": []}

    plan = plan_copies(found, dict.fromkeys(found, ALL), NOW)

    assert sorted(each.target for each in plan) == ["b", "c"]


def ended(kind: JobKind, state: JobState, ago: timedelta) -> Job:
    began = NOW - ago - timedelta(hours=1)
    return Job(
        id=make_backup_id(began, "aaaa"),
        kind=kind,
        trigger=Trigger.SCHEDULE,
        actor="schedule",
        started=began,
        state=state,
        ended=NOW - ago,
    )


LONG, SHORT = AGAIN_AFTER_A_FAILURE, AGAIN_AFTER_A_FAILURE - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("jobs", "may"),
    [
        pytest.param([], True, id="never before"),
        pytest.param([(JobKind.BACKUP, JobState.FAILED, SHORT)], True, id="another kind"),
        pytest.param([(JobKind.COPY, JobState.DONE, SHORT)], True, id="the last one was good"),
        pytest.param([(JobKind.COPY, JobState.FAILED, SHORT)], False, id="it failed just now"),
        pytest.param([(JobKind.COPY, JobState.CANCELLED, SHORT)], False, id="a person ended it"),
        pytest.param([(JobKind.COPY, JobState.FAILED, LONG)], True, id="it failed long ago"),
        pytest.param(
            [
                (JobKind.BACKUP, JobState.DONE, timedelta()),
                (JobKind.COPY, JobState.FAILED, SHORT),
                (JobKind.COPY, JobState.DONE, LONG),
            ],
            False,
            id="the newest copy counts",
        ),
    ],
)
def test_a_copy_that_failed_is_not_begun_again_at_once(
    jobs: list[tuple[JobKind, JobState, timedelta]],
    may: bool,  # noqa: FBT001
) -> None:
    assert may_copy([ended(*job) for job in jobs], NOW) is may
