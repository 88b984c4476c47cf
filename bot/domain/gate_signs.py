"""What the logs of a new version's containers say of how it fares (facts §5.3, §11).

Lines come in two formats: the console's until Django is set up, JSON after that; the traceback of
a program that ends is neither.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.log_masking import mask_line

_LONGEST = 300
_TRACEBACK = "Traceback (most recent call last):"
_CAUSE = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:: .*)?")
_OF_A_MIGRATION = re.compile(
    r'File "[^"]*(?:lifecycle/migrate|system_migrations|db/migrations|/migrations/|migrate_schemas)'
)
# Whether it comes again depends on what is around, not on the version.
_PASSING = re.compile(
    r"OperationalError|InterfaceError|Connection\w*Error|TimeoutError|deadlock|QueryCanceled"
)
OF_THE_HOST = re.compile(
    r"No space left on device|DiskFull|Cannot allocate memory|MemoryError|exec format error",
    re.IGNORECASE,
)
"""What is missing here, and is none of a version's doing."""
_SCHEMA = re.compile(
    r"\b(?:column|relation|table|type|function|view|constraint|index|schema) \S+(?: of \S+ \S+)?"
    r" does not exist|null value in column"
)
_RESTARTING = re.compile(r"gunicorn.*\brestarting\b|the server has exited unexpectedly")


class SignKind(StrEnum):
    """What a sign is a sign of."""

    HISTORY = "InconsistentMigrationHistory"
    GROUPS = "DuplicateNameError"
    SKIP = "Major version skips"
    MIGRATION = "migration failed"
    SCHEMA = "schema"  # the code does not fit the database
    RESTARTING = "restarting"
    TRACEBACK = "traceback"


_NAMED = (SignKind.HISTORY, SignKind.GROUPS, SignKind.SKIP)


@dataclass(frozen=True)
class Sign:
    """One of them; *text* is the line that shows it, masked. *passing*: it may be gone by itself.

    Of a traceback it is the last line, the cause.
    """

    kind: SignKind
    service: str
    text: str
    passing: bool = False

    @property
    def of_the_host(self) -> bool:
        """Whether it tells of what is around, such as disk and database, and not of the version."""
        return self.passing or OF_THE_HOST.search(self.text) is not None


class SignReader:
    """Reads one container's log line by line; a traceback may come in several reads."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._frames: list[str] | None = None

    def feed(self, lines: Iterable[str]) -> Iterator[Sign]:
        """The signs in the lines that came next."""
        for line in lines:
            text = line.rstrip()
            if self._frames is not None:
                yield from self._inside(text)
            elif text.endswith(_TRACEBACK):
                self._frames = []
            else:
                yield from self._plain(text)

    def _inside(self, text: str) -> Iterator[Sign]:
        """Within a traceback: its frames are indented, other programs' lines may stand between."""
        if text.startswith((" ", "\t")) and self._frames is not None:
            if _OF_A_MIGRATION.search(text):
                self._frames.append(text)
        elif _CAUSE.fullmatch(text):
            yield self._of_cause(text, migrating=bool(self._frames))
            self._frames = None
        elif text.endswith(_TRACEBACK):
            self._frames = []
        else:
            yield from self._plain(text)

    def _plain(self, text: str) -> Iterator[Sign]:
        if not text.startswith("{"):
            yield from self._of_words(text)
            return
        try:
            record = json.loads(text)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            yield from self._of_words(text)
            return
        words = str(record.get("event", ""))
        trace = str(record.get("exception") or "")
        if _TRACEBACK in trace:
            yield from self._of_trace(trace)
        else:
            yield from self._of_words(f"{words} {record.get('exc') or record.get('error') or ''}")

    def _of_trace(self, trace: str) -> Iterator[Sign]:
        """A whole traceback; of several, each the cause of the next, the last."""
        last = trace.rpartition(_TRACEBACK)[2].strip("\n").splitlines()
        causes = [each for each in last if _CAUSE.fullmatch(each)]
        if causes:
            yield self._of_cause(causes[0], migrating=bool(_OF_A_MIGRATION.search(trace)))

    def _of_cause(self, cause: str, *, migrating: bool) -> Sign:
        named = [kind for kind in _NAMED if kind in cause]
        if named:
            kind = named[0]
        elif migrating:
            kind = SignKind.MIGRATION
        elif _SCHEMA.search(cause):
            kind = SignKind.SCHEMA
        else:
            kind = SignKind.TRACEBACK
        return self._sign(kind, cause, passing=bool(_PASSING.search(cause)))

    def _of_words(self, words: str) -> Iterator[Sign]:
        if _RESTARTING.search(words):
            yield self._sign(SignKind.RESTARTING, words)
        elif _SCHEMA.search(words):
            yield self._sign(SignKind.SCHEMA, words)

    def _sign(self, kind: SignKind, text: str, *, passing: bool = False) -> Sign:
        return Sign(kind, self._service, mask_line(text.strip())[:_LONGEST], passing)
