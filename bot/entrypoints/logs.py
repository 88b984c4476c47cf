"""The daemon's log: lines on stderr for Docker to keep, in which no secret can stand."""

import logging
import sys
from collections.abc import Iterable

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_MASK = "***"


def start_log(secrets: Iterable[str]) -> None:
    """Write records of level INFO and above; each of *secrets* is masked wherever it stands."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter(secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore", "telegram", "botocore", "boto3", "urllib3", "docker"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class MaskingFormatter(logging.Formatter):
    """Masks in the finished text, tracebacks included: a library's own words can hold a URL."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(_FORMAT)
        self._secrets = sorted((text for text in secrets if text), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text
