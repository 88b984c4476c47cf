"""`wait_for_db`: 30 tries of one second for PostgreSQL and, where it is needed, Redis (§5.1)."""

import sys
import time
from collections.abc import Callable

from . import logs, version
from .broker import BrokerError, open_broker
from .database import OperationalError, connect
from .settings import Settings, read_settings

TRIES = 30


def wait_for_db(settings: Settings) -> None:
    """Return when the services answer; exit 1 when they do not, or without a secret key (§4)."""
    logs.config("Starting authentik bootstrap")
    if not settings.secret_key:
        logs.config("Secret key missing")
        sys.exit(1)
    _retry(lambda: connect(settings).close(), "PostgreSQL connection")
    if version.at(version.NEEDS_REDIS):
        _retry(lambda: open_broker(settings).ping(), "Redis Connection")
    logs.config("Finished authentik bootstrap")


def _retry(attempt: Callable[[], object], what: str) -> None:
    for _ in range(TRIES):
        try:
            attempt()
        except (OperationalError, BrokerError) as error:
            time.sleep(1)
            logs.config(f"{what} failed, retrying... ({error})")
        else:
            logs.config(f"{what} successful")
            return
    sys.exit(1)


if __name__ == "__main__":
    wait_for_db(read_settings())
