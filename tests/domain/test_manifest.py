import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupState, assess
from bot.domain.errors import IntegrityError, UntrustedError
from bot.domain.found_set import FoundSet
from bot.domain.manifest import (
    ArchiveCount,
    Component,
    DatabaseFacts,
    Manifest,
    SchemaFingerprint,
    Software,
    VersionRow,
    decode_manifest,
    encode_manifest,
)
from bot.domain.signature import public_key_of, sign, verify
from bot.domain.summary import Summary, summarise

ID = BackupId("20261123T033000Z-k3f9")
KEY = Ed25519PrivateKey.generate()
TRUSTED = {public_key_of(KEY)}
MANIFEST = Manifest(
    id=ID,
    stack="authentik",
    created=datetime(2026, 11, 23, 3, 30, tzinfo=UTC),
    trigger="schedule",
    actor="akbot",
    software=Software("2025.2.1", "ghcr.io/goauthentik/server:2025.2.1", None, "17.6", "8.0.2"),
    database=DatabaseFacts(
        "authentik",
        40_000_000,
        {"public.authentik_core_user": 3, 'public.odd "name"': 0},
        {"public": SchemaFingerprint("a" * 64, 7, {"authentik_core": ("0001_initial",)})},
        (VersionRow("2025.2.1", "", "2026-01-01 00:00:00+00"),),
    ),
    components=(
        Component("postgres", f"authentik/{ID}/postgres.dump.age", 10, 20, "b" * 64, 1.5),
        Component(
            "media",
            f"authentik/{ID}/media.tar.zst.age",
            *(1, 2, "c" * 64, 0.1),
            archive=ArchiveCount(3, 4_000),
        ),
    ),
    recipients=("SHA256:0123456789abcdef",),
)
DATA = encode_manifest(MANIFEST)
SIGNATURE = sign(DATA, KEY)


def summary_of(manifest: Manifest) -> Summary:
    return summarise(manifest, encode_manifest(manifest))


SIZES = {"postgres.dump.age": 20, "media.tar.zst.age": 2}


def judged(data: bytes, signature: bytes | None, *, stack: str = "authentik", id_: str = ID):  # type: ignore[no-untyped-def] # noqa: ANN201
    small = {"manifest.json": data}
    if signature is not None:
        small["manifest.json.sig"] = signature
    return assess(FoundSet(stack, BackupId(id_), SIZES, small), TRUSTED)


def test_what_was_written_is_read() -> None:
    assert decode_manifest(encode_manifest(MANIFEST), stack="authentik", backup_id=ID) == MANIFEST
    assert judged(DATA, SIGNATURE).state is BackupState.GOOD


def test_one_of_before_archives_were_counted_is_read() -> None:
    document = json.loads(DATA)
    for component in document["components"]:
        del component["archive"]

    older = decode_manifest(json.dumps(document).encode(), stack="authentik", backup_id=ID)

    assert [each.archive for each in older.components] == [None, None]
    assert older == replace(
        MANIFEST, components=tuple(replace(each, archive=None) for each in MANIFEST.components)
    )


def test_any_changed_byte_of_the_manifest_is_refused() -> None:
    for position in range(len(DATA)):
        for change in (0x01, 0x20):
            changed = bytearray(DATA)
            changed[position] ^= change
            assert judged(bytes(changed), SIGNATURE).state is BackupState.NOT_TRUSTED, position


def test_any_changed_byte_of_the_signature_is_refused() -> None:
    for position in range(len(SIGNATURE)):
        for change in range(1, 256):
            changed = bytearray(SIGNATURE)
            changed[position] ^= change
            with pytest.raises(UntrustedError):
                verify(DATA, bytes(changed), TRUSTED)


@pytest.mark.parametrize(
    ("data", "signature"),
    [
        pytest.param(DATA, None, id="unsigned"),
        pytest.param(DATA, b"", id="empty signature"),
        pytest.param(DATA, SIGNATURE[:-1], id="cut signature"),
        pytest.param(DATA, SIGNATURE + b"\n", id="longer signature"),
        pytest.param(DATA, SIGNATURE * 100, id="many signatures"),
        pytest.param(DATA, b"\xff" * 140, id="binary signature"),
        pytest.param(DATA[:-1], SIGNATURE, id="cut manifest"),
        pytest.param(DATA + b" ", SIGNATURE, id="longer manifest"),
        pytest.param(DATA, sign(DATA, Ed25519PrivateKey.generate()), id="signed by a stranger"),
    ],
)
def test_a_manifest_that_we_did_not_sign_is_refused(data: bytes, signature: bytes | None) -> None:
    record = judged(data, signature)

    assert (record.state, record.summary) == (BackupState.NOT_TRUSTED, None)
    assert record.reason


