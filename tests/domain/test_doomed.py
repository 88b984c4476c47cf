"""Which backup may be deleted by its name, and from where."""

from dataclasses import replace

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.doomed import choose_doomed
from bot.domain.errors import RefusedError
from bot.domain.jobs import Trigger
from tests.domain.test_manifest import MANIFEST, summary_of

OLD, NEW = BackupId("20261122T033000Z-aaaa"), BackupId("20261123T033000Z-bbbb")


def a_backup(backup_id: BackupId, **changes: object) -> BackupRecord:
    record = BackupRecord(backup_id, BackupState.GOOD, summary=summary_of(MANIFEST), stored_size=4)
    return replace(record, **changes)  # type: ignore[arg-type]


BOTH = [a_backup(NEW), a_backup(OLD)]
SAFETY = a_backup(
    BackupId("20261124T033000Z-cccc"),
    summary=summary_of(replace(MANIFEST, trigger=Trigger.SAFETY)),
)
DAMAGED = a_backup(NEW, state=BackupState.DAMAGED)


@pytest.mark.parametrize(
    ("found", "wanted", "store", "gone_from", "elsewhere"),
    [
        pytest.param({"a": BOTH}, OLD, "", ["a"], (), id="the older one"),
        pytest.param({"a": BOTH}, OLD[:8], "", ["a"], (), id="by its beginning"),
        pytest.param({"a": BOTH, "b": BOTH}, OLD, "", ["a", "b"], (), id="from all"),
        pytest.param({"a": BOTH, "b": BOTH}, OLD, "b", ["b"], ("a",), id="from one"),
        pytest.param({"a": BOTH, "b": [BOTH[0]]}, OLD, "", ["a"], (), id="where it is"),
        pytest.param(
            {"a": [DAMAGED, BOTH[1]], "b": BOTH}, NEW, "a", None, (), id="newest of all stores"
        ),
        pytest.param({"a": [DAMAGED, BOTH[1]]}, NEW, "", ["a"], (), id="a damaged newest one"),
        pytest.param({"a": BOTH}, NEW, "", None, (), id="the newest good one"),
        pytest.param({"a": [BOTH[1]], "b": BOTH}, OLD, "a", None, (), id="newest of its store"),
        pytest.param({"a": [SAFETY, *BOTH]}, SAFETY.id, "", ["a"], (), id="a safety backup"),
        pytest.param({"a": [SAFETY, *BOTH]}, NEW, "", None, (), id="newest but a safety backup"),
        pytest.param({"a": [SAFETY, *BOTH]}, "latest", "", None, (), id="what a restore takes"),
        pytest.param({"a": [SAFETY]}, SAFETY.id, "", None, (), id="the only one, if of safety"),
        pytest.param({"a": [SAFETY]}, "latest", "", None, (), id="which latest is then"),
    ],
)
def test_what_goes_from_where(
    found: dict[str, list[BackupRecord]],
    wanted: str,
    store: str,
    gone_from: list[str] | None,
    elsewhere: tuple[str, ...],
) -> None:
    if gone_from is None:
        with pytest.raises(RefusedError, match="is the newest good one") as caught:
            choose_doomed(found, wanted, store, {}, force=False)
        assert "--force" in caught.value.hint
    doomed = choose_doomed(found, wanted, store, {}, force=gone_from is None)

    assert list(doomed.copies) == (gone_from or [store or "a"])
    assert doomed.newest is (gone_from is None)
    if gone_from:
        assert doomed.elsewhere == elsewhere


@pytest.mark.parametrize(
    ("record", "store", "in_use", "words", "remedy"),
    [
        pytest.param({"pinned": True}, "", {}, "is pinned", "--remove", id="pinned"),
        pytest.param(
            {"doubtful_pin": True}, "", {}, "is pinned", "--remove", id="pinned by a stranger"
        ),
        pytest.param({}, "", {OLD: "is read by x"}, "is read by x", "Wait for it.", id="read"),
        pytest.param({}, "b", {}, 'is not in store "b"', "", id="not there"),
    ],
)
def test_what_stays_whatever_is_forced(
    record: dict[str, bool], store: str, in_use: dict[str, str], words: str, remedy: str
) -> None:
    found = {"a": [a_backup(NEW), a_backup(OLD, **record)], "b": [a_backup(NEW)]}

    with pytest.raises(RefusedError, match=words) as caught:
        choose_doomed(found, OLD, store, in_use, force=True)

    assert remedy in caught.value.hint


def test_a_pin_in_another_store_holds_here_as_well() -> None:
    found = {"a": BOTH, "b": [a_backup(NEW), a_backup(OLD, pinned=True)]}

    with pytest.raises(RefusedError, match="is pinned"):
        choose_doomed(found, OLD, "a", {}, force=True)
