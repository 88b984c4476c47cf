"""What of a plain SQL dump may pass, decided statement by statement while it streams by.

A dump made with `pg_dump -C` or `--clean` drops, creates and enters databases by name, and gives
things to roles that another host may not have. All that is left out, and so is what drops: what
passes fills the empty database in which `psql` already is. psql's own commands never pass.

It reads quotes, dollar quotes, comments and rows of COPY as psql does, and holds one statement at
most. Lines are kept in number, so that psql's words name the line of the file.
"""

import re
from collections.abc import Callable

from bot.domain.errors import IntegrityError
from bot.domain.sql_dump import (
    AGAIN,
    DumpStory,
    UnixLines,
    Verdict,
    foreign,
    judge,
    require_long,
    require_usual,
)
from bot.domain.sql_words import Words

_LONGEST_HELD = 1024 * 1024  # bytes; no statement that is left out or refused is that long
_LONGEST_COMMAND = 4096
_LONGEST_COMMENT = 200

_SPACE = re.compile(rb"[ \t\r\n\f\v]*")
_TOKEN = re.compile(rb"[;'\"\\$)]|--|/\*")
# What needs no closer look, parentheses closed: all but a few statements of a dump made of INSERTs.
_EASY = rb"""[^;'"\\$/()-]++|-(?!-|\Z)|/(?!\*|\Z)|(?<![eE])'[^']*+'(?!\Z)|"[^"]*+"(?!\Z)"""
_NESTED = rb"(?:%b)*+" % _EASY
for _ in range(3):
    _NESTED = rb"(?:%b|\(%b\))*+" % (_EASY, _NESTED)
_PLAIN = re.compile(_NESTED)
_SIMPLE = re.compile(rb"(?=[A-Za-z_])(?![cC][rR](?!EATE (?:TABLE|INDEX|SEQUENCE) ))%b;" % _NESTED)
_TAG = rb"\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?"
_DOLLAR, _DOLLAR_CUT = re.compile(_TAG + rb"\$"), re.compile(_TAG + rb"\Z")
_QUOTE, _QUOTE_ESCAPED = re.compile(rb"'"), re.compile(rb"['\\]")
_COMMENT_MARK = re.compile(rb"/\*|\*/")
_LINE_END = re.compile(rb"[\r\n]")  # psql ends a comment at either
_ROWS_END = b"\n\\."


