"""The words of one SQL statement that stand in no quotes, counted as psql counts them.

A semicolon ends a statement for psql only outside of parentheses, and outside of BEGIN … END in the
body of a function. Who sieves must see the same ends as psql: what is data for one of them would be
commands for the other.
"""

import re
import string

from bot.domain.errors import RefusedError
from bot.domain.restore import UNTOUCHED
from bot.domain.sql_dump import foreign

_WORD_BYTES = (string.ascii_letters + string.digits + "_$").encode() + bytes(range(0x80, 0x100))
_PART = re.compile(rb"[A-Za-z0-9_$\x80-\xff]+|[()]|[^A-Za-z0-9_$\x80-\xff()]+")
_NAME = re.compile(rb"[A-Za-z_\x80-\xff]")
_NUMBER = re.compile(rb"\$?[0-9]+|[0-9]+[eE][0-9]*")
_LONGEST_RUN = 64
_KIND_WITHIN = 3  # words after CREATE: OR REPLACE FUNCTION
_BODIES = frozenset({b"function", b"procedure"})
_KINDS = _BODIES | {b"or", b"schema"}  # the first word after CREATE, where a body may follow


class Words:
    """Give `take` all that is in no quotes and no comment, `cut` where one of these lies between.

    Both raise RefusedError where psql's versions read differently, or count a BEGIN.
    """

    def __init__(self) -> None:
        self._run = b""  # letters, digits and dollars so far; of a long one its two ends
        self._lead = b""  # what stands right before it
        self._depth = 0
        self._creates: bool | None = None  # None: no name came yet
        self._after_create = 0
        self._may_have_body = self._after_number = False

    @property
    def plain(self) -> bool:
        """Whether well-nested text may be skipped: no word is open, and no function is created."""
        return self._creates is False and not self._run

    def take(self, text: bytes) -> None:
        """Go on with *text*."""
        for part in _PART.findall(text):
            if part[0] in _WORD_BYTES:
                self._run += part
                if len(self._run) > _LONGEST_RUN:
                    self._run = self._run[: _LONGEST_RUN // 2] + self._run[-_LONGEST_RUN // 2 :]
                continue
            self._end_word()
            self._lead = (self._lead + part)[-3:]
            if part == b"(":
                self._depth += 1
            elif part == b")":
                self._depth = max(0, self._depth - 1)

    def skip(self, text: bytes) -> None:
        """Go on behind *text*, which is well nested and closes its quotes."""
        before = text.rstrip(_WORD_BYTES)
        self._lead = (self._lead + before[-3:])[-3:]
        self.take(text[len(before) :])

    def cut(self) -> None:
        """A quote or a comment lies here."""
        self._end_word()
        self._lead, self._after_number = b"", False

    def ends(self) -> bool:
        """Whether a semicolon here ends the statement."""
        self.cut()
        return self._depth == 0

    def dollar_is_of_name(self) -> bool:
        """Whether a dollar here belongs to the word before it; else it may open a quote."""
        if self._run and (_is_variable(self._lead) or not _NAME.match(self._run)):
            raise foreign("a dollar right after a number or a variable")
        return bool(self._run)

    def escapes(self) -> bool:
        """Whether a string that opens here reads backslashes as escapes."""
        if self._run[-1:] not in (b"e", b"E"):
            return False
        is_odd = _is_variable(self._lead) or self._lead.endswith(b".") or not _NAME.match(self._run)
        if is_odd:
            raise foreign("a string right after a number or a variable")
        return len(self._run) == 1

    def _end_word(self) -> None:
        run, lead = self._run, self._lead
        if not run:
            return
        self._run = self._lead = b""
        after_number, self._after_number = self._after_number, False
        is_name = bool(_NAME.match(run))
        self._after_number = not is_name
        is_sound = _NUMBER.fullmatch(run) if not is_name else not (after_number and lead == b".")
        if self._creates is not False and not is_sound:
            raise foreign("a number with letters")
        if is_name:
            self._name(run.lower(), counts=not _is_variable(lead))

    def _name(self, name: bytes, *, counts: bool) -> None:
        if name == b"create" and self._creates is not False:
            self._creates, self._after_create = True, 0
        elif counts:
            self._after_create += 1
            self._creates = bool(self._creates) and (self._after_create > 1 or name in _KINDS)
        if name in _BODIES and self._after_create <= _KIND_WITHIN:
            self._may_have_body = True
        if name == b"begin" and self._creates and self._may_have_body and self._depth == 0:
            raise RefusedError(
                "the dump has a function whose body stands in no quotes (BEGIN ATOMIC), and a plain"
                " dump with one is not loaded",
                hint=f"{UNTOUCHED} Make the dump again, with pg_dump -Fc.",
            )


def _is_variable(lead: bytes) -> bool:
    """Whether what follows may be a variable of psql; two colons are a cast."""
    return lead.endswith(b":") and (not lead.endswith(b"::") or lead == b":::")
