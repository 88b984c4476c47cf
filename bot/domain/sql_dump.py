"""What pg_dump writes into a plain dump of one database, and what of it is loaded."""

import re
from enum import Enum, auto

from bot.domain.errors import IntegrityError, RefusedError
from bot.domain.printable import printable
from bot.domain.restore import UNTOUCHED

_HEADER = b"PostgreSQL database dump"
_OF_ALL = b"PostgreSQL database cluster dump"
_ENDED = b"PostgreSQL database dump complete"
_SERVER = re.compile(rb"Dumped from database version (\d+)")

_LEFT_OUT = re.compile(
    rb"""DROP\s
    |(?:CREATE|ALTER)\s+DATABASE\s
    |(?:COMMENT|SECURITY\s+LABEL\b[^']*)\s+ON\s+DATABASE\s
    |GRANT\s|REVOKE\s|ALTER\s+DEFAULT\s+PRIVILEGES\s
    |SET\s+SESSION\s+AUTHORIZATION\s
    |CREATE\s+SCHEMA\s+public\s*;
    |ALTER\s[^']*\sOWNER\s+TO\s+(?:"[^"]*"|\w+)\s*;\Z
    |ALTER\s+TABLE\s[^'(]*\sDROP\s+(?:CONSTRAINT|DEFAULT|IDENTITY)\b[^'(]*;\Z""",
    re.IGNORECASE | re.VERBOSE,
)
_REFUSED = re.compile(
    rb"""(?:CREATE|ALTER)\s+(?:ROLE|GROUP|TABLESPACE|USER(?!\s+MAPPING))\b
    |ALTER\s+SYSTEM\b
    |SET\b(?!\s+(?:SESSION\s+|LOCAL\s+)?\w+\s*(?:=|TO\b)|\s+SESSION\s+AUTHORIZATION\s)""",
    re.IGNORECASE | re.VERBOSE,
)
# What may make psql, and not the sieve, take a backslash in a plain string for an escape.
_QUOTING = re.compile(
    rb"standard_conforming_strings|client_encoding|set_config|\bpg_settings\b|\bU&[\"']",
    re.IGNORECASE,
)
_QUOTING_PARTS = (b"standard_conf", b"client_enc", b"set_config", b"pg_settings", b"u&")  # faster
# Encodings in which no byte of a letter may be a quote or a backslash.
_USUAL = re.compile(
    rb"""SET\s+standard_conforming_strings\s*=\s*on\s*;\Z
    |SET\s+client_encoding\s*=\s*'(?:UTF8|SQL_ASCII|EUC_\w+|ISO_8859_\d|KOI8\w|LATIN\d+|WIN\d+)'\s*;\Z
    |SELECT\s+pg_catalog\.set_config\('search_path',\s*'[^'\\]*',\s*false\)\s*;\Z""",
    re.VERBOSE,
)
# Nothing but data: no function is called that could make a statement of it.
_ONLY_DATA = re.compile(
    rb"""INSERT\s+INTO\s+(?:"[^"]*"|[\w.\x80-\xff])+\s+(?:\((?:"[^"]*"|[^"'()])*\)\s*)?
      (?:OVERRIDING\s+SYSTEM\s+VALUE\s+)?VALUES\s*
      (?:[\s(),]|\bB?'[^']*'|'[^']*'|[-+.\d]+(?:e[-+]?\d+)?|\b(?:NULL|true|false|DEFAULT)\b)*+
      (?:ON\s+CONFLICT\s+DO\s+NOTHING\s*)?;\Z
    |COMMENT\s+ON\s(?:"[^"]*"|[^"';])*\sIS\s+'(?:[^']|'')*+'\s*;\Z""",
    re.VERBOSE,
)
_LITERAL = re.compile(rb"""("[^"]*+")|'[^']*+(?:'|\Z)""")
_LONG = re.compile(
    rb"""INSERT\s+INTO\s|SELECT\s|COMMENT\s+ON\s
    |CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE|MATERIALIZED\s+VIEW|VIEW|TABLE|RULE|POLICY)\s""",
    re.IGNORECASE | re.VERBOSE,
)
_RECENT = 64  # bytes; no word that counts is longer
_COPY = re.compile(rb"COPY\b", re.IGNORECASE)
_COPY_ROWS = re.compile(rb"COPY\s.*\sFROM\s+stdin\s*(?:WITH\b[^;]*)?;\Z", re.IGNORECASE | re.DOTALL)
_ENTERS = frozenset({b"\\connect", b"\\c"})
_HARMLESS = frozenset({b"\\restrict", b"\\unrestrict"})
AGAIN = f"{UNTOUCHED} Make the dump again, with pg_dump of one database."


class Verdict(Enum):
    """What becomes of a statement."""

    PASS = auto()
    ROWS = auto()  # it passes, and so do the rows that follow it
    LEAVE_OUT = auto()