class SqlSieve:
    """SQL text in, what may pass out; the same however the text is cut into blocks.

    *major* is the PostgreSQL that it is for. Raises RefusedError at what no `pg_dump` of one
    database writes, or an older server cannot read; `finish` raises IntegrityError where the text
    was cut off.
    """

    def __init__(self, major: int) -> None:
        self._story = DumpStory(major)
        self._lines = UnixLines()
        self._data, self._at = b"", 0
        self._out = bytearray()
        self._lex: Callable[[bool], bool] = self._sql
        self._between = True  # two statements
        self._held: bytearray | None = None  # the statement so far; None: it passes as it comes
        self._words = Words()  # of the statement
        self._recent = b""  # of one that passes as it comes, the last that stands in no quotes
        self._escapes, self._tag, self._depth = False, b"", 0
        self._may_go_on = False  # a string with escapes has ended, and a next line may continue it
        self._comment = bytearray()

    def feed(self, block: bytes) -> bytes:
        """Pass on what may."""
        text, zero, _ = self._lines.feed(block).partition(b"\0")
        passed = self._run(text, final=False)
        if zero:
            raise foreign("a zero byte")
        return passed

    def finish(self) -> bytes:
        """Pass on the rest."""
        passed = self._run(self._lines.rest(), final=True)
        if self._lex in (self._rows, self._rows_begin):
            raise IntegrityError("the dump is cut off: it ends in a table's rows", hint=AGAIN)
        if not self._between or self._lex != self._sql:
            raise IntegrityError("the dump is cut off: it ends in a statement", hint=AGAIN)
        self._story.end()
        return passed

    def _run(self, block: bytes, *, final: bool) -> bytes:
        self._data, self._at = self._data[self._at :] + block, 0
        self._out = bytearray()
        while self._lex(final):
            pass
        return bytes(self._out)

    def _take(self, end: int) -> None:
        piece, self._at = self._data[self._at : end], end
        if self._held is None and self._lex in (self._sql, self._name):
            self._recent = require_usual(self._recent + piece)
        if self._between or self._held is None:
            self._out += piece
            return
        self._held += piece
        if len(self._held) > _LONGEST_HELD:
            require_long(bytes(self._held[:_LONGEST_HELD]))
            self._recent = b""
            self._out += self._held
            self._held = None

    def _take_words(self, end: int) -> None:
        words = self._data[self._at : end]
        self._words.take(words)
        if words.strip():
            self._may_go_on = False
        self._take(end)

    def _take_to(self, lex: Callable[[bool], bool], end: int) -> bool:
        """Go on with *lex* after *end*."""
        self._take(end)
        self._lex = lex
        return True

    def _take_rest(self, kept: int) -> bool:
        """Take all but the last *kept* bytes, which may be the beginning of something."""
        self._take(max(self._at, len(self._data) - kept))
        return False

    # Each of these takes what it can, and says whether there is more to do before bytes are needed.

    def _sql(self, final: bool) -> bool:  # noqa: FBT001
        return self._begin(final) if self._between else self._statement(final)

    def _begin(self, final: bool) -> bool:  # noqa: FBT001
        """Between two statements."""
        if blank := _SPACE.match(self._data, self._at):
            self._take(blank.end())
        two = self._data[self._at : self._at + 2]
        if not two or (two in (b"-", b"/") and not final):
            return False
        if two == b"--":
            return self._take_to(self._line_comment, self._at + 2)
        if two == b"/*":
            self._depth = 1
            return self._take_to(self._block_comment, self._at + 2)
        if two[:1] == b"\\":
            return self._command(final)
        self._story.statement()
        self._between, self._held = False, bytearray()
        simple = _SIMPLE.match(self._data, self._at)
        if simple and simple.end() - self._at <= _LONGEST_HELD:
            self._take(simple.end())
            self._end()
        else:
            self._words, self._may_go_on = Words(), False
        return True

    def _statement(self, final: bool) -> bool:  # noqa: FBT001
        if (
            self._words.plain
            and not self._may_go_on
            and (plain := _PLAIN.match(self._data, self._at))
        ):
            self._words.skip(plain[0])
            self._take(plain.end())
        found = _TOKEN.search(self._data, self._at)
        if found is None:
            kept = 1 if not final and self._data[-1:] in (b"-", b"/") else 0
            self._take_words(max(self._at, len(self._data) - kept))
            return False
        token, end = found[0], found.end()
        if token == b")":  # what follows may be plain again
            self._take_words(end)
            return True
        self._take_words(found.start())
        if token == b"$":
            return self._dollar(final)
        if token == b"\\":
            raise foreign("a backslash in a statement")
        if token == b";":
            self._take(end)
            if self._words.ends():
                self._end()
            self._may_go_on = False
            return True
        return self._quote(token, end)

    def _quote(self, token: bytes, end: int) -> bool:
        """At what opens a quote or a comment, which ends at *end*."""
        self._depth = 1
        following = {
            b"'": self._string,
            b'"': self._name,
            b"--": self._line_comment,
            b"/*": self._block_comment,
        }
        if token == b"'":
            if self._may_go_on:
                raise foreign("a string that goes on in another line")
            self._escapes = self._words.escapes()
        elif token == b'"':
            self._may_go_on = False
        self._words.cut()
        return self._take_to(following[token], end)

    def _dollar(self, final: bool) -> bool:  # noqa: FBT001
        """At a dollar, which opens a quote unless it is part of a name."""
        self._may_go_on = False
        if not self._words.dollar_is_of_name():
            if opening := _DOLLAR.match(self._data, self._at):
                self._tag = opening[0]
                self._words.cut()
                return self._take_to(self._dollar_quoted, opening.end())
            if not final and _DOLLAR_CUT.match(self._data, self._at):
                return False
        self._take_words(self._at + 1)
        return True

    def _string(self, final: bool) -> bool:  # noqa: FBT001
        found = (_QUOTE_ESCAPED if self._escapes else _QUOTE).search(self._data, self._at)
        if found is None:
            return self._take_rest(0)
        start = found.start()
        if start + 1 == len(self._data) and not final:  # what follows decides
            self._take(start)
            return False
        if found[0] == b"\\" or self._data[start + 1 : start + 2] == b"'":
            self._take(min(start + 2, len(self._data)))
            return True
        self._may_go_on = self._escapes
        return self._take_to(self._sql, start + 1)

    def _name(self, final: bool) -> bool:  # noqa: ARG002, FBT001
        start = self._data.find(b'"', self._at)
        return self._take_rest(0) if start < 0 else self._take_to(self._sql, start + 1)

    def _dollar_quoted(self, final: bool) -> bool:  # noqa: FBT001
        start = self._data.find(self._tag, self._at)
        if start < 0:
            return self._take_rest(0 if final else len(self._tag) - 1)
        return self._take_to(self._sql, start + len(self._tag))

    def _line_comment(self, final: bool) -> bool:  # noqa: FBT001
        newline = _LINE_END.search(self._data, self._at)
        end = newline.start() if newline else len(self._data)
        self._comment += self._data[self._at : end][: _LONGEST_COMMENT - len(self._comment)]
        if newline is None and not final:
            return self._take_rest(0)
        if self._between:
            self._story.comment(bytes(self._comment).strip())
        self._comment = bytearray()
        return self._take_to(self._sql, end)

    def _block_comment(self, final: bool) -> bool:  # noqa: FBT001
        found = _COMMENT_MARK.search(self._data, self._at)
        if found is None:
            return self._take_rest(0 if final else 1)
        self._depth += 1 if found[0] == b"/*" else -1
        return self._take_to(self._block_comment if self._depth else self._sql, found.end())

    def _command(self, final: bool) -> bool:  # noqa: FBT001
        """At a command of psql: left out, to the end of its line."""
        newline = self._data.find(b"\n", self._at)
        end = newline if newline >= 0 else len(self._data)
        if end - self._at > _LONGEST_COMMAND:
            raise foreign("a long command of psql")
        if newline < 0 and not final:
            return False
        self._story.command(self._data[self._at : end])
        self._at = end
        return True

    def _rows_begin(self, final: bool) -> bool:  # noqa: ARG002, FBT001
        following = self._data[self._at : self._at + 1]
        if following not in (b"", b"\n"):
            raise foreign("more in the line of a COPY")
        self._lex = self._rows if following else self._rows_begin
        return bool(following)

    def _rows(self, final: bool) -> bool:  # noqa: FBT001
        """From the newline before the first row, so that no row at all looks like any other end."""
        start = self._data.find(_ROWS_END, self._at)
        if start < 0:
            return self._take_rest(0 if final else len(_ROWS_END) - 1)
        end = start + len(_ROWS_END)
        following = self._data[end : end + 1]
        if not following and not final:
            self._take(start)
            return False
        if following not in (b"", b"\n"):
            raise foreign('a row that begins with "\\."')
        return self._take_to(self._sql, end)

    def _end(self) -> None:
        """Decide on the statement that has ended."""
        self._between, self._lex = True, self._sql
        if self._held is None:
            return
        statement = bytes(self._held)
        verdict = judge(statement)
        left_out = verdict is Verdict.LEAVE_OUT
        self._out += b"\n" * statement.count(b"\n") if left_out else statement
        if verdict is Verdict.ROWS:
            self._lex = self._rows_begin
