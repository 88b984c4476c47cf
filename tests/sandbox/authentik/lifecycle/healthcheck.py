"""``ak healthcheck``, what Docker's health status is made of (§1.2)."""

import http.client
import sys
import time

from .settings import Settings

HEARTBEAT_SECONDS = 30


def check(settings: Settings) -> None:
    """Exit 1 unless the container is well as what its mode file says it is."""
    if not settings.mode_file.exists():
        sys.exit("no mode file")
    mode = settings.mode_file.read_text().strip()
    if not {"server": _server_is_healthy, "worker": _worker_is_healthy}[mode](settings):
        sys.exit(f"{mode} is not healthy")


def _server_is_healthy(settings: Settings) -> bool:
    connection = http.client.HTTPConnection("localhost", settings.http[1], timeout=10)
    try:
        connection.request(
            "HEAD", "/-/health/live/", headers={"User-Agent": "goauthentik.io/healthcheck"}
        )
        return connection.getresponse().status < 400
    except OSError:
        return False
    finally:
        connection.close()


def _worker_is_healthy(settings: Settings) -> bool:
    """Say whether the heartbeat is younger than 30 s, the Celery worker's check."""
    try:
        return time.time() - settings.heartbeat_file.stat().st_mtime < HEARTBEAT_SECONDS
    except FileNotFoundError:
        return False
