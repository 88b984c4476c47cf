from dataclasses import replace

import pytest

from bot.domain.discovery import (
    Found,
    StackWanted,
    choose_containers,
    judge_database_host,
    without_database,
)
from bot.domain.errors import BotError, ConfigError, RefusedError
from bot.domain.stack import FileSource, Mount, Role, file_sources
from tests.fakes_stack import make_container, make_stack

USUAL = {
    Role.POSTGRESQL: ("postgresql",),
    Role.REDIS: ("redis",),
    Role.SERVER: ("authentik", "server"),
    Role.WORKER: ("worker",),
}
ANY = StackWanted("", USUAL)


def project(name: str, *services: str) -> list[Found]:
    return [Found(f"{name}-{service}", name, service) for service in services]


SEED = project("authentik", "postgresql", "redis", "authentik", "worker")
OFFICIAL = project("sso", "postgresql", "server", "worker")
OTHER = project("cloud", "db", "app")


@pytest.mark.parametrize(
    ("found", "wanted", "ids"),
    [
        pytest.param(
            [*SEED, *OTHER],
            ANY,
            {
                Role.POSTGRESQL: "authentik-postgresql",
                Role.REDIS: "authentik-redis",
                Role.SERVER: "authentik-authentik",
                Role.WORKER: "authentik-worker",
            },
            id="the only one that fits",
        ),
        pytest.param(
            [*SEED, *OFFICIAL],
            StackWanted("sso", USUAL),
            {
                Role.POSTGRESQL: "sso-postgresql",
                Role.SERVER: "sso-server",
                Role.WORKER: "sso-worker",
            },
            id="the one that is named",
        ),
        pytest.param(
            OTHER,
            StackWanted("", {**USUAL, Role.POSTGRESQL: ("db",), Role.SERVER: ("app",)}),
            {Role.POSTGRESQL: "cloud-db", Role.SERVER: "cloud-app"},
            id="other service names",
        ),
    ],
)
def test_the_stack_is_found(found: list[Found], wanted: StackWanted, ids: dict[Role, str]) -> None:
    assert choose_containers(found, wanted).ids == ids


@pytest.mark.parametrize(
    ("found", "wanted", "message", "hint"),
    [
        pytest.param([], ANY, "no containers that look like", "docker compose up", id="nothing"),
        pytest.param(OTHER, ANY, "no containers that look like", "AKBOT_PROJECT", id="another"),
        pytest.param(
            [*SEED, *OFFICIAL], ANY, "several projects.*authentik, sso", "AKBOT_PROJECT", id="two"
        ),
        pytest.param(
            SEED,
            StackWanted("autentik", USUAL),
            'AKBOT_PROJECT.*"autentik"',
            "authentik",
            id="typo",
        ),
        pytest.param(
            SEED,
            StackWanted(
                "authentik", {**USUAL, Role.POSTGRESQL: ("postgres",)}, frozenset({Role.POSTGRESQL})
            ),
            'AKBOT_SERVICE_POSTGRESQL: project "authentik" has no service "postgres"',
            "authentik, postgresql, redis, worker",
            id="unknown service of a named project",
        ),
        pytest.param(
            SEED,
            StackWanted("", {**USUAL, Role.SERVER: ("web",)}, frozenset({Role.SERVER})),
            'AKBOT_SERVICE_SERVER: project "authentik" has no service "web"',
            "worker",
            id="unknown service of the only project",
        ),
        pytest.param(
            SEED,
            StackWanted("", {**USUAL, Role.REDIS: ("cache",)}, frozenset({Role.REDIS})),
            'AKBOT_SERVICE_REDIS: project "authentik" has no service "cache"',
            "redis",
            id="a service that may be absent, but was named",
        ),
        pytest.param(
            SEED,
            StackWanted("", {**USUAL, Role.REDIS: ("worker",)}, frozenset({Role.REDIS})),
            "AKBOT_SERVICE_REDIS: this service is the stack's worker already",
            "AKBOT_SERVICE_WORKER",
            id="one service for two roles",
        ),
    ],
)
def test_what_cannot_be_told_is_a_clear_error(
    found: list[Found], wanted: StackWanted, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        choose_containers(found, wanted)
    assert hint in caught.value.hint


def test_every_mount_that_holds_data_becomes_a_component_once() -> None:
    stack = make_stack()
    assert stack.worker is not None

    assert file_sources([stack.server, stack.worker]) == (
        FileSource("media", "id-authentik", "/media"),
        FileSource("templates", "id-authentik", "/templates"),
        FileSource("certs", "id-worker", "/certs"),
    )


def test_component_names_are_safe_and_never_clash() -> None:
    server = make_container(
        "authentik",
        mounts=(
            Mount("/a", "/data/Öffentlich"),
            Mount("/b", "/redis"),
            Mount("/c", "/media"),
            Mount("/etc/localtime", "/etc/localtime"),
        ),
    )
    worker = make_container("worker", mounts=(Mount("/d", "/media"),))

    assert [source.component for source in file_sources([server, worker])] == [
        "data-ffentlich",
        "media",
        "files-redis",
        "media-worker",
    ]


def test_the_order_in_which_docker_tells_the_mounts_makes_no_difference() -> None:
    stack = make_stack()
    server = stack.server
    turned = replace(server, mounts=server.mounts[::-1])

    assert file_sources([turned]) == file_sources([server])
    assert [each.component for each in file_sources([turned])] == ["media", "templates"]


ALONE = project("sso", "server", "worker")


@pytest.mark.parametrize(
    ("found", "host", "kind", "words"),
    [
        pytest.param(
            ALONE,
            "db.example.org",
            RefusedError,
            'Authentik\'s database is on "db.example.org", outside of the project "sso"',
            id="elsewhere",
        ),
        pytest.param(
            [*SEED, *ALONE], "10.0.0.9", RefusedError, "outside", id="beside a whole stack"
        ),
        pytest.param(
            project("sso", "server", "worker", "db"),
            "db",
            ConfigError,
            'the database of project "sso" is its service "db". Set AKBOT_SERVICE_POSTGRESQL=db',
            id="by another name",
        ),
        pytest.param(ALONE, "postgresql", None, "", id="it was only removed"),
        pytest.param(ALONE, "", None, "", id="nothing is said"),
        pytest.param(project("x", "server"), "db", None, "", id="somebody's server, no Authentik"),
        pytest.param(
            [*ALONE, *project("b", "server", "worker")], "db", None, "", id="which of two?"
        ),
    ],
)
def test_a_stack_without_postgresql_is_explained_by_its_server(
    found: list[Found], host: str, kind: type[BotError] | None, words: str
) -> None:
    headless = without_database(found, ANY)
    told = judge_database_host(headless, host, ANY) if headless else None

    assert (type(told) if told else None) is kind
    assert words in (told.in_full() if told else "")


def test_a_project_or_service_that_a_person_named_is_what_is_looked_at() -> None:
    of_two = [*ALONE, *project("b", "server", "worker")]
    headless = without_database(of_two, StackWanted("b", USUAL))
    assert headless
    assert headless.project == "b"
    named = StackWanted("b", USUAL, frozenset({Role.POSTGRESQL}))
    assert judge_database_host(headless, "db.example.org", named) is None
