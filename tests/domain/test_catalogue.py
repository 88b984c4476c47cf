from dataclasses import replace

import pytest

from bot.domain.backup_id import BackupId, created_at, make_backup_id, parse_backup_id
from bot.domain.catalogue import (
    BackupRecord,
    BackupState,
    assess,
    choose,
    group_by_backup,
)
from bot.domain.errors import RefusedError
from bot.domain.found_set import FoundSet
from bot.domain.pins import encode_pin
from bot.domain.signature import sign
from tests.domain.test_manifest import (
    DATA,
    ID,
    KEY,
    MANIFEST,
    SIGNATURE,
    SIZES,
    TRUSTED,
    summary_of,
)
from tests.fakes_stack import NOW

SUMMARY = summary_of(MANIFEST)
OLDER = BackupId("20261122T033000Z-aaaa")
OLDEST = BackupId("20261121T033000Z-bbbb")


def found(**changes: object) -> FoundSet:
    small = {"manifest.json": DATA, "manifest.json.sig": SIGNATURE}
    return replace(FoundSet("authentik", ID, SIZES, small), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        pytest.param({}, BackupState.GOOD, "", id="whole"),
        pytest.param({"small": {}}, BackupState.INCOMPLETE, "no manifest", id="no manifest"),
        pytest.param(
            {"sizes": {"media.tar.zst.age": 2}},
            BackupState.INCOMPLETE,
            '"postgres" is missing',
            id="a component is missing",
        ),
        pytest.param(
            {"sizes": {**SIZES, "postgres.dump.age": 19}},
            BackupState.INCOMPLETE,
            "has 19 bytes, not 20",
            id="a component is shorter",
        ),
    ],
)
def test_a_set_is_judged(changes: dict[str, object], state: BackupState, reason: str) -> None:
    record = assess(found(**changes), TRUSTED)

    assert record.state is state
    assert reason in record.reason


@pytest.mark.parametrize(
    ("pin", "signature", "pinned"),
    [
        pytest.param(encode_pin("authentik", ID), None, False, id="unsigned"),
        pytest.param(encode_pin("authentik", ID), sign(b"x", KEY), False, id="wrongly signed"),
        pytest.param(
            encode_pin("authentik", ID), sign(encode_pin("authentik", ID), KEY), True, id="ours"
        ),
        pytest.param(
            encode_pin("authentik", OLDER),
            sign(encode_pin("authentik", OLDER), KEY),
            False,
            id="another backup's",
        ),
    ],
)
def test_only_a_signed_pin_of_this_backup_pins(
    pin: bytes, signature: bytes | None, *, pinned: bool
) -> None:
    small = {"manifest.json": DATA, "manifest.json.sig": SIGNATURE, "pin.json": pin}
    if signature:
        small["pin.json.sig"] = signature

    sizes = {**SIZES, **{name: len(small[name]) for name in small if name.startswith("pin")}}
    record = assess(found(small=small, sizes=sizes), TRUSTED)

    assert record.pinned is pinned
    assert record.doubtful_pin is not pinned, "it keeps the backup all the same"


RECORDS = [
    BackupRecord(ID, BackupState.NOT_TRUSTED),
    BackupRecord(OLDER, BackupState.GOOD, summary=SUMMARY),
    BackupRecord(OLDEST, BackupState.GOOD, summary=SUMMARY),
]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [("latest", OLDER), (OLDEST, OLDEST), ("20261121", OLDEST), (ID, ID)],
)
def test_latest_skips_what_is_not_good_and_beginnings_will_do(wanted: str, chosen: str) -> None:
    assert choose(RECORDS, wanted).id == chosen


@pytest.mark.parametrize(
    ("records", "wanted", "words"),
    [
        (RECORDS[:1], "latest", "no good backup"),
        (RECORDS, "2026112", "fits 3 backups"),
        (RECORDS, "2027", "no backup"),
        (RECORDS, "", "no backup"),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    records: list[BackupRecord], wanted: str, words: str
) -> None:
    with pytest.raises(RefusedError, match=words):
        choose(records, wanted)


def test_a_listing_is_sorted_into_backups_newest_first() -> None:
    keys = [
        f"authentik/{OLDER}/manifest.json",
        f"authentik/{ID}/manifest.json",
        f"authentik/{ID}/media.tar.zst.age",
        f"authentik/{ID}/deeper/manifest.json",
        "authentik/notes.txt",
        "authentik/2026/manifest.json",
    ]

    assert group_by_backup("authentik", [(key, 1) for key in keys]) == {
        ID: {"manifest.json": 1, "media.tar.zst.age": 1},
        OLDER: {"manifest.json": 1},
    }


@pytest.mark.parametrize(
    "text", ["", "latest", "20261323T033000Z-k3f9", "20261123T033000Z-k3f", f"{ID}x", f"{ID}\n"]
)
def test_what_is_no_backup_id_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - datetime's own words or ours
        parse_backup_id(text)


def test_a_backup_id_tells_its_time() -> None:
    assert make_backup_id(NOW, "k3f9") == ID
    assert created_at(ID) == NOW