@pytest.mark.parametrize(
    ("stack", "backup_id"),
    [
        pytest.param("authentik", "20261124T033000Z-k3f9", id="another id"),
        pytest.param("other", ID, id="another stack"),
    ],
)
def test_a_manifest_that_was_copied_elsewhere_is_refused(stack: str, backup_id: str) -> None:
    record = judged(DATA, SIGNATURE, stack=stack, id_=backup_id)

    assert record.state is BackupState.NOT_TRUSTED
    assert "was copied here" in record.reason


@pytest.mark.parametrize(
    "key",
    [
        "authentik/20261124T033000Z-k3f9/postgres.dump.age",
        "other/postgres.dump.age",
        f"authentik/{ID}/../x.dump.age",
        f"authentik/{ID}/a/b.age",
        f"authentik/{ID}/postgres.dump",
        "",
    ],
)
def test_a_component_that_lies_elsewhere_is_refused_even_when_signed(key: str) -> None:
    wrong = replace(MANIFEST, components=(replace(MANIFEST.components[0], key=key),))
    data = encode_manifest(wrong)

    assert judged(data, sign(data, KEY)).state is BackupState.NOT_TRUSTED


def test_a_component_twice_is_refused() -> None:
    data = encode_manifest(replace(MANIFEST, components=MANIFEST.components[:1] * 2))

    with pytest.raises(IntegrityError):
        decode_manifest(data, stack="authentik", backup_id=ID)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"format": "akbot-manifest-1"}',
        b"[" * 100_000,
        json.dumps({"format": "akbot-manifest-99"}).encode(),
        DATA.replace(b'"stored_size": 20', b'"stored_size": -1'),
        DATA.replace(b'"b', b'"B'),
        DATA.replace(b"2026-11-23T", b"yesterday"),
        DATA.replace(b'"2026-11-23T03:30:00+00:00"', b'"2026-11-23T03:30:00"'),
    ],
    ids=range(11),
)
def test_what_is_no_manifest_is_an_integrity_error(document: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode_manifest(document, stack="authentik", backup_id=ID)


def test_a_newer_format_names_the_remedy() -> None:
    with pytest.raises(IntegrityError) as caught:
        decode_manifest(b'{"format": "akbot-manifest-2"}', stack="authentik", backup_id=ID)

    assert "newer" in caught.value.hint


WHERE = f'read manifest of "authentik/{ID}"'
OTHER_ID = "20261124T033000Z-k3f9"
OUTSIDE = 'component "postgres" does not lie beside it'


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(b"null", "it is not a manifest", id="none"),
        pytest.param(
            json.dumps({"format": "x" * 50}).encode(),
            f"its format '{'x' * 40}' is unknown here",
            id="a long format",
        ),
        pytest.param(
            DATA.replace(b'"stored_size": 20', b'"stored_size": -1'),
            "components.0.stored_size: Input should be greater than or equal to 0",
            id="a wrong number",
        ),
        pytest.param(
            DATA.replace(b'"id": "2026', b'"id": "x2026'),
            f'"x{ID}" is not a backup id such as 20261123T033000Z-k3f9',
            id="a wrong id",
        ),
        pytest.param(
            encode_manifest(replace(MANIFEST, id=OTHER_ID)),
            f'it belongs to "authentik/{OTHER_ID}" and was copied here',
            id="another id",
        ),
        pytest.param(
            encode_manifest(
                replace(MANIFEST, components=(replace(MANIFEST.components[0], key="x.age"),))
            ),
            OUTSIDE,
            id="a component elsewhere",
        ),
        pytest.param(
            encode_manifest(replace(MANIFEST, components=MANIFEST.components[:1] * 2)),
            OUTSIDE,
            id="a component twice",
        ),
    ],
)
def test_what_is_wrong_with_a_manifest_is_told_without_its_content(
    document: bytes, words: str
) -> None:
    with pytest.raises(IntegrityError) as caught:
        decode_manifest(document, stack="authentik", backup_id=ID)

    assert str(caught.value) == f"{WHERE}: {words}"


def test_it_is_written_for_people_and_programs_alike() -> None:
    data = encode_manifest(MANIFEST)
    lines = data.decode().split("\n")

    assert (lines[0], lines[1], lines[-2:]) == ("{", ' "actor": "akbot",', ["}", ""])
    assert list(json.loads(data)) == sorted(json.loads(data))


def test_what_has_no_place_in_it_is_an_error_of_ours() -> None:
    with pytest.raises(TypeError, match=r"^object has no place in a manifest$"):
        encode_manifest(replace(MANIFEST, label=object()))  # type: ignore[arg-type]


def test_its_components() -> None:
    assert MANIFEST.stored_size == 22
    assert MANIFEST.component("media") == MANIFEST.components[1]
    assert MANIFEST.component("redis") is None
