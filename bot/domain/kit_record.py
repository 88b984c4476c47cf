"""What a host remembers of its recovery kit, and when it asks whether the kit is still there.

A confirmation counts for the keys that it was given for: it lapses when backups are sealed for
others, since the sheet in the drawer no longer opens them.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.findings import Finding, Level

SALT_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
SALT_LENGTH = 26

_VERSION = 1
_SUBJECT = "recovery kit"
_CLOCK_SLACK = timedelta(days=1)


@dataclass(frozen=True)
class Verifier:
    """Knows a code when it sees it, and does not tell it; for a host that has no private key.

    *keys* are fingerprints: whoever knows the code holds one of these keys. It is good for one
    answer where it is for *once*.
    """

    keys: tuple[str, ...]
    salt: str
    digest: str = field(repr=False)
    once: bool = False

    def accepts(self, code: str) -> bool:
        """Whether this is the code. Takes a moment, so that guessing does."""
        return hmac.compare_digest(_stretch(code, self.salt), self.digest)


def make_verifier(code: str, keys: Sequence[str], salt: str, *, once: bool = False) -> Verifier:
    """For *code*; *salt* is random. Takes a moment."""
    return Verifier(tuple(keys), salt, _stretch(code, salt), once)


def _stretch(code: str, salt: str) -> str:
    return hashlib.scrypt(code.encode(), salt=salt.encode(), n=1 << 14, r=8, p=1, dklen=32).hex()


@dataclass(frozen=True)
class Confirmation:
    """At *at* somebody showed that one of *keys*, fingerprints, is still held."""

    at: datetime
    keys: tuple[str, ...]

    def counts_for(self, keys: Collection[str]) -> bool:
        """Whether whoever gave it can open backups that are sealed for *keys*."""
        return bool(self.keys) and set(self.keys) <= set(keys)


@dataclass(frozen=True)
class KitRecord:
    """All that is kept; it never holds a key or a code."""

    verifiers: tuple[Verifier, ...] = ()
    confirmed: Confirmation | None = None

    def adding(self, added: Sequence[Verifier]) -> "KitRecord":
        """With new verifiers in place of older ones for the same; one question at a time."""
        replaced = {(each.keys, each.once) for each in added}
        asks = any(each.once for each in added)
        kept = [
            each
            for each in self.verifiers
            if (each.keys, each.once) not in replaced and not (asks and each.once)
        ]
        return replace(self, verifiers=(*kept, *added))

    def confirming(self, confirmation: Confirmation) -> "KitRecord":
        """With the question answered, and so used up."""
        kept = tuple(each for each in self.verifiers if not each.once)
        return KitRecord(kept, confirmation)


def format_record(record: KitRecord) -> bytes:
    """As JSON."""
    document = {"version": _VERSION, **asdict(record)}
    return json.dumps(document, indent=1, default=datetime.isoformat).encode()


def parse_record(content: bytes) -> KitRecord:
    """Read what `format_record` wrote.

    Raises:
        ValueError: it is something else.
    """
    try:
        document: dict[str, Any] = json.loads(content)
        if document["version"] != _VERSION:
            raise ValueError(f"its version is not {_VERSION}")
        confirmed = document["confirmed"]
        return KitRecord(
            tuple(_verifier(each) for each in document["verifiers"]),
            Confirmation(_moment(confirmed["at"]), _texts(confirmed["keys"]))
            if confirmed
            else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("its form is not that of a kit's record") from error


def _verifier(document: dict[str, Any]) -> Verifier:
    return Verifier(
        _texts(document["keys"]),
        str(document["salt"]),
        str(document["digest"]),
        bool(document["once"]),
    )


def _texts(values: list[Any]) -> tuple[str, ...]:
    return tuple(str(each) for each in values)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("its time has no zone")
    return moment


def judge_kit(
    now: datetime,
    keys: Sequence[str],
    confirmed: Confirmation | None,
    reminder: timedelta,
    *,
    has_identity: bool,
) -> Finding:
    """Whether to ask for the kit; *keys* are the fingerprints that backups are sealed for.

    No *reminder* asks never. *has_identity* tells what a person can do here.
    """
    if not reminder:
        return Finding(_SUBJECT, Level.OK, "never asked for (AKBOT_KIT_REMINDER=0)")
    first = _PRINT if has_identity else _ANSWER
    if confirmed is None:
        return Finding(_SUBJECT, Level.WARNING, "never confirmed", first)
    if not confirmed.counts_for(keys):
        held = ", ".join(confirmed.keys)
        return Finding(
            _SUBJECT,
            Level.WARNING,
            f"confirmed for another key, {held}: it opens no backup made today",
            first,
        )
    passed = now - confirmed.at
    if passed < -_CLOCK_SLACK:
        message = f"confirmed on {confirmed.at:%Y-%m-%d}, which lies ahead"
        return Finding(_SUBJECT, Level.WARNING, message, _AGAIN if has_identity else _ANSWER)
    ago = _days_ago(max(passed.days, 0))
    if passed >= reminder:
        message = f"confirmed {ago}: is it still where you put it?"
        return Finding(_SUBJECT, Level.WARNING, message, _AGAIN if has_identity else _ANSWER)
    return Finding(_SUBJECT, Level.OK, f"confirmed {ago}, asked for every {reminder.days} days")


def _days_ago(days: int) -> str:
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")


_PRINT = (
    'Print it ("akbot kit --with-key -o kit.txt"), put it away from this host, then give its'
    ' check code to "akbot kit --confirm".'
)
_AGAIN = 'Fetch the sheet, and give its check code to "akbot kit --confirm".'
_ANSWER = (
    'Give the check code beside the private key to "akbot kit --confirm"; or open what'
    ' "akbot kit --challenge" prints with that key ("age -d"), and give the code in it.'
)
