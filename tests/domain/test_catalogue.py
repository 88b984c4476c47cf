from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.backup_id import BackupId, created_at, make_backup_id, parse_backup_id
from bot.domain.catalogue import (
    BackupRecord,
    BackupState,
    assess,
    assess_unsigned,
    choose,
    group_by_backup,
    is_backup_name,
    newest_undoubted,
    require_readable,
    require_trusted,
    small_files,
)
from bot.domain.damage import Damage, Depth, encode_damage
from bot.domain.errors import IntegrityError, RefusedError
from bot.domain.found_set import FoundSet
from bot.domain.manifest import Manifest, encode_manifest
from bot.domain.pins import encode_pin
from bot.domain.signature import sign
from bot.domain.summary import Summary
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


PARTIAL = replace(MANIFEST, partial=True)


def signed(data: bytes) -> dict[str, bytes]:
    return {"manifest.json": data, "manifest.json.sig": sign(data, KEY)}


@pytest.mark.parametrize(
    ("changes", "record"),
    [
        pytest.param({}, BackupRecord(ID, BackupState.GOOD, "", SUMMARY), id="whole"),
        pytest.param(
            {"small": signed(encode_manifest(PARTIAL))},
            BackupRecord(
                ID,
                BackupState.PARTIAL,
                "it holds only the components that were asked for",
                summary_of(PARTIAL),
            ),
            id="a part",
        ),
        pytest.param(
            {"small": {}},
            BackupRecord(ID, BackupState.INCOMPLETE, "it has no manifest"),
            id="no manifest",
        ),
        pytest.param(
            {"small": {"manifest.json": DATA}},
            BackupRecord(ID, BackupState.NOT_TRUSTED, "it is not signed"),
            id="not signed",
        ),
        pytest.param(
            {"sizes": {"media.tar.zst.age": 2}},
            BackupRecord(ID, BackupState.INCOMPLETE, 'component "postgres" is missing', SUMMARY),
            id="a component is missing",
        ),
        pytest.param(
            {"sizes": {**SIZES, "postgres.dump.age": 19}},
            BackupRecord(
                ID, BackupState.INCOMPLETE, 'component "postgres" has 19 bytes, not 20', SUMMARY
            ),
            id="a component is shorter",
        ),
    ],
)
def test_a_set_is_judged(changes: dict[str, object], record: BackupRecord) -> None:
    wanted = found(**changes)

    assert assess(wanted, TRUSTED) == replace(record, stored_size=sum(wanted.sizes.values()))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        pytest.param({}, BackupState.DAMAGED, id="good before"),
        pytest.param({"small": signed(encode_manifest(PARTIAL))}, BackupState.DAMAGED, id="a part"),
        pytest.param(
            {"small": {"manifest.json": DATA}}, BackupState.NOT_TRUSTED, id="not trusted anyway"
        ),
        pytest.param({"sizes": {}}, BackupState.INCOMPLETE, id="incomplete anyway"),
    ],
)
def test_found_damage_makes_a_backup_that_was_good_a_damaged_one(
    changes: dict[str, object], state: BackupState
) -> None:
    note = encode_damage("authentik", ID, 1, Damage("a block is gone", Depth.DEEP, NOW))
    base = found(**changes)
    notes = {"damage-1.json": note, "damage-1.json.sig": sign(note, KEY)}
    marked = replace(
        base, small={**base.small, **notes}, sizes={**base.sizes, "damage-1.json": len(note)}
    )

    record = assess(marked, TRUSTED)

    assert record.state is state
    assert ("a block is gone (found by" in record.reason) is (state is BackupState.DAMAGED)


@pytest.mark.parametrize(
    ("manifest", "state"), [(MANIFEST, BackupState.GOOD), (PARTIAL, BackupState.PARTIAL)]
)
def test_a_set_is_judged_without_its_signature(manifest: Manifest, state: BackupState) -> None:
    unsigned = found(small={"manifest.json": encode_manifest(manifest)})
    reason = "its signature was not checked"

    judged = assess_unsigned(unsigned)

    assert judged == (BackupRecord(ID, state, reason, summary_of(manifest)), manifest)


def test_unsigned_and_without_a_manifest_a_set_is_incomplete() -> None:
    with pytest.raises(IntegrityError, match=f'^backup "{ID}" is incomplete: it has no manifest$'):
        assess_unsigned(found(small={}))


def test_even_unsigned_its_objects_must_be_there() -> None:
    with pytest.raises(IntegrityError, match=r'^component "postgres" is missing$'):
        assess_unsigned(found(sizes={}))


def test_what_must_be_read_to_judge_a_set() -> None:
    sizes = {"manifest.json": 9, "postgres.dump.age": 20, "pin.json": 9, "damage-1.json": 9}

    assert small_files(sizes) == ["manifest.json", "pin.json", "damage-1.json"]


