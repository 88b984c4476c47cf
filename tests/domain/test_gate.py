from dataclasses import replace
from typing import Any

import pytest

from bot.domain.gate import Expected, Observation, Seen, faults, restarted

SERVER = Seen("server", running=True, started="1", version="2025.2.1")
WORKER = Seen("worker", running=True, started="2", version="2025.2.1")
WELL = Observation(containers=(SERVER, WORKER), ready=200, login_page=200)
WANTED = Expected(services=("server", "worker"), version="2025.2.1", login_page=200)


@pytest.mark.parametrize(
    ("seen", "wanted", "found"),
    [
        pytest.param({}, {}, [], id="all is well"),
        pytest.param({"ready": 204}, {}, [], id="ready without a body"),
        pytest.param({"ready": 299}, {}, [], id="the last that is well"),
        pytest.param({"ready": 300}, {}, ["/-/health/ready/ answers 300"], id="elsewhere"),
        pytest.param({"ready": 199}, {}, ["/-/health/ready/ answers 199"], id="not yet"),
        pytest.param({"ready": 503}, {}, ["/-/health/ready/ answers 503"], id="not ready"),
        pytest.param({"ready": None}, {}, ["/-/health/ready/ answers nothing"], id="nobody"),
        pytest.param(
            {"containers": (SERVER,)}, {}, ['there is no container of "worker"'], id="one is away"
        ),
        pytest.param(
            {"containers": (SERVER, replace(WORKER, running=False))},
            {},
            ['"worker" does not run'],
            id="one has ended",
        ),
        pytest.param(
            {"containers": (replace(SERVER, version="2025.2.0"), replace(WORKER, version=None))},
            {},
            [
                '"server" is version 2025.2.0, not 2025.2.1',
                '"worker" is version unknown, not 2025.2.1',
            ],
            id="other versions",
        ),
        pytest.param(
            {"containers": (replace(SERVER, version="2025.2.0"), replace(WORKER, version=None))},
            {"version": None},
            [],
            id="any version will do",
        ),
        pytest.param(
            {"containers": (SERVER,)},
            {"services": ("server",)},
            [],
            id="only what is wanted counts",
        ),
        pytest.param(
            {"login_page": 404}, {}, ["the login page answers 404, 200 before"], id="no login page"
        ),
        pytest.param(
            {"login_page": None}, {}, ["the login page answers nothing, 200 before"], id="no answer"
        ),
        pytest.param({"login_page": None}, {"login_page": None}, [], id="no use before either"),
        pytest.param({"login_page": 302}, {"login_page": 302}, [], id="as it was"),
        pytest.param(
            {"containers": (), "ready": None, "login_page": None},
            {},
            [
                'there is no container of "server"',
                'there is no container of "worker"',
                "/-/health/ready/ answers nothing",
                "the login page answers nothing, 200 before",
            ],
            id="all at once",
        ),
    ],
)
def test_what_is_not_as_it_must_be(
    seen: dict[str, Any], wanted: dict[str, Any], found: list[str]
) -> None:
    assert faults(replace(WELL, **seen), replace(WANTED, **wanted)) == found


@pytest.mark.parametrize(
    ("containers", "is_so"),
    [
        pytest.param((WORKER, SERVER), False, id="in another order"),
        pytest.param((SERVER, replace(WORKER, version=None)), False, id="its version unread"),
        pytest.param((SERVER, replace(WORKER, started="3")), True, id="another run"),
        pytest.param((SERVER,), True, id="one less"),
        pytest.param((SERVER, replace(WORKER, service="outpost")), True, id="of another service"),
    ],
)
def test_whether_a_container_is_another_run(containers: tuple[Seen, ...], *, is_so: bool) -> None:
    assert restarted(replace(WELL, containers=containers), WELL) is is_so
