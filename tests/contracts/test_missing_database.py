"""What is said of a stack in which no service has PostgreSQL's usual name."""

import pytest

from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.domain.discovery import StackWanted
from bot.domain.errors import ConfigError
from bot.domain.stack import Role
from tests.fakes_engine_api import Made, engine_api

WANTED = StackWanted(
    "",
    {
        Role.POSTGRESQL: ("postgresql",),
        Role.REDIS: ("redis",),
        Role.SERVER: ("server",),
        Role.WORKER: ("worker",),
    },
)
SERVICES = ("server", "worker", "database", "pgbouncer")


@pytest.mark.parametrize(
    ("host", "words"),
    [
        pytest.param("pg", "Set AKBOT_SERVICE_POSTGRESQL=database.", id="an alias"),
        pytest.param("authentik-database-1", "=database.", id="the container's own name"),
        pytest.param("database", "=database.", id="the service's"),
        pytest.param("pgbouncer", 'looks for it at "pgbouncer"', id="a service that is none"),
        pytest.param("authentik-postgresql", 'at "authentik-postgresql"', id="one that is gone"),
    ],
)
async def test_a_name_in_the_project_is_never_called_outside_of_it(host: str, words: str) -> None:
    made = Made(
        variables={
            "server": [f"AUTHENTIK_POSTGRESQL__HOST={host}"],
            "database": ["PG_MAJOR=16"],
        },
        aliases={"database": ["database", "pg"]},
    )
    with engine_api(*SERVICES, made=made) as address:
        engine = DockerEngine(EngineApi(address), WANTED)
        with pytest.raises(ConfigError) as caught:
            await engine.find_stack()
        await engine.close()

    assert words in caught.value.in_full()
