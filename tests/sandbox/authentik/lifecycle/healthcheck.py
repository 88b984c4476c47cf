"""``ak healthcheck``, what Docker's health status is made of (§1.2).

It runs in each container every other second: what it loads is kept small.
"""

import os
import socket
import sys
import time

from . import version
from .settings import Settings

HEARTBEAT_SECONDS = 30


def check(settings: Settings) -> None:
    """Exit 1 unless the container is well as what its mode file says it is."""
    if not settings.mode_file.exists():
        sys.exit("no mode file")
    mode = settings.mode_file.read_text().strip()
    checks = {
        "server": _server_is_healthy,
        "worker": _worker_is_healthy,
        "outpost": _outpost_is_healthy,
    }
    if not checks[mode](settings):
        sys.exit(f"{mode} is not healthy")


def _server_is_healthy(settings: Settings) -> bool:
    return _answers(settings, "/-/health/live/")


def _outpost_is_healthy(settings: Settings) -> bool:
    return _answers(settings, "/outpost.goauthentik.io/ping")


def _worker_is_healthy(settings: Settings) -> bool:
    match version.at(version.WORKER_HEALTH):
        case "heartbeat":
            return _beats(settings)
        case "pid":
            return _lives(settings)
        case "pid and ready":
            return _lives(settings) and _answers(settings, "/-/health/ready/")
        case "live":
            return _answers(settings, "/-/health/live/")


def _beats(settings: Settings) -> bool:
    """Say whether the heartbeat is younger than 30 s, the Celery worker's check."""
    try:
        return time.time() - settings.heartbeat_file.stat().st_mtime < HEARTBEAT_SECONDS
    except FileNotFoundError:
        return False


def _lives(settings: Settings) -> bool:
    try:
        os.kill(int(settings.pid_file.read_text()), 0)
    except PermissionError:
        return True
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def _answers(settings: Settings, path: str) -> bool:
    lines = f"HEAD {path} HTTP/1.1", "Host: localhost", "User-Agent: goauthentik.io/healthcheck"
    try:
        with socket.create_connection(("localhost", settings.http[1]), timeout=10) as connection:
            connection.sendall("\r\n".join((*lines, "Connection: close", "", "")).encode())
            status = connection.makefile("rb").readline().split()[1:2]
    except OSError:
        return False
    return bool(status) and int(status[0]) < 400
