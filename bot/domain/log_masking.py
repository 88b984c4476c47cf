"""Lines of Authentik's log as people may see them: what opens a door is masked."""

import re

_MASK = "***"
_SECRETS = (
    re.compile(r"(/use-token/)[^/\s\"'?]+"),
    re.compile(r"([?&](?:code|state|key|query|next)=)[^&\s\"']+", re.IGNORECASE),
    re.compile(
        r"(\b[\w-]*(?:token|secret|passw(?:or)?d|api_?key|csrf|cookie|session(?:_?key)?)(?:_\w+)?"
        r"[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;}]+",
        re.IGNORECASE,
    ),
    re.compile(r"(\b(?:Bearer|Basic)\s+)[^\s\"']+", re.IGNORECASE),
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE),
    re.compile(r"(\b)eyJ[\w-]{8,}(?:\.[\w-]+)*"),
    # Authentik's own keys: long, of letters and digits; a migration's name has no capitals.
    re.compile(r"(\b)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{32,}"),
)


def mask_line(line: str) -> str:
    """*line* without recovery links, tokens, passwords and keys."""
    for secret in _SECRETS:
        line = secret.sub(rf"\g<1>{_MASK}", line)
    return line
