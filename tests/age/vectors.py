"""The published age test vectors (C2SP CCTV), as npm's `cctv-age` carries them."""

import base64
import re
import tarfile
import zlib
from dataclasses import dataclass

from tests.age import npm

PACKAGE, VERSION = "cctv-age", "0.2.0"

_ENTRY = re.compile(r'^// \.\./testdata/(\w+)\nvar \w+ = __toBinary\("([^"]*)"\);', re.MULTILINE)
_KEYS = {
    "armored",
    "comment",
    "compressed",
    "expect",
    "file key",
    "identity",
    "passphrase",
    "payload",
}


@dataclass(frozen=True)
class Vector:
    name: str
    expect: str
    payload_sha256: str | None
    identities: tuple[str, ...]
    passphrases: tuple[str, ...]
    armored: bool
    file: bytes
    file_key: bytes
    unsupported: str = ""


def load() -> list[Vector]:
    with tarfile.open(npm.tarball(PACKAGE, VERSION)) as archive:
        source = archive.extractfile("package/index.js")
        if source is None:
            raise LookupError("the package holds no vectors")
        entries = _ENTRY.findall(source.read().decode())
    return [_parse(name, base64.b64decode(text)) for name, text in entries]


def _parse(name: str, raw: bytes) -> Vector:
    head, _, file = raw.partition(b"\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.decode().splitlines():
        key, _, value = line.partition(": ")
        fields.setdefault(key, []).append(value)
    if fields.get("compressed") == ["zlib"]:
        file = zlib.decompress(file)
    return Vector(
        name=name,
        expect=fields["expect"][0],
        payload_sha256=fields.get("payload", [None])[0],
        identities=tuple(fields.get("identity", [])),
        passphrases=tuple(fields.get("passphrase", [])),
        armored=fields.get("armored") == ["yes"],
        file=file,
        file_key=bytes.fromhex(fields["file key"][0]) if "file key" in fields else b"",
        unsupported=_unsupported(fields),
    )


def _unsupported(fields: dict[str, list[str]]) -> str:
    """Say which feature of the vector the package lacks, if there is one."""
    if unknown := fields.keys() - _KEYS:
        return f"unknown fields: {', '.join(sorted(unknown))}"
    if any(not identity.startswith("AGE-SECRET-KEY-") for identity in fields.get("identity", [])):
        return "an identity of a kind that the package lacks (ssh, tag or plugin)"
    return ""
