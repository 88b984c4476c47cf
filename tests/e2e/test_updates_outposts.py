"""Outposts beside the server: what runs in its project goes along with it, all others are left.

One whose tag stands in the compose file itself cannot go along, and is told of. One that
Authentik's worker manages by the Docker socket has no project; the new worker sees to it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.test_backup import wait_until
from tests.e2e.test_restore import served
from tests.e2e.test_updates import bot_of, in_step
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.docker, THOROUGH]

OLD, NEW = "2025.2.1", "2025.2.4"
RUNS, STOPPED, MANAGED = "authentik-proxy", "authentik-ldap", "ak-outpost-apps"
PINNED = "authentik-rac"
COMPOSE = """
services:
  proxy: &outpost
    image: {image}:${{AUTHENTIK_TAG}}
    container_name: authentik-proxy
    command: outpost
    restart: unless-stopped
    healthcheck: {{interval: 2s}}
  ldap:
    <<: *outpost
    container_name: authentik-ldap
  rac:
    <<: *outpost
    image: {image}:{old}
    container_name: authentik-rac
"""


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox) -> Iterator[Sandbox]:
    """2025.2.1 with outposts that run, one that was stopped, and one that Authentik manages."""
    fresh = sandbox.fresh()
    fresh.stand_ins(*(f"goauthentik/{each}:{OLD}" for each in ("server", "proxy")))
    fresh.stand_ins(*(f"goauthentik/{each}:{NEW}" for each in ("server", "proxy")))
    image = f"{fresh.registry}/goauthentik/proxy"
    (fresh.project / "outposts.yml").write_text(COMPOSE.format(image=image, old=OLD))
    env = fresh.project / ".env"
    env.write_text(env.read_text().replace(":sandbox.yml", ":sandbox.yml:outposts.yml"))
    # the files that the containers were made from are the ones that an update reads
    services = ("authentik", "worker", "proxy", "ldap", "rac")
    fresh.compose("up", "--detach", "--wait", "--force-recreate", *services)
    fresh.compose("stop", "ldap")
    fresh.docker(
        *("run", "--detach", "--name", MANAGED, "--label", fresh.label),
        *("--label", "io.goauthentik.outpost-uuid=6f1c0e0d9a5e4c0f8f4b3b1d2c3a4b5c"),
        *(f"{image}:{OLD}", "outpost"),
    )
    yield fresh
    sandbox.fresh()


@pytest.fixture
def bot(stack: Sandbox, tmp_path: Path) -> Akbot:
    return bot_of(stack, tmp_path)


def seen(stack: Sandbox, name: str) -> tuple[str, str, str]:
    """A container's id, state and the tag of its image."""
    form = "{{.Id}} {{.State.Status}} {{.Config.Image}}"
    container_id, state, image = stack.docker("inspect", "--format", form, name).split()
    return container_id, state, image.rpartition(":")[2]


def test_what_runs_goes_along_and_all_others_are_left(stack: Sandbox, bot: Akbot) -> None:
    left = [seen(stack, name) for name in (STOPPED, MANAGED)]
    before = seen(stack, RUNS)
    assert [state for _, state, _ in (before, *left)] == ["running", "exited", "running"]

    told = bot("update", "--yes", NEW)

    assert told.code == 0, told.err
    assert f'"rac" does not go along to {NEW}' in told.err
    assert "; must be moved to it too: rac." in told.out
    assert seen(stack, PINNED)[1:] == ("running", OLD)
    assert served(stack) == (200, NEW)
    after = seen(stack, RUNS)
    assert after[0] != before[0]
    assert after[1:] == ("running", NEW)
    assert [seen(stack, name) for name in (STOPPED, MANAGED)] == left
    healthy = ("docker", "inspect", "--format", "{{.State.Health.Status}}", RUNS)
    wait_until(lambda: stack.run(*healthy).stdout.strip() == "healthy", "the outpost is well")
    in_step(stack)

    bot.ok("rollback", "--yes", "--no-safety-backup")

    assert served(stack) == (200, OLD)
    assert seen(stack, RUNS)[1:] == ("running", OLD)
    assert [seen(stack, name) for name in (STOPPED, MANAGED)] == left
