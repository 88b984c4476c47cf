"""The textual header: stanzas that each wrap the file key, under one MAC.

Only the grammar's own spelling is accepted, so that a header has one reading and its bytes can be
authenticated as they came. The size is bounded, because a header must be held whole until its MAC
was checked, and anyone can write one.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from bot.age import encoding
from bot.age.errors import HeaderError, HeaderMacError
from bot.age.primitives import WRAPPED_KEY_SIZE, derive_key

VERSION_LINE = b"age-encryption.org/v1\n"
MAX_HEADER_SIZE = 1 << 20

_VERSION_PREFIX = b"age-encryption.org/"
_COLUMNS = 64
_MAC_MARK = b"---"
_MAC_SIZE = 32
_VISIBLE = frozenset(range(0x21, 0x7F))


@dataclass(frozen=True)
class Stanza:
    """One recipient's copy of the file key."""

    kind: str
    arguments: tuple[str, ...]
    body: bytes

    def argument_bytes(self, size: int) -> bytes:
        """Decode the only argument, which must stand for *size* bytes.

        Raises:
            HeaderError: There is not one argument, or it is something else.
        """
        if len(self.arguments) != 1:
            raise HeaderError(f"a {self.kind} stanza has {len(self.arguments)} arguments, not 1")
        return self.decode(self.arguments[0], size)

    def decode(self, argument: str, size: int) -> bytes:
        """Decode an argument of this stanza.

        Raises:
            HeaderError: It is not canonical base64, or not *size* bytes long.
        """
        data = _decode(argument.encode("ascii"), f"the argument of a {self.kind} stanza")
        if len(data) != size:
            raise HeaderError(f"the argument of a {self.kind} stanza is not {size} bytes long")
        return data

    def wrapped_key(self) -> bytes:
        """Return the body, if it has the one length that a wrapped file key has.

        Checking before decrypting keeps a crafted body from opening under several keys.
        """
        if len(self.body) != WRAPPED_KEY_SIZE:
            raise HeaderError(f"the body of a {self.kind} stanza is not a wrapped file key")
        return self.body


@dataclass(frozen=True)
class Header:
    """A parsed header whose MAC is still to be checked."""

    stanzas: tuple[Stanza, ...]
    covered: bytes
    mac: bytes

    def verify(self, file_key: bytes) -> None:
        """Raise HeaderMacError unless *file_key*'s holder wrote exactly this header."""
        if not hmac.compare_digest(_mac(file_key, self.covered), self.mac):
            raise HeaderMacError("the header was changed after it was written")


def encode_header(stanzas: Sequence[Stanza], file_key: bytes) -> bytes:
    """Return the header with its MAC, to which the payload's nonce is appended as it is."""
    covered = VERSION_LINE + b"".join(map(_encode_stanza, stanzas)) + _MAC_MARK
    return b"%b %b\n" % (covered, encoding.encode(_mac(file_key, covered)))


def find_header_end(data: bytearray, searched: int) -> int:
    """Return where the payload begins in *data*, or -1 while the header is incomplete.

    Args:
        data: The file from its first byte on.
        searched: How many bytes of *data* an earlier call has seen.

    Raises:
        HeaderError: This can no longer become a header.
    """
    if not data.startswith(VERSION_LINE[: len(data)]):
        if data.startswith(_VERSION_PREFIX):
            raise HeaderError("the file has a version of the age format other than v1")
        raise HeaderError("this is not an age file")
    # The MAC line may have begun, unended, in what an earlier call saw.
    mark = data.find(b"\n" + _MAC_MARK, max(0, searched - _COLUMNS))
    end = data.find(b"\n", mark + 1) + 1 if mark >= 0 else 0
    if end > MAX_HEADER_SIZE or (not end and len(data) > MAX_HEADER_SIZE):
        raise HeaderError(f"the header is longer than {MAX_HEADER_SIZE >> 10} KiB")
    if mark >= 0 and not end and len(data) - mark > _COLUMNS:
        raise HeaderError("the header's last line is malformed")
    return end or -1


def parse_header(raw: bytes) -> Header:
    """Read a whole header, up to and including the line feed after its MAC.

    Raises:
        HeaderError: *raw* departs from the grammar.
    """
    lines = raw.removeprefix(VERSION_LINE).split(b"\n")[:-1]
    stanzas = []
    position = 0
    while not lines[position].startswith(_MAC_MARK):
        stanza, position = _parse_stanza(lines, position)
        stanzas.append(stanza)
    if not stanzas:
        raise HeaderError("the header has no stanza")
    mark, space, text = lines[position].partition(b" ")
    if mark != _MAC_MARK or not space:
        raise HeaderError("the header's last line is malformed")
    mac = _decode(text, "the header's MAC")
    if len(mac) != _MAC_SIZE:
        raise HeaderError("the header's MAC has the wrong length")
    return Header(tuple(stanzas), raw[: -len(text) - 2], mac)


def _parse_stanza(lines: list[bytes], position: int) -> tuple[Stanza, int]:
    """Return the stanza that begins on line *position*, and the line after its end."""
    mark, *arguments = lines[position].split(b" ")
    if mark != b"->" or not arguments:
        raise HeaderError("a stanza does not begin with its type")
    if not all(argument and _VISIBLE.issuperset(argument) for argument in arguments):
        raise HeaderError("a stanza's argument is empty or holds a forbidden character")
    body = []
    for end, line in enumerate(lines[position + 1 : -1], position + 2):
        if len(line) > _COLUMNS:
            raise HeaderError(f"a stanza's line is longer than {_COLUMNS} columns")
        body.append(_decode(line, "a stanza's body"))
        if len(line) < _COLUMNS:
            kind, *rest = (argument.decode("ascii") for argument in arguments)
            return Stanza(kind, tuple(rest), b"".join(body)), end
    raise HeaderError("a stanza does not end with a short line")


def _encode_stanza(stanza: Stanza) -> bytes:
    opening = " ".join(["->", stanza.kind, *stanza.arguments]).encode("ascii")
    body = encoding.encode(stanza.body)
    # Up to and including the end, so that a body of full lines ends with an empty one.
    lines = [body[i : i + _COLUMNS] for i in range(0, len(body) + 1, _COLUMNS)]
    return b"\n".join([opening, *lines, b""])


def _decode(text: bytes, what: str) -> bytes:
    try:
        return encoding.decode(text)
    except ValueError as error:
        raise HeaderError(f"{what} is not canonical base64") from error


def _mac(file_key: bytes, covered: bytes) -> bytes:
    return hmac.digest(derive_key(file_key, salt=b"", info=b"header"), covered, "sha256")
