"""Which backup `latest` is for a restore, and what is said of one that a restore has made."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.errors import RefusedError
from bot.domain.jobs import Trigger
from bot.domain.restore_choice import choose_to_restore, safety_label, safety_words
from tests.domain.test_manifest import MANIFEST, summary_of

IDS = [BackupId(f"2026112{day}T033000Z-aaaa") for day in (9, 8, 7, 6, 5)]


def records(*triggers: Trigger) -> list[BackupRecord]:
    """Good ones, newest first."""
    return [
        BackupRecord(each, BackupState.GOOD, summary=summary_of(replace(MANIFEST, trigger=trigger)))
        for each, trigger in zip(IDS, triggers, strict=False)
    ]


SAFETY, NIGHTLY, UPDATE = Trigger.SAFETY, Trigger.SCHEDULE, Trigger.UPDATE
DAMAGED = replace(records(NIGHTLY)[0], state=BackupState.DAMAGED)


@pytest.mark.parametrize(
    ("found", "wanted", "chosen"),
    [
        pytest.param(records(NIGHTLY, NIGHTLY), "latest", IDS[0], id="the newest"),
        pytest.param(records(SAFETY, NIGHTLY), "latest", IDS[1], id="not what was replaced"),
        pytest.param(records(SAFETY, SAFETY, NIGHTLY), "latest", IDS[2], id="however often"),
        pytest.param(records(UPDATE, NIGHTLY), "latest", IDS[0], id="one before an update served"),
        pytest.param(
            [DAMAGED, *records(NIGHTLY, NIGHTLY)[1:]], "latest", IDS[1], id="nor a damaged one"
        ),
        pytest.param(records(SAFETY, NIGHTLY), IDS[0], IDS[0], id="by its id"),
        pytest.param(records(SAFETY, NIGHTLY), "20261129", IDS[0], id="by its beginning"),
    ],
)
def test_what_a_restore_takes(found: Sequence[BackupRecord], wanted: str, chosen: str) -> None:
    assert choose_to_restore(found, wanted).id == chosen


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param([], "there is no good backup yet", id="none at all"),
        pytest.param([DAMAGED], "there is no good backup yet", id="none that is good"),
        pytest.param(records(SAFETY), f"replaced: {IDS[0]}$", id="only what was replaced"),
        pytest.param(
            records(SAFETY, SAFETY, SAFETY, SAFETY, SAFETY),
            f"replaced: {IDS[0]}, {IDS[1]}, {IDS[2]} and 2 more$",
            id="many of them",
        ),
    ],
)
def test_where_there_is_none_it_is_said_what_there_is(
    found: Sequence[BackupRecord], words: str
) -> None:
    with pytest.raises(RefusedError, match=words):
        choose_to_restore(found, "latest")


def test_only_good_safety_backups_are_named_with_the_way_to_them() -> None:
    good = records(SAFETY, SAFETY, SAFETY)
    damaged = [replace(each, state=BackupState.DAMAGED) for each in records(*[SAFETY] * 4)[3:]]

    with pytest.raises(RefusedError, match=f": {IDS[0]}, {IDS[1]}, {IDS[2]}$") as caught:
        choose_to_restore([*good, *damaged], "latest")

    assert "akbot restore --undo" in caught.value.hint


@pytest.mark.parametrize(
    ("trigger", "label", "words"),
    [
        (NIGHTLY, safety_label("backup x"), ""),
        (UPDATE, "", ""),
        (SAFETY, safety_label("backup x"), "made before the restore of backup x: it holds"),
        (SAFETY, "", "made before a restore or a rollback: it holds"),
    ],
)
def test_a_safety_backup_says_what_it_is(trigger: Trigger, label: str, words: str) -> None:
    told = "".join(safety_words(replace(MANIFEST, trigger=trigger, label=label)))

    assert words in told
    assert bool(words) == bool(told)


def test_the_name_of_a_dump_may_be_long_and_the_label_is_not() -> None:
    assert len(safety_label("the dump " + "x" * 999)) < 100
