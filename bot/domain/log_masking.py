"""Lines of a log as people may see them: what opens a door is masked."""

import re
from collections.abc import Iterable

_MASK = "***"
# As it is, in JSON, and in an address inside of another one.
_SLASH = r"(?:\\{0,8}(?:/|u002F)|%(?:25){0,4}2F)"
# Nothing else looks like these.
_UNMISTAKABLE = (
    re.compile(rf"(use-token{_SLASH})(?:(?!{_SLASH})[^\s\"'?&\\])+", re.IGNORECASE),
    # A password may hold any sign; what looks like the port of a page is none.
    re.compile(
        r"(\b(?!(?:http|ws)s?:(?:\\{0,8}/){2}[^\s/:]{0,256}:\d{1,5}[/?#\\])"
        r"[a-z][a-z0-9+.-]{0,40}:(?:\\{0,8}/){2}[^\s/:]{0,256}:)\S{1,1024}(?=@)",
        re.IGNORECASE,
    ),
    re.compile(r"(\b)eyJ[\w-]{8,}(?:\.[\w-]+)*"),
    re.compile(r"(\bAGE-SECRET-KEY-)[0-9A-Z-]+", re.IGNORECASE),
    re.compile(r"((?:\b|bot)\d{6,}:)[\w-]{30,}"),  # Telegram's tokens
    re.compile(r"(\b(?:Bearer|Basic)\s+)[\w+/=.~-]{12,}"),
    re.compile(  # addresses that are themselves the permission
        r"(\b(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks|hc-ping\.com)/)"
        r"[\w/-]+",
        re.IGNORECASE,
    ),
    re.compile(r"(\bX-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+", re.IGNORECASE),
)
# How a secret is named, in code, headers and addresses, and what stands before its value. Whatever
# precedes a name is left out, and what follows is bounded: long lines must not take long.
_NAME = (
    r"(?:(?:token|secret|passw(?:or)?d\d?|pwd|passphrase|credentials?|(?:api|access|private)[_-]?key"
    r"|csrf|cookie|code[_-]verifier|(?:device|user)[_-]code|session(?:[_-]?(?:key|id))?)"
    r"(?:[_-][\w-]{0,40}+)?"
    # The end of a longer name perhaps, never that of a word like bypass.
    r"|(?<![a-z])(?:pass|(?:bind)?pw|skey|SAMLResponse))"
)
_IS = r"(?:\\*[\"'])?\s*(?:=|:|%(?:25)?3[AD])\s*+[\[(]*+"
# Up to the same quote, of any depth that is met; one behind a backslash is part of the value.
_QUOTE = r"[bru]{0,2}(?P<quote>\\{0,32}[\"'])"
_QUOTED = r"(?:\\{2,32}[\"']|(?!(?P=quote))(?:\\.|.))+"
_REST = r"(?:(?!\\n).)+"  # of the line, also of one inside of another
# In Authentik's lines, where it is better to mask a word too many.
_SECRETS = (
    *_UNMISTAKABLE,
    re.compile(
        r"((?:[?&]|%3F|%26)(?:code|state|key|query|next|ticket)(?:=|%3D))[^&\s\"']+", re.IGNORECASE
    ),
    re.compile(rf"({_NAME}{_IS}{_QUOTE}){_QUOTED}", re.IGNORECASE),
    re.compile(rf"({_NAME}{_IS})(?!{_QUOTE})[^\s\"'&,;}}]+", re.IGNORECASE),
    re.compile(rf"(passphrase{_IS})(?!{_QUOTE})[^\"'&,;}}]+", re.IGNORECASE),
    re.compile(rf"((?<![\w-])cookie{_IS})(?!{_QUOTE})[^\"'}}]+", re.IGNORECASE),
    re.compile(
        rf"(authorization{_IS}(?:{_QUOTE})?(?:[a-z][\w-]*\s+)?)[^\s\"',;}}]+", re.IGNORECASE
    ),
    re.compile(r"(\b(?:Bearer|Basic)\s+)[^\s\"']+", re.IGNORECASE),
    # A short one, where the word before it says so; a sentence about tokens has no digits there.
    re.compile(
        r"((?<![\w-])(?:token|key|code|secret|password|t?otp)(?:\\*[\"'])?(?:\s?[:=]\s?|\s(?:is\s)?)(?:\\*[\"'`])?)"
        r"(?:(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{6,}|\d{6,8}\b)",
        re.IGNORECASE,
    ),
    # What PostgreSQL says of a statement that failed, of its row, and of a key that was there.
    re.compile(rf"(\bFailing row contains \(){_REST}"),
    re.compile(rf"(\bCOPY [^\s,]{{1,200}}, line \d+(?:, column [^:]{{1,200}})?: \"){_REST}"),
    re.compile(r"(\bPASSWORD\s+E?')(?:''|[^'])+", re.IGNORECASE),
    re.compile(r"()\bmd5[0-9a-f]{32}\b"),
    re.compile(r"(\bSCRAM-SHA-256\$)[^\s\"']+"),
    re.compile(r"(\b(?:pbkdf2|argon2|bcrypt|scrypt)\w{0,20}\$)(?:[^\s\"',)]|,[mtp]=)+"),  # Django's
    re.compile(
        r"(\bKey \((?=[^)]{0,200}(?:key|token|identifier|secret|password|code))"
        r"[^)]{0,200}\)=\()[^)]+",
        re.IGNORECASE,
    ),
    re.compile(r"(\$\d{1,4} = ')(?:''|[^'])+"),
    # Authentik's own keys: long, of letters and digits; a migration's name has no capitals.
    re.compile(r"(?<![\w-])()(?=[\w-]{0,80}[A-Z])(?=[\w-]{0,80}[a-z])(?=[\w-]{0,80}\d)[\w-]{32,}"),
    # A line of a key in a file, or one of AWS.
    re.compile(
        r"(?<![\w/+])()(?=[\w/+]{0,80}[A-Z])(?=[\w/+]{0,80}[a-z])(?=[\w/+]{0,80}\d)"
        r"(?:[A-Za-z0-9/+]{60,}={0,2}|[A-Za-z0-9/+]{40}(?![\w/+.=-]))"
    ),
)
_HAS_VALUES = re.compile(r"\b(?:INSERT INTO|UPDATE|WHERE) ")
_LITERAL = re.compile(r"'(?:''|[^'])+(?:'|$)")


def mask_line(line: str) -> str:
    """A *line* of the stack's without recovery links, tokens, passwords, keys and values of SQL.

    It takes a millisecond or two, and as much longer as the line is.
    """
    statement = _HAS_VALUES.search(line)
    if statement:  # which column is a secret stands elsewhere
        line = line[: statement.end()] + _LITERAL.sub(f"'{_MASK}'", line[statement.end() :])
    return _masked(line, _SECRETS)


def mask_lines(text: str) -> list[str]:
    """The lines of a log of the stack's, each as `mask_line` has it: work for a thread."""
    return [mask_line(line) for line in text.splitlines()]


def mask_keys(text: str) -> str:
    """A *text* of akbot's own without what is a key or token beyond doubt, whosever it is."""
    return _masked(text, _UNMISTAKABLE)


def _masked(text: str, secrets: Iterable[re.Pattern[str]]) -> str:
    for secret in secrets:
        text = secret.sub(rf"\g<1>{_MASK}", text)
    return text