def judge(statement: bytes) -> Verdict:
    """Decide on a whole statement. Raises RefusedError at what no dump of a database has."""
    is_copy = bool(_COPY.match(statement))
    if _REFUSED.match(statement) or (is_copy and not _COPY_ROWS.match(statement)):
        raise _unknown(statement)
    if _LEFT_OUT.match(statement):
        return Verdict.LEAVE_OUT
    if _is_odd(statement) and not (_USUAL.match(statement) or _ONLY_DATA.match(statement)):
        raise _unknown(statement)
    return Verdict.ROWS if is_copy else Verdict.PASS


def require_long(beginning: bytes) -> None:
    """Raise RefusedError where no statement of pg_dump that begins so is that long."""
    if not _LONG.match(beginning):
        raise _unknown(beginning)
    require_usual(beginning)


def require_usual(text: bytes) -> bytes:
    """Raise RefusedError at a word outside of strings that changes how psql reads.

    Returns the end of *text*, to be given once more before what follows it.
    """
    if _is_odd(text) and (odd := _QUOTING.search(_LITERAL.sub(rb"\1", text))):
        raise foreign(f'the word "{odd[0].decode()}" in a long statement')
    return text.rpartition(b"'")[2][-_RECENT:]


def _is_odd(text: bytes) -> bool:
    lower = text.lower()
    for part in _QUOTING_PARTS:
        if part in lower:
            return bool(_QUOTING.search(text))
    return False


def _unknown(statement: bytes) -> RefusedError:
    words = b" ".join(statement[:200].split()[:2]).decode(errors="replace")
    return foreign(f'the statement "{printable(words, 40)} …"')


def foreign(what: str) -> RefusedError:
    """An error that names *what* is not pg_dump's."""
    return RefusedError(
        f"the dump has {what}, which pg_dump does not write",
        hint=f"{UNTOUCHED} Who made it, and how? See deploy/RUNBOOK.md to load it by hand.",
    )


class DumpStory:
    """What a dump tells of itself; *major* is the PostgreSQL that it is for."""

    def __init__(self, major: int) -> None:
        self._major = major
        self._entered = b""
        self._begun = self._complete = False

    def statement(self) -> None:
        """A statement begins. Raises RefusedError before the first words of pg_dump."""
        self._complete = False
        if not self._begun:
            raise RefusedError(
                f'the text does not begin with "-- {_HEADER.decode()}"',
                hint=f"{UNTOUCHED} Give it a dump of pg_dump, with nothing before it.",
            )

    def comment(self, words: bytes) -> None:
        """Between two statements. Raises RefusedError where it tells of what cannot be loaded."""
        if words == _OF_ALL:
            raise RefusedError(
                "the dump is of a whole server, by pg_dumpall",
                hint=f"{UNTOUCHED} Make one of Authentik's database alone, with pg_dump.",
            )
        self._begun = self._begun or words == _HEADER
        self._complete = self._complete or words == _ENDED
        made_by = _SERVER.match(words)
        if made_by and int(made_by[1]) > self._major:
            raise RefusedError(
                f"the stack's PostgreSQL {self._major} is older than the dump's"
                f" {int(made_by[1])}, and cannot load it",
                hint=f"{UNTOUCHED} Use PostgreSQL {int(made_by[1])} or newer.",
            )

    def command(self, line: bytes) -> None:
        """Of psql. Raises RefusedError at what pg_dump does not write, or a second database."""
        word = line.split()[0]
        if word in _ENTERS and self._entered not in (b"", line):  # it enters its own once more
            raise RefusedError(
                "the dump is of several databases",
                hint=f"{UNTOUCHED} Make one of Authentik's alone, with pg_dump.",
            )
        if word in _ENTERS:
            self._entered = line
        if word not in _ENTERS | _HARMLESS:
            raise foreign(f'the command "{printable(word.decode(errors="replace"), 40)}" of psql')

    def end(self) -> None:
        """Raises IntegrityError where pg_dump's last words did not come."""
        if not self._complete:
            ending = f'it does not end in "-- {_ENDED.decode()}"'
            raise IntegrityError(f"the dump is cut off: {ending}", hint=AGAIN)


class UnixLines:
    """Takes away the carriage returns that a terminal (`docker compose exec` without -T) adds.

    Whether it did is told by the first line's end. It adds one to every line, so that taking one
    away from every line gives the dump again.
    """

    def __init__(self) -> None:
        self._has_returns: bool | None = None
        self._held = b""

    def feed(self, block: bytes) -> bytes:
        """The next bytes without them."""
        block, self._held = self._held + block, b""
        if self._has_returns is None and (end := block.find(b"\n")) >= 0:
            self._has_returns = block[max(0, end - 1) : end] == b"\r"
        if self._has_returns is not False and block.endswith(b"\r"):
            block, self._held = block[:-1], b"\r"
        return block.replace(b"\r\n", b"\n") if self._has_returns else block

    def rest(self) -> bytes:
        """What was held back."""
        rest, self._held = self._held, b""
        return rest
