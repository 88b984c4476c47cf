"""Lines of a log as people may see them: what opens a door is masked."""

import re
from collections.abc import Iterable

_MASK = "***"
# Nothing else looks like these.
_UNMISTAKABLE = (
    re.compile(r"(/use-token/)[^/\s\"'?]+"),
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE),
    re.compile(r"(\b)eyJ[\w-]{8,}(?:\.[\w-]+)*"),
    re.compile(r"(\bAGE-SECRET-KEY-)[0-9A-Z-]+", re.IGNORECASE),
    re.compile(r"((?:\b|bot)\d{6,}:)[\w-]{30,}"),  # Telegram's tokens
    re.compile(r"(\b(?:Bearer|Basic)\s+)[\w+/=.~-]{12,}"),
    re.compile(r"(\bX-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+", re.IGNORECASE),
)
# In Authentik's lines, where it is better to mask a word too many.
_SECRETS = (
    *_UNMISTAKABLE,
    re.compile(r"([?&](?:code|state|key|query|next)=)[^&\s\"']+", re.IGNORECASE),
    re.compile(
        r"(\b[\w-]*(?:token|secret|passw(?:or)?d|api_?key|csrf|cookie|session(?:_?key)?)(?:_\w+)?"
        r"[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;}]+",
        re.IGNORECASE,
    ),
    re.compile(r"(\b(?:Bearer|Basic)\s+)[^\s\"']+", re.IGNORECASE),
    # Authentik's own keys: long, of letters and digits; a migration's name has no capitals.
    re.compile(r"(\b)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{32,}"),
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
