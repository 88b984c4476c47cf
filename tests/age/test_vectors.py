"""Every published vector, through the real `akbot decrypt`."""

import hashlib
from pathlib import Path

import pytest

from bot.age import (
    AgeError,
    ArmorError,
    HeaderError,
    HeaderMacError,
    NoIdentityMatchError,
    PayloadError,
    X25519Identity,
)
from bot.age.header import encode_header, find_header_end, parse_header
from bot.age.primitives import derive_key
from bot.age.sealer import NONCE_SIZE
from bot.age.stream import PayloadOpener, PayloadSealer
from bot.domain.errors import IntegrityError
from tests.age import vectors
from tests.age.conftest import Akbot
from tests.age.vectors import Vector

VECTORS = vectors.load()

FAILURES: dict[str, type[AgeError]] = {
    "no match": NoIdentityMatchError,
    "HMAC failure": HeaderMacError,
    "header failure": HeaderError,
    "payload failure": PayloadError,
    "armor failure": ArmorError,
}

# A reader that finds out by itself whether there is armour takes these for files without any.
SEEN_AS_BINARY = {"armor_garbage_leading"}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vector(
    vector: Vector, tmp_path: Path, akbot: Akbot, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    if vector.unsupported:
        pytest.skip(vector.unsupported)
    command = command_for(vector, tmp_path)

    if vector.expect == "success":
        assert akbot(*command) == 0
    else:
        expected = HeaderError if vector.name in SEEN_AS_BINARY else FAILURES[vector.expect]
        with pytest.raises(IntegrityError) as caught:
            akbot(*command)
        assert type(caught.value.__cause__) is expected

    released = capfdbinary.readouterr().out
    if vector.payload_sha256 is None:
        assert released == b""
    else:
        assert hashlib.sha256(released).hexdigest() == vector.payload_sha256


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if vector.expect == "success" and not vector.armored],
    ids=lambda vector: vector.name,
)
def test_what_was_read_is_written_the_same(vector: Vector) -> None:
    start = find_header_end(bytearray(vector.file), 0)
    nonce_end = start + NONCE_SIZE
    key = derive_key(vector.file_key, salt=vector.file[start:nonce_end], info=b"payload")
    opener, sealer = PayloadOpener(key), PayloadSealer(key)

    header = parse_header(vector.file[:start])
    content = opener.update(vector.file[nonce_end:]) + opener.finish()

    assert encode_header(header.stanzas, vector.file_key) == vector.file[:start]
    assert sealer.update(content) + sealer.finish() == vector.file[nonce_end:]


def test_the_collection_is_whole_and_nothing_in_it_is_skipped() -> None:
    assert len(VECTORS) == 143
    assert len({vector.name for vector in VECTORS}) == 143
    assert [vector.name for vector in VECTORS if vector.unsupported] == []


def command_for(vector: Vector, folder: Path) -> list[object]:
    file = folder / "vector.age"
    file.write_bytes(vector.file)
    command: list[object] = ["decrypt", file]
    identities = vector.identities
    if vector.passphrases:
        passphrase = folder / "passphrase"
        passphrase.write_text(vector.passphrases[0])
        passphrase.chmod(0o600)
        command += ["--passphrase-file", passphrase]
    elif not identities:
        identities = (X25519Identity.generate().secret_text(),)
    if identities:
        keys = folder / "keys.txt"
        keys.write_text("\n".join(identities))
        keys.chmod(0o600)
        command += ["-i", keys]
    return command
