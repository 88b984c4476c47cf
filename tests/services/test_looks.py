"""Versions and logs, as they are looked up between jobs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.domain.errors import PortError, RefusedError
from bot.domain.stack import Container
from bot.domain.versions import Version
from bot.services.looks import MOST_LINES, Looks, Span
from tests.contracts.state_places import NOW
from tests.fakes_stack import FakeEngine
from tests.fakes_update import FakeReleaseLog

IMAGE = "ghcr.io/goauthentik/server"


@dataclass
class FakeTail:
    """A ContainerTail in memory."""

    asked: list[tuple[str, int, Span | None]] = field(default_factory=list)

    async def tail(
        self, container: Container, lines: int, span: Span | None = None
    ) -> Sequence[str]:
        self.asked.append((container.service, lines, span))
        return [f"{container.service} speaks"]


@pytest.fixture
def looks() -> Looks:
    engine = FakeEngine()
    server = replace(engine.stack.server, image=f"{IMAGE}:2025.4.1", service="authentik")
    engine.stack = replace(engine.stack, server=server)
    return Looks(engine, FakeReleaseLog(), FakeTail(), "1.2")


async def test_the_newest_known_is_the_highest_release_that_was_seen(looks: Looks) -> None:
    assert (await looks.versions()).newest is None
    await looks.releases.note_tags(IMAGE, ["2025.10.1", "2025.4.4", "2025.12.0-rc1"], NOW)
    await looks.releases.note_tags("elsewhere/server", ["2026.2.0"], NOW)

    found = await looks.versions()

    assert found.newest == Version(2025, 10, 1)
    assert (found.akbot, found.image) == ("1.2", f"{IMAGE}:2025.4.1")
    assert (
        found.authentik
        == await looks.engine.files(await looks.engine.find_stack()).authentik_version()
    )


async def test_a_server_that_does_not_say_its_version_hides_nothing_else(looks: Looks) -> None:
    class Mute(FakeEngine):
        def files(self, stack: object) -> object:  # type: ignore[override]  # noqa: ARG002
            raise PortError("read Authentik's version file: no answer")

    mute = Mute(stack=looks.engine.stack)  # type: ignore[attr-defined]

    found = await replace(looks, engine=mute).versions()  # type: ignore[arg-type]

    assert found.authentik is None
    assert found.image == f"{IMAGE}:2025.4.1"


@pytest.mark.parametrize("service", ["authentik", "server"])
async def test_a_service_is_named_by_its_name_or_its_role(looks: Looks, service: str) -> None:
    container, lines = await looks.log(service, 99_999)

    assert container.service == "authentik"
    assert lines == ["authentik speaks"]
    assert looks.containers.asked == [("authentik", MOST_LINES, None)]  # type: ignore[attr-defined]


async def test_what_is_no_service_is_refused_with_those_there_are(looks: Looks) -> None:
    with pytest.raises(RefusedError, match='there is no service "redis; rm"') as caught:
        await looks.log("redis; rm", 10)

    assert "authentik" in caught.value.hint
