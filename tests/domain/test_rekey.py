"""Which backups are sealed anew, and which are only retired."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.backup_id import make_backup_id
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.errors import RefusedError
from bot.domain.rekey import Way, plan_rekey, replaced
from tests.domain.test_manifest import MANIFEST, summary_of
from tests.fakes_stack import NOW

OLD, NEW = ("SHA256:old",), ("SHA256:new",)


def record(  # noqa: PLR0913 - a backup has that much to it
    days: int,
    recipients: tuple[str, ...] = OLD,
    *,
    suffix: str = "aaaa",
    of: str = "",
    state: BackupState = BackupState.GOOD,
    stores: tuple[str, ...] = ("a",),
) -> BackupRecord:
    created = NOW - timedelta(days=days)
    name = make_backup_id(created, suffix)
    manifest = replace(MANIFEST, id=name, created=created, recipients=recipients, rekeyed_from=of)
    return BackupRecord(name, state, "", summary_of(manifest), stores=stores)


FIRST = record(1)


@pytest.mark.parametrize(
    ("records", "ways"),
    [
        pytest.param([record(1), record(2)], [Way.RESEAL, Way.RESEAL], id="all for another key"),
        pytest.param([record(1, NEW), record(2)], [Way.RESEAL], id="today's are left alone"),
        pytest.param([record(1, NEW + OLD)], [Way.RESEAL], id="one key too many"),
        pytest.param([record(1, state=BackupState.PARTIAL)], [Way.RESEAL], id="partial"),
        pytest.param([record(1, state=BackupState.INCOMPLETE)], [], id="damaged"),
        pytest.param([record(1, state=BackupState.NOT_TRUSTED)], [], id="a stranger's"),
        pytest.param([replace(FIRST, doubtful_pin=True)], [Way.LEAVE], id="a stranger's pin"),
        pytest.param(
            [record(1, NEW, suffix="bbbb", of=FIRST.id), FIRST], [Way.RETIRE], id="done before"
        ),
        pytest.param(
            [record(1, NEW, suffix="bbbb", of=FIRST.id, stores=("b",)), FIRST],
            [Way.LEAVE],
            id="done in another store",
        ),
        pytest.param(
            [record(1, ("SHA256:x",), suffix="bbbb", of=FIRST.id), FIRST],
            [Way.RESEAL, Way.RESEAL],
            id="done for a third key",
        ),
    ],
)
def test_what_is_sealed_for_other_keys_is_sealed_anew(
    records: list[BackupRecord], ways: list[Way]
) -> None:
    assert [each.way for each in plan_rekey(records, "all", NEW)] == ways


def test_one_may_be_named() -> None:
    [chosen] = plan_rekey([record(1), record(2)], record(2).id, NEW)

    assert chosen.record == record(2)


def test_what_needs_nothing_is_refused_by_name() -> None:
    with pytest.raises(RefusedError, match="sealed for today's keys already") as caught:
        plan_rekey([record(1, NEW)], "latest", NEW)

    assert "akbot backups ID" in caught.value.hint


def test_what_a_job_needs_is_left() -> None:
    [left] = plan_rekey([FIRST], "all", NEW, {FIRST.id})

    assert (left.way, left.reason) == (
        Way.LEAVE,
        "a job that is not settled yet needs it",
    )


def test_what_is_left_says_why_and_what_was_sealed_anew_says_as_what() -> None:
    [doubtful] = plan_rekey([replace(FIRST, doubtful_pin=True)], "all", NEW)
    successor = record(1, NEW, suffix="bbbb", of=FIRST.id)
    elsewhere = replace(successor, stores=("b",))
    [retired] = plan_rekey([successor, FIRST], "all", NEW)
    [lacking] = plan_rekey([elsewhere, FIRST], "all", NEW)

    assert "who is not trusted here" in doubtful.reason
    assert retired.successor == successor
    assert lacking.successor == elsewhere
    assert successor.id in lacking.reason


def test_a_replaced_backup_is_known_by_its_successor() -> None:
    assert replaced([record(1, NEW, suffix="bbbb", of=FIRST.id), FIRST]) == {FIRST.id}
    broken = record(1, NEW, suffix="bbbb", of=FIRST.id, state=BackupState.INCOMPLETE)
    assert replaced([broken, FIRST]) == frozenset()
