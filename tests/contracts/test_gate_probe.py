"""What the gate sees of a stack that runs, of one that does not, and of one that starts badly."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from bot.adapters.engine_api import EngineApi
from bot.adapters.gate_place import live_probe
from bot.adapters.gate_probe import Details, PlaceProbe
from bot.domain.errors import PortError
from bot.domain.gate_faults import faults_inside
from bot.domain.restore import Site
from bot.domain.site_checks import LoginAccount, SiteChecks
from bot.domain.update_gate import LOGGED_IN, Baseline, Sample, Wanted
from tests.contracts.stacks import NO_COMPOSE, database_engine
from tests.sandbox.fixture import Sandbox, sandbox

__all__ = ["sandbox"]

pytestmark = pytest.mark.docker
VERSION = "2025.2.1"


def site_of(sandbox: Sandbox) -> Site:
    project = str(sandbox.project)
    return Site(
        project="authentik",
        postgresql="postgresql",
        server="authentik",
        worker="worker",
        redis="redis",
        working_dir=project,
        config_files=(),
        env_files=(),
        database="authentik",
        user="authentik",
        image="",
        version=VERSION,
    )


def password_of(sandbox: Sandbox) -> str:
    lines = (sandbox.project / ".env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return values["AUTHENTIK_BOOTSTRAP_PASSWORD"]


def checks_with(sandbox: Sandbox, password: str) -> SiteChecks:
    return SiteChecks(
        public_url=sandbox.server,
        urls=(f"{sandbox.server}/static/none", "http://127.0.0.1:1/"),
        account=LoginAccount(user="akadmin", password=SecretStr(password)),
    )


@pytest.fixture
async def engine() -> AsyncIterator[EngineApi]:
    api = EngineApi("unix:///var/run/docker.sock")
    yield api
    await api.close()


@pytest.fixture
def probe(sandbox: Sandbox, engine: EngineApi) -> PlaceProbe:
    return probe_of(engine, sandbox, password_of(sandbox))


def probe_of(engine: EngineApi, sandbox: Sandbox, password: str) -> PlaceProbe:
    site = site_of(sandbox)
    clients = database_engine(engine).clients_at(site, NO_COMPOSE)
    return live_probe(engine, site, checks_with(sandbox, password), clients)


def wanted(baseline: Baseline) -> Wanted:
    return Wanted(server="authentik", worker="worker", version=VERSION, baseline=baseline)


async def sample_until_well(probe: PlaceProbe, baseline: Baseline) -> Sample:
    async with asyncio.timeout(90):
        at = 0.0
        while faults_inside(sample := await probe.sample(at), wanted(baseline)):
            await asyncio.sleep(0.5)
            at += 20  # a login at each look
        return sample


async def test_a_stack_that_runs(probe: PlaceProbe, sandbox: Sandbox) -> None:
    sandbox.compose("up", "--detach", "--wait", "authentik", "worker")

    baseline = await probe.baseline()
    sample = await sample_until_well(probe, baseline)

    assert (baseline.login_page, baseline.root_config, baseline.public) == (200, 200, 200)
    assert baseline.urls == {f"{sandbox.server}/static/none": 404, "http://127.0.0.1:1/": None}
    assert baseline.login == LOGGED_IN
    containers = {each.service: each for each in sample.containers}
    assert {name: each.version for name, each in containers.items()} == {
        "authentik": VERSION,
        "worker": VERSION,
    }
    inspected = json.loads(sandbox.docker("inspect", "authentik"))[0]
    assert containers["authentik"].id == inspected["Id"]
    assert containers["authentik"].image_id == inspected["Image"]
    assert containers["worker"].health == "healthy"
    assert (sample.workers, sample.migration) == (None, None), "Celery writes no rows"
    assert (sample.answers.public, sample.answers.urls) == (200, baseline.urls)
    assert sample.answers.login == LOGGED_IN


async def test_a_wrong_password_is_named_and_not_told(engine: EngineApi, sandbox: Sandbox) -> None:
    probe = probe_of(engine, sandbox, "planted")

    baseline = await probe.baseline()

    assert baseline.login == "ak-stage-password (Failed to authenticate.)"
    assert baseline.unchecked[-1].startswith("the test login (it ended in ak-stage-password")
    assert "planted" not in repr(probe) + repr(baseline)


async def test_a_server_that_is_stopped(probe: PlaceProbe, sandbox: Sandbox) -> None:
    sandbox.compose("stop", "--timeout", "1", "authentik")
    try:
        sample = await probe.sample(0)
    finally:
        sandbox.compose("start", "authentik")

    [server] = [each for each in sample.containers if each.service == "authentik"]
    assert sample.seen
    assert (server.running, server.version) == (False, VERSION)
    assert server.exit_code is not None
    assert (sample.ready, sample.answers.login_page, sample.answers.login) == (None, None, None)
    assert '"authentik" does not run' in faults_inside(sample, wanted(Baseline()))


async def test_a_database_that_lets_nobody_in(probe: PlaceProbe, sandbox: Sandbox) -> None:
    """Such as one that is fenced: what runs on it is seen, and that nothing can be asked of it."""
    sandbox.psql("ALTER DATABASE authentik ALLOW_CONNECTIONS false", database="postgres")
    try:
        shut = await probe.sample(0)
    finally:
        sandbox.psql("ALTER DATABASE authentik ALLOW_CONNECTIONS true", database="postgres")
    opened = await probe.sample(0)

    assert (shut.seen, shut.database) == (True, False)
    assert (opened.seen, opened.database) == (True, True)


async def test_an_engine_that_is_away(probe: PlaceProbe) -> None:
    async def away() -> list[tuple[str, Details]]:
        raise PortError("list containers: the Docker Engine does not answer")

    dark = PlaceProbe(probe.engine, replace(probe.place, containers=away), probe.checks)

    assert await dark.sample(7) == Sample(at=7, seen=False)
    with pytest.raises(PortError):
        await dark.baseline()
