"""The proof of the end: a random trailer that a command's shell prints only after exit code 0.

An exec whose connection drops may still "exit 0", and half a dump looks like a whole one. The
trailer's bytes are unknown before, so that nothing but the true end can look like it.
"""

import secrets

_LENGTH = 32


class Trailer:
    """Takes the trailer off the end of a stream."""

    def __init__(self) -> None:
        self.text = secrets.token_hex(_LENGTH // 2)
        self._expected = self.text.encode()
        self._held = b""

    @property
    def seen(self) -> bool:
        """Whether what has come so far ends in the trailer."""
        return self._held == self._expected

    def feed(self, block: bytes | memoryview) -> bytes:
        """A copy of the bytes of *block* and before that cannot be part of the trailer."""
        if len(block) >= _LENGTH:
            view = memoryview(block)
            before, self._held = self._held, bytes(view[-_LENGTH:])
            return b"".join((before, view[:-_LENGTH]))
        joined = self._held + bytes(block)
        self._held = joined[-_LENGTH:]
        return joined[:-_LENGTH]
