"""What `pg_dumpall --globals-only` has written, as statements for a server that has some of it."""

import re
from collections.abc import Sequence

_WANTED = re.compile(r"(CREATE|ALTER|COMMENT ON) ROLE |GRANT (?!.* ON )")
_CREATE = re.compile(r'CREATE ROLE (?P<name>"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*);?')
_TABLESPACE = re.compile(r'CREATE TABLESPACE ("(?:[^"]|"")+"|\S+)')
_PIECE = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\\[^\n]*|;|[^'"\\;-]+|.""", re.DOTALL
)


def role_statements(text: str) -> list[str]:
    """Make the roles that are missing, and let all have the attributes that they had.

    Each can be run again. What psql alone would understand, and what is about other things than
    roles, is left out.
    """
    return [_made_once(each) for each in _statements(text) if _WANTED.match(each)]


def tablespaces_in(text: str) -> Sequence[str]:
    """The names of those that cannot be made without their folders."""
    found = (_TABLESPACE.match(each) for each in _statements(text))
    return [match[1].strip('"') for match in found if match]


def _statements(text: str) -> list[str]:
    """Split at the semicolons that are in no string and no name; comments are dropped."""
    found, current = list[str](), ""
    for piece in _PIECE.findall(text):
        if piece == ";":
            found.append(current.strip() + ";")
            current = ""
        elif not piece.startswith(("--", "\\")):
            current += piece
    return found


def _made_once(statement: str) -> str:
    match = _CREATE.fullmatch(statement)
    if match is None:
        return statement
    name = match["name"]
    plain = name[1:-1].replace('""', '"') if name.startswith('"') else name
    there = f"SELECT FROM pg_roles WHERE rolname = {literal(plain)}"
    command = literal(f"CREATE ROLE {name}")
    return f"DO {literal(f'BEGIN IF NOT EXISTS ({there}) THEN EXECUTE {command}; END IF; END')};"


def literal(text: str) -> str:
    """*text* as a string constant, whatever is in it; no zero byte."""
    return "'" + text.replace("'", "''") + "'"
