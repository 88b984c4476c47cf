import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.catalogue import assess
from bot.domain.damage import Damage, Depth, encode_damage
from bot.domain.found_set import FoundSet
from bot.domain.judgement import RULES, decode_record, encode_record, mark_of, rules_of
from bot.domain.manifest import encode_manifest
from bot.domain.pins import encode_pin
from bot.domain.signature import PublicKey, sign
from tests.domain.test_manifest import DATA, ID, KEY, MANIFEST, SIGNATURE, SIZES, TRUSTED

FILES = [("manifest.json", 7, "a"), ("manifest.json.sig", 3, "b")]
PIN = encode_pin("authentik", ID)
DAMAGE = encode_damage(
    "authentik", ID, 1, Damage("spoilt", Depth.DEEP, datetime(2026, 11, 24, tzinfo=UTC))
)
PARTIAL = encode_manifest(replace(MANIFEST, partial=True, label="ä", warnings=("odd",)))
WHOLE = {"manifest.json": DATA, "manifest.json.sig": SIGNATURE}
SETS = {
    "whole": (SIZES, WHOLE),
    "partial": (SIZES, {"manifest.json": PARTIAL, "manifest.json.sig": sign(PARTIAL, KEY)}),
    "no manifest": (SIZES, {}),
    "unsigned": (SIZES, {"manifest.json": DATA}),
    "a part is missing": ({"media.tar.zst.age": 2}, WHOLE),
    "pinned": (SIZES, {**WHOLE, "pin.json": PIN, "pin.json.sig": sign(PIN, KEY)}),
    "a stranger's pin": (SIZES, {**WHOLE, "pin.json": PIN}),
    "damaged": (
        SIZES,
        {**WHOLE, "damage-1.json": DAMAGE, "damage-1.json.sig": sign(DAMAGE, KEY)},
    ),
}
JUDGED = (1, "87e17af6cf3cd2a8")
"""The rules, and what they make of these sets. Where this changes, raise RULES."""


def found(name: str) -> FoundSet:
    sizes, small = SETS[name]
    return FoundSet("authentik", ID, {**sizes, **{n: len(d) for n, d in small.items()}}, small)


@pytest.mark.parametrize("name", SETS)
def test_what_is_kept_of_a_judgement_is_all_of_it(name: str) -> None:
    record = assess(found(name), TRUSTED)

    assert decode_record(encode_record(record)) == record


def test_other_rules_have_another_number() -> None:
    judged = [encode_record(assess(found(name), TRUSTED)) for name in SETS]

    assert (RULES, hashlib.sha256(b"\n".join(judged)).hexdigest()[:16]) == JUDGED


@pytest.mark.parametrize("data", [b"", b"null", b'{"id": 7}', b'{"id": "x", "state": "fine"}'])
def test_what_is_no_record_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's own words
        decode_record(data)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param([], id="all gone"),
        pytest.param(FILES[:1], id="one gone"),
        pytest.param([*FILES, ("pin.json", 1, "c")], id="one more"),
        pytest.param([FILES[0], ("manifest.json.sig", 4, "b")], id="longer"),
        pytest.param([FILES[0], ("manifest.json.sig", 3, "c")], id="another version"),
        pytest.param([FILES[0], ("manifest.json.si", 3, "b")], id="another name"),
        pytest.param([("manifest.json", 7, "b"), ("manifest.json.sig", 3, "a")], id="exchanged"),
    ],
)
def test_other_files_have_another_mark(files: list[tuple[str, int, str]]) -> None:
    assert mark_of(files) != mark_of(FILES)


def test_the_same_files_have_the_same_mark_in_any_order() -> None:
    assert mark_of(reversed(FILES)) == mark_of(FILES)


def test_what_has_no_version_has_no_mark() -> None:
    assert mark_of([*FILES, ("pin.json", 1, "")]) is None


def test_other_trusted_keys_are_other_rules() -> None:
    one, two = PublicKey("ed25519:a"), PublicKey("ed25519:b")

    assert rules_of([one, two]) == rules_of([two, one]) != rules_of([one])