def test_a_backup_is_as_old_as_its_manifest_says_or_its_id() -> None:
    later = replace(MANIFEST, created=NOW + timedelta(seconds=5))

    assert BackupRecord(ID, BackupState.GOOD, summary=summary_of(later)).created == later.created
    assert BackupRecord(ID, BackupState.INCOMPLETE).created == NOW


@pytest.mark.parametrize(
    ("state", "trusted", "readable"),
    [
        (BackupState.GOOD, True, True),
        (BackupState.PARTIAL, True, True),
        (BackupState.DAMAGED, True, True),
        (BackupState.INCOMPLETE, True, False),
    ],
)
def test_what_of_a_backup_may_be_opened(
    state: BackupState, *, trusted: bool, readable: bool
) -> None:
    record = BackupRecord(ID, state, "why", SUMMARY)

    for require, may in ((require_trusted, trusted), (require_readable, readable)):
        if may:
            assert require(record) == SUMMARY
        else:
            with pytest.raises(IntegrityError, match=f'^backup "{ID}" is incomplete: why$'):
                require(record)


def test_what_nobody_trusted_signed_is_not_opened() -> None:
    with pytest.raises(RefusedError, match=f'^backup "{ID}" is not trusted: why$') as caught:
        require_trusted(BackupRecord(ID, BackupState.NOT_TRUSTED, "why", SUMMARY))

    assert caught.value.hint == "Nothing inside it was opened. Use another backup."


def test_without_a_manifest_there_is_nothing_to_open() -> None:
    with pytest.raises(IntegrityError, match=f'^backup "{ID}" is incomplete: why$'):
        require_trusted(BackupRecord(ID, BackupState.INCOMPLETE, "why"))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("latest", True),
        (ID, True),
        ("2026", True),
        ("202", False),
        ("newest", False),
        (f"x{ID}", False),
        ("2026" + "1" * 24, True),
        ("2026" + "1" * 25, False),
        ("2026/..", False),
    ],
)
def test_what_can_name_a_backup(words: str, *, names: bool) -> None:
    assert is_backup_name(words) is names


WARNED = replace(SUMMARY, warnings=("it is half as large as the one before",))


@pytest.mark.parametrize(
    ("records", "newest"),
    [
        pytest.param([], None, id="none"),
        pytest.param([(ID, WARNED), (OLDER, SUMMARY)], OLDER, id="a warning is passed over"),
        pytest.param([(ID, SUMMARY), (OLDER, WARNED)], ID, id="the newest has none"),
        pytest.param([(ID, WARNED), (OLDER, WARNED)], ID, id="all have one"),
        pytest.param([(ID, None), (OLDER, WARNED)], ID, id="as good as no manifest"),
    ],
)
def test_a_new_backup_is_compared_with_one_that_has_no_warning(
    records: list[tuple[BackupId, Summary | None]], newest: str | None
) -> None:
    found = newest_undoubted(
        [BackupRecord(name, BackupState.GOOD, summary=summary) for name, summary in records]
    )

    assert (found and found.id) == newest


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


SEE = 'See "akbot backups" for their ids.'


@pytest.mark.parametrize(
    ("records", "wanted", "words", "hint"),
    [
        (RECORDS[:1], "latest", "there is no good backup yet", 'Run "akbot backup".'),
        (RECORDS, "2026112", '"2026112" fits 3 backups', "Give more of the id."),
        (RECORDS, "2027", 'there is no backup "2027"', SEE),
        (RECORDS, "", 'there is no backup ""', SEE),
        (RECORDS, "x" * 50, f'there is no backup "{"x" * 40}"', SEE),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    records: list[BackupRecord], wanted: str, words: str, hint: str
) -> None:
    with pytest.raises(RefusedError, match=f"^{words}$") as caught:
        choose(records, wanted)

    assert caught.value.hint == hint


def test_a_listing_is_sorted_into_backups_newest_first() -> None:
    keys = [
        "authentik/lost+found/x",
        f"authentik/{OLDER}/manifest.json",
        f"authentik/{ID}/manifest.json",
        f"authentik/{ID}/media.tar.zst.age",
        f"authentik/{ID}/deeper/manifest.json",
        "authentik/notes.txt",
        "authentik/2026/manifest.json",
    ]

    assert list(group_by_backup("authentik", [(key, 1) for key in keys]).items()) == [
        (ID, {"manifest.json": 1, "media.tar.zst.age": 1}),
        (OLDER, {"manifest.json": 1}),
    ]


@pytest.mark.parametrize(
    "text", ["", "latest", "20261323T033000Z-k3f9", "20261123T033000Z-k3f", f"{ID}x", f"{ID}\n"]
)
def test_what_is_no_backup_id_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - datetime's own words or ours
        parse_backup_id(text)


def test_a_backup_id_tells_its_time() -> None:
    assert make_backup_id(NOW, "k3f9") == ID
    assert created_at(ID) == NOW
