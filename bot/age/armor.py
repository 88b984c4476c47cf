"""ASCII armour: strict PEM with the label "AGE ENCRYPTED FILE".

Whitespace around the block and CRLF line ends are the only freedom. Anything else that a lenient
reader would forgive is an error, so that an armoured file cannot be altered unnoticed.
"""

import binascii
from enum import Enum

from bot.age.errors import ArmorError

BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
END = b"-----END AGE ENCRYPTED FILE-----"

_COLUMNS = 64
_LINE_BYTES = _COLUMNS // 4 * 3
_MAX_WHITESPACE = 1024


class ArmorWriter:
    """Armours one file, fed in pieces of any size."""

    def __init__(self) -> None:
        self._opening = BEGIN + b"\n"
        self._held = b""

    def update(self, data: bytes) -> bytes:
        data = self._held + data
        whole = len(data) // _LINE_BYTES * _LINE_BYTES
        self._held = data[whole:]
        return self._lines(data[:whole])

    def finish(self) -> bytes:
        return self._lines(self._held) + END + b"\n"

    def _lines(self, data: bytes) -> bytes:
        text = binascii.b2a_base64(data, newline=False)
        lines = [text[i : i + _COLUMNS] for i in range(0, len(text), _COLUMNS)]
        opening, self._opening = self._opening, b""
        return opening + b"\n".join([*lines, b""])


class _At(Enum):
    """Where in its input an ArmorReader is."""

    START = "in its first line"
    BODY = "in its body"
    END_LINE = "in its END line"
    AFTER = "after its END line"
    PASSING = "nowhere, for there is none"


class ArmorReader:
    """Takes the armour off one file, or passes a file on that has none.

    What was sound before a malformed line is given out first; the error comes with the next call.
    """

    def __init__(self) -> None:
        self._at = _At.START
        self._held = b""
        self._whitespace = 0
        self._failure: ArmorError | None = None

    def update(self, data: bytes | memoryview) -> bytes | memoryview:
        if self._at is _At.PASSING:
            return data
        self._held += data
        if self._at is _At.START and self._held.lstrip()[:1] not in (b"", BEGIN[:1]):
            return self._pass_on()
        return self._read(ended=False)

    def finish(self) -> bytes:
        if self._at is _At.PASSING or (self._at is _At.START and not self._held.strip()):
            return self._pass_on()
        sound = self._read(ended=True)
        if self._failure:
            raise self._failure
        if self._at is not _At.AFTER:
            raise ArmorError("the armour ends before its END line")
        return sound

    def _pass_on(self) -> bytes:
        self._at = _At.PASSING
        held, self._held = self._held, b""
        return held

    def _read(self, *, ended: bool) -> bytes:
        if self._failure:
            raise self._failure
        decoded = []
        try:
            if self._at is _At.BODY:
                decoded.append(self._decode_run())
            for line in self._lines(ended=ended):
                decoded.append(self._read_line(line))  # noqa: PERF401  (some may come before an error)
        except ArmorError as error:
            self._failure = error
        sound = b"".join(decoded)
        if self._failure and not sound:
            raise self._failure
        return sound

    def _lines(self, *, ended: bool) -> list[bytes]:
        *lines, self._held = self._held.split(b"\n")
        if ended and self._held:
            lines.append(self._held)
        elif len(self._held) > _MAX_WHITESPACE:
            raise ArmorError("a line of the armour is too long")
        return lines

    def _read_line(self, line: bytes) -> bytes:
        line = line.removesuffix(b"\r")
        match self._at:
            case _At.START | _At.AFTER if not line.strip():
                self._skip(line)
            case _At.START if line == BEGIN:
                self._at = _At.BODY
            case _At.BODY | _At.END_LINE if line == END:
                self._at = _At.AFTER
            case _At.BODY:
                return self._decode_line(line)
            case _:
                raise ArmorError(f"the armour is malformed {self._at.value}")
        return b""

    def _skip(self, blank: bytes) -> None:
        self._whitespace += len(blank) + 1
        if self._whitespace > _MAX_WHITESPACE:
            raise ArmorError("there is too much whitespace around the armour")

    def _decode_run(self) -> bytes:
        """Decode the full lines at hand in one go; whatever is not one is left to the slow way."""
        line_end = b"\r\n" if self._held[_COLUMNS : _COLUMNS + 1] == b"\r" else b"\n"
        stride = _COLUMNS + len(line_end)
        count = len(self._held) // stride
        run = self._held[: count * stride]
        text = run.translate(None, line_end)
        ends = b"".join(run[_COLUMNS + i :: stride] for i in range(len(line_end)))
        if ends != b"".join(line_end[i : i + 1] * count for i in range(len(line_end))):
            return b""
        try:
            data = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            return b""
        if len(data) != count * _LINE_BYTES:  # a line was not full, or the last one is padded
            return b""
        self._held = self._held[len(run) :]
        return data

    def _decode_line(self, line: bytes) -> bytes:
        """Decode any line of the body; one that is not full must be the last."""
        try:
            data = binascii.a2b_base64(line, strict_mode=True)
        except binascii.Error as error:
            raise ArmorError("a line of the armour is not base64") from error
        if not line or len(line) > _COLUMNS or binascii.b2a_base64(data, newline=False) != line:
            raise ArmorError("a line of the armour is empty, too long, or not canonical base64")
        if len(data) < _LINE_BYTES:
            self._at = _At.END_LINE
        return data
