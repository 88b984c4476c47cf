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
    re.compile(r"(\bX-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+", re.IGNORECASE),
)
# How a secret is named, in code, headers and addresses, and what stands before its value. Whatever
# precedes a name is left out, and what follows is bounded: long lines must not take long.
_NAME = (
    r"(?:(?:token|secret|passw(?:or)?d|pwd|passphrase|credentials?|(?:api|access|private)[_-]?key"
    r"|csrf|cookie|session(?:[_-]?(?:key|id))?)(?:[_-][\w-]{0,40}+)?"
    # The end of a longer name perhaps, never that of a word like bypass.
    r"|(?<![a-z])(?:pass|(?:bind)?pw|skey|SAMLResponse))"
)
_IS = r"(?:\\*[\"'])?\s*(?:=|:|%(?:25)?3[AD])\s*+[\[(]*+"
# Up to the same quote, of whatever depth; one behind a backslash is part of the value.
_QUOTE = r"[bru]{0,2}(?P<quote>\\*[\"'])"
_QUOTED = r"(?:\\{2,}[\"']|(?!(?P=quote))(?:\\.|.))+"
# In Authentik's lines, where it is better to mask a word too many.
_SECRETS = (
    *_UNMISTAKABLE,
    re.compile(
        r"((?:[?&]|%3F|%26)(?:code|state|key|query|next)(?:=|%3D))[^&\s\"']+", re.IGNORECASE
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
        r"((?<![\w-])(?:token|key|code|secret)(?:\\*[\"'])?(?:\s?[:=]\s?|\s(?:is\s)?)(?:\\*[\"'`])?)"
        r"(?:(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{6,}|\d{6,8}\b)",
        re.IGNORECASE,
    ),
    # Authentik's own keys: long, of letters and digits; a migration's name has no capitals.
    re.compile(r"(?<![\w-])()(?=[\w-]{0,80}[A-Z])(?=[\w-]{0,80}[a-z])(?=[\w-]{0,80}\d)[\w-]{32,}"),
)


def mask_line(line: str) -> str:
    """A *line* of Authentik's without recovery links, tokens, passwords and keys."""
    return _masked(line, _SECRETS)


def mask_keys(text: str) -> str:
    """A *text* of akbot's own without what is a key or token beyond doubt, whosever it is."""
    return _masked(text, _UNMISTAKABLE)


def _masked(text: str, secrets: Iterable[re.Pattern[str]]) -> str:
    for secret in secrets:
        text = secret.sub(rf"\g<1>{_MASK}", text)
    return text
