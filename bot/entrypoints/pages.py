"""What the daemon answers over HTTP: whether it lives, whether it could work, and its figures."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from bot.domain.daemon_report import FAILED, DaemonReport, judge_readiness, with_systems
from bot.domain.figures import Family
from bot.entrypoints.health import Answer, Page

Report = Callable[[], Awaitable[DaemonReport]]
Look = Callable[[], Awaitable[Mapping[str, str]]]
"""Says what is wrong with each system outside, "" for nothing."""


def health_page(report: Report, look: Look) -> Page:
    """`/healthz`: 503 where a restart may help, whatever else there is to complain about."""

    async def page() -> Answer:
        found = with_systems(*await asyncio.gather(report(), look()))
        return _json({"status": found.status, **asdict(found)}, fine=found.status != FAILED)

    return page


def ready_page(report: Report, look: Look) -> Page:
    """`/readyz`: 503 where a job that began now could not do its work."""

    async def page() -> Answer:
        found, systems = await asyncio.gather(report(), look())
        lacking = judge_readiness(found, systems)
        status = "not ready" if lacking else "ready"
        return _json({"status": status, "lacking": lacking}, fine=not lacking)

    return page


def metrics_page(gather: Callable[[], Awaitable[Sequence[Family]]]) -> Page:
    """`/metrics`, for Prometheus."""

    async def page() -> Answer:
        families = await gather()
        body, kind = await asyncio.to_thread(_exposed, families)
        return Answer(HTTPStatus.OK, body, kind)

    return page


def _exposed(families: Sequence[Family]) -> tuple[bytes, str]:
    """Blocks; the library is imported when somebody asks for the first time."""
    from bot.entrypoints.exposition import exposed  # noqa: PLC0415

    return exposed(families)


def _json(content: Mapping[str, Any], *, fine: bool) -> Answer:
    status = HTTPStatus.OK if fine else HTTPStatus.SERVICE_UNAVAILABLE
    body = json.dumps(content, indent=1, default=str).encode() + b"\n"
    return Answer(status, body, "application/json")
