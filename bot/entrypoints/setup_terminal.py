"""The person at the terminal of a set-up, and the proof that the private key is kept."""

import asyncio
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot import age
from bot.domain.errors import ConfigError, RefusedError
from bot.domain.printable import one_line
from bot.entrypoints.confirmation import typed_line
from bot.entrypoints.key_input import as_text, read_keys
from bot.entrypoints.streams import complain, say

_SECRET_KEY = "AGE-SECRET-KEY-"  # noqa: S105 - how every private key begins
_PROVE = (
    "This is a test message that only the private key opens:",
    "",
    "{challenge}",
    "Open it with the key that you keep AWAY from this machine:",
    "    age -d -i identity.txt      (paste the message, then Ctrl-D)",
    "and type the code in it; or paste the key itself, {key}.",
)
_SHEET = (
    "",
    'The recovery kit, with the private key in it, is "{sheet}".',
    "Print it, or take it to another machine, and delete it here. Without it nobody opens the",
    "backups once this machine is lost.",
    "",
)


class Terminal:
    """Port `Questions`. Raises ConfigError where there is none."""

    def __init__(self) -> None:
        if not sys.stdin.isatty():
            raise ConfigError(
                "setup: there is no terminal to ask at",
                hint="Give the settings in the environment, and --non-interactive.",
            )

    async def ask(self, words: str) -> str:
        sys.stderr.write(words)
        sys.stderr.flush()
        line = await typed_line()
        if not line:  # Ctrl-D, or the terminal is gone: as Ctrl-C
            raise asyncio.CancelledError
        return line.strip()

    async def secret(self, words: str) -> str:
        with _unseen():
            line = await self.ask(words)
        complain("")
        return line

    def tell(self, *lines: str) -> None:
        complain(*map(one_line, lines))


@contextmanager
def _unseen() -> Iterator[None]:
    """What is typed is not shown, nor kept in the terminal's buffer for whoever comes next."""
    before = termios.tcgetattr(sys.stdin)
    silent = [*before]
    silent[3] = before[3] & ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, silent)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, before)


@dataclass(frozen=True)
class KeptKey:
    """Port `Proof`: by a *typed* code, by the *file* of the kept key, or at the *terminal*.

    With none of these the test message is said, for whoever comes later.
    """

    typed: str = ""
    file: Path | None = None
    terminal: Terminal | None = None

    @property
    def patient(self) -> bool:
        return self.terminal is not None and not self.file

    async def answer(self, challenge: str, sheet: str) -> str:
        if self.file:
            content, _ = await asyncio.to_thread(read_keys, str(self.file), "--kept-key")
            return opened(challenge, as_text(content, str(self.file), "--kept-key"))
        key = "AGE-SECRET-KEY-1…, which is not shown and not kept"
        lines = [line.format(challenge=challenge, key=key) for line in _PROVE]
        said = [line.format(sheet=sheet) for line in _SHEET] if sheet else []
        if self.terminal is None:
            complain(*said)
            say(challenge.rstrip("\n"))
            return ""
        complain(*said, *lines)
        while True:
            answer = await self.terminal.secret("Code, or key: ")
            if not answer.upper().startswith(_SECRET_KEY):
                return answer
            try:
                return opened(challenge, answer.upper())
            except RefusedError as error:
                complain(error.in_full())


def opened(challenge: str, key: str) -> str:
    """The code in *challenge*, opened with the *key*, a file's text.

    Raises:
        RefusedError: it is no private key, or another one.
    """
    try:
        keys: Sequence[age.Identity] = age.parse_identity_file(key)
        text = b"".join(age.decrypt([challenge.encode()], keys)).decode()
    except age.AgeError as error:
        raise RefusedError(
            "this key does not open the test message: it would open no backup",
            hint="Give the private key that belongs to the backups.",
        ) from error
    return text.split("\n")[0]
