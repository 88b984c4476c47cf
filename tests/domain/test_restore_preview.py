"""What a person agrees to has a hash: it moves with what would be done, and with nothing else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.restore import SessionsDo
from bot.domain.restore_plan import USERS, ForeignDump
from tests.fakes_stack import CONTENTS, make_facts
from tests.test_restore_command import PREVIEW

assert PREVIEW.live
assert PREVIEW.contents
assert PREVIEW.contents.newest_event


@pytest.mark.parametrize(
    "change",
    [
        {"backup_id": BackupId("20261123T033000Z-k3fa")},
        {"undo_of": BackupId("20261123T033000Z-k3f9")},
        {"newest": False},
        {"components": ("postgres",)},
        {"untouched": ()},
        {"version_now": "2025.4.2"},
        {"version_then": "2025.2.4"},
        {"sessions": SessionsDo.LEAVE},
        {"safety_backup": False},
        {"differences": ()},
        {"warnings": ("an old client", "another")},
        {"live": None},
        {"live": replace(PREVIEW.live, rows={**PREVIEW.live.rows, USERS: 16})},
    ],
)
def test_another_plan_has_another_hash(change: dict[str, Any]) -> None:
    assert replace(PREVIEW, **change).plan_hash != PREVIEW.plan_hash
    assert len(PREVIEW.plan_hash) == 32


@pytest.mark.parametrize(
    "change",
    [
        {"live": replace(PREVIEW.live, rows={**PREVIEW.live.rows, "public.event": 7}, size=9)},
        {
            "contents": replace(
                PREVIEW.contents, newest_event=PREVIEW.contents.newest_event + timedelta(hours=1)
            )
        },
        {},
    ],
)
def test_what_a_stack_writes_by_itself_leaves_the_hash(change: dict[str, Any]) -> None:
    assert replace(PREVIEW, **change).plan_hash == PREVIEW.plan_hash


@pytest.mark.parametrize(
    ("change", "loses", "now", "then"),
    [
        pytest.param({}, True, 15, 12, id="a backup of the database"),
        pytest.param({"components": ("media",)}, False, 15, 12, id="only files"),
        pytest.param({"live": None, "manifest": None}, True, None, None, id="nobody knows"),
        pytest.param(
            {"dump": ForeignDump("old.sql", make_facts(authentik_core_user=7), CONTENTS)},
            True,
            15,
            7,
            id="a dump",
        ),
        pytest.param({"live": replace(make_facts(), rows={})}, True, None, 12, id="no such table"),
    ],
)
def test_how_many_users_are_replaced_by_how_many(
    change: dict[str, Any], *, loses: bool, now: int | None, then: int | None
) -> None:
    preview = replace(PREVIEW, **change)

    assert (preview.loses_rows, preview.users_now, preview.users_then) == (loses, now, then)


def test_words_cannot_move_from_one_list_to_the_next() -> None:
    one = replace(PREVIEW, differences=("a",), warnings=())
    other = replace(PREVIEW, differences=(), warnings=("a",))

    assert one.plan_hash != other.plan_hash
