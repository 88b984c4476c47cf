"""What people hear of what stands around the containers, with the real Engine and PostgreSQL."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bot_api.people import Person
from tests.bot_api.server import BotApi
from tests.e2e.akbot import Akbot
from tests.e2e.test_backup import wait_until
from tests.e2e.test_daemon import ADA, Daemon, ada, chatting, daemon, free_port, telegram
from tests.e2e.test_watcher import REDIS, all_start
from tests.e2e.tls_site import Authority, tls_site
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

__all__ = ["ada", "chatting", "telegram"]

pytestmark = pytest.mark.docker

EVERY = "1"
FOUND, OVER = 60.0, 90.0  # seconds, of a busy machine: two slow looks; one, and half a minute


@pytest.fixture
def well(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The stack, well before and after."""
    all_start(sandbox)
    yield sandbox
    all_start(sandbox)


@contextmanager
def watching(akbot: Akbot, telegram: BotApi, ada: Person, **settings: str) -> Iterator[Daemon]:
    """A bot that looks around the containers, and Ada who listens."""
    ada.says("/start")
    with daemon(akbot, AKBOT_WATCH_EVERY=EVERY, **settings) as running:
        yield running
    assert "error of akbot itself" not in running.log.read_text()
    assert telegram.chat(ADA).texts


def headlines(telegram: BotApi) -> list[str]:
    """The first lines of what was told, without the time."""
    texts = [text.splitlines()[0] for text in telegram.chat(ADA).texts]
    return [re.sub(r" since .*", "", line) for line in texts if line[0] in "🔴🟡🟢⚪"]


def hear(telegram: BotApi, seconds: float, *lines: str) -> None:
    """Wait until people have heard each of *lines*, in whatever order."""
    end = time.monotonic() + seconds
    while missing := set(lines) - set(headlines(telegram)):
        assert time.monotonic() < end, f"not told: {missing}; but {headlines(telegram)}"
        time.sleep(0.1)


@contextmanager
def used_up(sandbox: Sandbox) -> Iterator[None]:
    """PostgreSQL has few connections left while inside."""
    hold = (
        "for each in $(seq 92); do"
        " PGAPPNAME=test-holds psql -X -q -U authentik -c 'SELECT pg_sleep(600)' & done; wait"
    )
    sandbox.docker("exec", "--detach", "authentik-postgresql", "sh", "-c", hold)
    try:
        yield
    finally:
        sandbox.psql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'test-holds'"
        )


@contextmanager
def tagged(sandbox: Sandbox, tag: str) -> Iterator[None]:
    """The project's .env asks for another version while inside."""
    path = sandbox.project / ".env"
    text = path.read_text()
    path.write_text(re.sub(r"(?m)^AUTHENTIK_TAG=.*$", f"AUTHENTIK_TAG={tag}", text))
    try:
        yield
    finally:
        path.write_text(text)


def test_what_goes_wrong_around_the_stack_is_told_and_its_end(
    well: Sandbox, chatting: Akbot, telegram: BotApi, ada: Person, tmp_path: Path
) -> None:
    authority, port = Authority(tmp_path), free_port()
    old, new = (authority.certificate(timedelta(days=days)) for days in (3, 90))
    url, trust = f"https://localhost:{port}", {"SSL_CERT_FILE": str(authority.path)}
    site = f"certificate of localhost:{port}"
    akbot = chatting.with_settings(**trust)
    with watching(akbot, telegram, ada, AKBOT_PUBLIC_URL=url) as running:
        with ExitStack() as wrong:
            with tls_site(old, port):
                wrong.enter_context(used_up(well))
                wrong.enter_context(tagged(well, "2025.4.4"))
                hear(telegram, FOUND, f"🟡 {site} is about to expire")
            hear(
                telegram,
                FOUND,
                "🔴 the public URL is unreachable",
                "🟡 connection limit of postgresql is nearly reached",
                "🟡 configured image of authentik is not the one that runs",
                "🟡 configured image of worker is not the one that runs",
            )
            shown = running.akbot.ok("status")
            assert "WARN  connection limit of postgresql is nearly reached since" in shown
            ada.says("/status")
            wait_until(
                lambda: "🔴 the public URL is unreachable since" in telegram.chat(ADA).texts[-1],
                "/status tells of it",
            )
        with tls_site(new, port):
            hear(
                telegram,
                OVER,
                "🟢 the public URL is well again",
                f"🟢 {site} is well again",
                "🟢 connection limit of postgresql is well again",
                "🟢 configured image of authentik is well again",
                "🟢 configured image of worker is well again",
            )

    told = headlines(telegram)
    assert len(told) == len(set(told)) == 10, told
    [drift] = [text for text in telegram.chat(ADA).texts if "image of worker is not" in text][:1]
    assert "2025.2.1 runs, the next “docker compose up -d” would start" in drift


@contextmanager
def another_redis(sandbox: Sandbox) -> Iterator[None]:
    """The name of Redis's image means another one while inside, as after a pull by hand."""
    [container] = json.loads(sandbox.docker("inspect", REDIS))
    name, image_id = container["Config"]["Image"], container["Image"]
    other = sandbox.docker("commit", REDIS).strip()
    try:
        sandbox.docker("tag", other, name)
        yield
    finally:
        sandbox.docker("tag", image_id, name)
        sandbox.compose("up", "--detach", "--no-deps", "redis")
        sandbox.docker("rmi", "--force", other)


@THOROUGH
def test_an_image_that_somebody_else_changed(
    well: Sandbox, chatting: Akbot, telegram: BotApi, ada: Person
) -> None:
    with watching(chatting, telegram, ada) as running:
        known = running.akbot.state / "images"
        wait_until(known.exists, "it knows what runs")
        with another_redis(well):
            hear(telegram, FOUND, "🟡 configured image of redis is not the one that runs")
            well.compose("up", "--detach", "--no-deps", "redis")
            hear(telegram, FOUND, "🟡 image of redis is another one")
            ada.says("/backup")
            hear(telegram, OVER, "🟢 configured image of redis is well again")
            hear(telegram, OVER, "🟢 image of redis is well again")
