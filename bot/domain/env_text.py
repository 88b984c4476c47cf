"""Compose's env file, as text: one value changed, every other byte kept."""

import re


def value_in(text: bytes, name: str) -> str | None:
    """What *name* is set to, quotes removed; None where it is not set. The last line counts."""
    found = list(_line_of(name).finditer(text))
    if not found:
        return None
    return _unquoted(found[-1]["value"].decode("utf-8", "surrogateescape"))


def with_value(text: bytes, name: str, value: str) -> bytes:
    """The same file with *name* set to *value*; comments, blank lines and quotes stay.

    Raises ValueError where *value* is more than letters, digits, dots, hyphens and underscores.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]*", value):
        raise ValueError("a tag has letters, digits, dots, hyphens and underscores only")
    return _with(text, name, value)


def with_setting(text: bytes, name: str, value: str) -> bytes:
    """Likewise, for a path or a key.

    Raises ValueError where *value* would not mean itself to whoever reads such files.
    """
    if not re.fullmatch(r"[A-Za-z0-9._@%+=:,/-]*", value):
        raise ValueError("it has characters that an env file gives a meaning")
    return _with(text, name, value)


def _with(text: bytes, name: str, value: str) -> bytes:
    found = list(_line_of(name).finditer(text))
    if not found:
        ending = b"" if not text or text.endswith(b"\n") else b"\n"
        return text + ending + f"{name}={value}\n".encode()
    start, end = found[-1].span("value")
    old = found[-1]["value"]
    quote = old[:1] if old[:1] in {b"'", b'"'} else b""
    return text[:start] + quote + value.encode() + quote + text[end:]


def without_value(text: bytes, name: str) -> bytes:
    """The same file without the line that `with_value` has appended."""
    found = list(_line_of(name).finditer(text))
    if not found:
        return text
    start, end = found[-1].span()
    return text[:start] + text[end:].removeprefix(b"\r").removeprefix(b"\n")


def names_in(text: bytes) -> dict[str, str]:
    """Every name that is set, with its value, quotes removed."""
    found: dict[str, str] = {}
    for line in re.finditer(_LINE % rb"[A-Za-z_][A-Za-z0-9_]*", text, re.MULTILINE):
        value = line["value"].decode("utf-8", "surrogateescape")
        found[line["name"].decode()] = _unquoted(value)
    return found


# as Compose 2 reads it: only a line feed ends a line, and only " #" begins a comment behind a value
_LINE = (
    rb"^[ \t\v\f]*(?:export[ \t]+)?(?P<name>%s)[ \t\v\f]*=[ \t\v\f]*"
    rb"(?P<value>'[^'\n]*'|\"[^\"\n]*\"|[^\s'\"][^\n]*?(?= #|\s*?$)|)"
    rb"[^\n]*?(?=\r?$)"
)


def _line_of(name: str) -> "re.Pattern[bytes]":
    return re.compile(_LINE % re.escape(name).encode(), re.MULTILINE)


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in {"'", '"'} else value
