"""The two log formats of a start: console lines until Django is set up, then JSON (§5.3, §11)."""

import json
import os
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import Any


def console(event: str, **fields: Any) -> None:
    """Print ``2026-06-02 08:27:08 [info     ] event   key=value``."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    extra = " ".join(f"{key}={value}" for key, value in fields.items())
    line = f"{stamp} [info     ] {event:<30} {extra}" if extra else f"{stamp} [info     ] {event}"
    print(line, flush=True)


def config(event: str, level: str = "info") -> None:
    """Print what Authentik's configuration loader logs, always JSON."""
    _print_json(
        {"event": event, "level": level, "logger": "authentik.lib.config", "timestamp": time.time()}
    )


def event(text: str, *, logger: str, level: str = "info", **fields: Any) -> None:
    """Print one JSON line of the application."""
    stamp = datetime.now(UTC).isoformat()
    record = {
        "event": text,
        "level": level,
        "logger": logger,
        "pid": os.getpid(),
        "timestamp": stamp,
    }
    _print_json(record | fields)


def failure(text: str, error: BaseException, *, logger: str) -> None:
    """Print *error* as the application logs an unhandled one, traceback included."""
    trace = "".join(traceback.format_exception(error))
    event(text, logger=logger, level="error", exc=repr(error), exception=trace)


def _print_json(record: dict[str, Any]) -> None:
    print(json.dumps(record), file=sys.stderr, flush=True)
