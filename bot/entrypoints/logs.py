"""The log: lines on stderr for Docker to keep, in which no secret can stand.

Masked is the finished text, tracebacks included: a library's own words can hold a URL.
"""

import base64
import html
import json
import logging
import re
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO
from urllib.parse import quote, quote_plus

from bot.domain.log_masking import mask_keys
from bot.services.job_in_hand import job_in_hand

_CONSOLE = "%(asctime)s %(levelname)s %(name)s%(in_job)s: %(message)s"
_ESCAPED = re.compile("%[0-9A-F]{2}")
_MASK = "***"
_CHATTY = ("httpx", "httpcore", "telegram", "botocore", "boto3", "urllib3", "docker")

logger = logging.getLogger(__name__)


class LogForm(StrEnum):
    """How a line looks; AUTO: for people on a terminal, else for programs."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


def start_log(secrets: Iterable[str], form: LogForm) -> None:
    """Write records of level INFO and above, and what nobody catches, on stderr.

    Each of *secrets* is masked wherever it stands.
    """
    logging.basicConfig(
        level=logging.INFO, handlers=[log_handler(sys.stderr, secrets, form)], force=True
    )
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(True)  # noqa: FBT003 - the library's signature
    _log_what_nobody_catches()


def mask_warnings(secrets: Iterable[str]) -> None:
    """For a command that keeps no log: what is worth a warning goes to stderr, masked too.

    So does what nobody catches.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_ConsoleFormatter(secrets, "%(message)s"))
    logging.lastResort = handler
    _log_what_nobody_catches()


def log_handler(stream: TextIO, secrets: Iterable[str], form: LogForm) -> logging.Handler:
    """What writes records on *stream* in that form, each with the job that it is about."""
    is_console = stream.isatty() if form is LogForm.AUTO else form is LogForm.CONSOLE
    handler = logging.StreamHandler(stream)
    handler.addFilter(_note_job)
    handler.setFormatter(
        _ConsoleFormatter(secrets, _CONSOLE) if is_console else _JsonFormatter(secrets)
    )
    return handler


def _note_job(record: logging.LogRecord) -> bool:
    job = job_in_hand()
    vars(record).update(job=job, in_job=f" ({job})" if job else "")
    return True


class _ConsoleFormatter(logging.Formatter):
    """A line for people; a traceback has several."""

    def __init__(self, secrets: Iterable[str], form: str) -> None:
        super().__init__(form)
        self._mask = _Mask(secrets)

    def format(self, record: logging.LogRecord) -> str:
        _require_words(record)
        return self._mask(super().format(record))


class _JsonFormatter(logging.Formatter):
    """One object a line; masked before it is JSON, which writes some characters otherwise."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._mask = _Mask(secrets)

    def format(self, record: logging.LogRecord) -> str:
        _require_words(record)
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "job": getattr(record, "job", ""),
            "message": self._mask(record.getMessage()),
            "exception": self._mask(self.formatException(record.exc_info))
            if record.exc_info
            else "",
            "stack": self._mask(record.stack_info or ""),
        }
        return json.dumps(
            {name: value for name, value in line.items() if value}, ensure_ascii=False
        )


def _require_words(record: logging.LogRecord) -> None:
    """Let *record* have a text; logging itself would write its bare arguments to stderr."""
    try:
        record.getMessage()
    except Exception as error:  # noqa: BLE001 - boundary: whatever an argument's own words raise
        record.msg, record.args = f"{record.msg!r} cannot be put into words: {error!r}", ()


class _Mask:
    """Masks secrets as they are, and as they stand in URLs, HTML, quotes and a header."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._forms:
            text = text.replace(secret, _MASK)
        return mask_keys(text)


def _forms(secret: str) -> tuple[str, ...]:
    in_urls = (quote(secret), quote(secret, safe=""), quote_plus(secret))
    once = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        *_in_html(secret),
        *_in_python(secret),
    }
    return (
        *once,
        *(form for text in once for form in _in_python(text)),
        *in_urls,
        *(_ESCAPED.sub(lambda escape: escape[0].lower(), each) for each in in_urls),
        base64.b64encode(secret.encode()).decode(),
    )


def _in_python(text: str) -> set[str]:
    """As `%r`, `%a` and the bytes show it, by itself and beside quotes of both kinds."""
    both = "'\""
    shown = {write(text)[1:-1] for write in (repr, ascii)}
    shown |= {write(both + text).partition(both)[2][:-1] for write in (repr, ascii)}
    data = text.encode()
    return shown | {repr(data)[2:-1], repr(both.encode() + data).partition(both)[2][:-1]}


def _in_html(text: str) -> set[str]:
    named = {html.escape(text, quote=quotes) for quotes in (True, False)}
    named |= {each.replace("&#x27;", "&#39;").replace("&quot;", "&#34;") for each in named}
    return {form for each in named for form in (each, _numbered(each))}


def _numbered(text: str) -> str:
    """With numbers for what is not ASCII."""
    return text.encode("ascii", "xmlcharrefreplace").decode()


def _log_what_nobody_catches() -> None:
    """Instead of Python's own words, which nobody masks."""
    sys.excepthook = lambda _, error, __: _log_uncaught(error)
    threading.excepthook = lambda what: _log_uncaught(what.exc_value)
    sys.unraisablehook = lambda what: _log_uncaught(what.exc_value)


def _log_uncaught(error: BaseException | None) -> None:
    logger.critical("an error of akbot itself, which nobody has caught", exc_info=error)
