from dataclasses import replace

import pytest

from bot.domain.discovery import (
    Found,
    Headless,
    Neighbour,
    StackWanted,
    choose_containers,
    is_postgresql,
    judge_database_host,
    without_database,
)
from bot.domain.errors import ConfigError
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
            [*project("authentik", "postgresql", "redis"), *OTHER],
            ANY,
            'project "authentik" has no container of "authentik" or "server", only of postgresql',
            'Nothing was changed. Make what is missing again, in its folder, with "docker compose'
            ' create --no-recreate", then go on.',
            id="server and worker were removed",
        ),
        pytest.param(
            project("authentik", "postgresql", "worker"),
            StackWanted("authentik", USUAL),
            'project "authentik" has no container of "authentik" or "server", only of postgresql',
            "docker compose create --no-recreate",
            id="the server of a named project was removed",
        ),
        pytest.param(
            OFFICIAL[1:],
            ANY,
            'project "sso" has no container of "postgresql", only of server, worker',
            '"docker compose up -d --no-recreate postgresql"; where its data are gone as well, '
            'begin on an empty host with deploy/bootstrap ("akbot restore --bootstrap").',
            id="PostgreSQL was removed",
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
            'worker. If its container was removed, "docker compose up -d"',
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
        ),
    )
    worker = make_container("worker", mounts=(Mount("/d", "/media"),))

    assert [source.component for source in file_sources([server, worker])] == [
        "data-ffentlich",
        "media",
        "files-redis",
        "media-worker",
    ]


@pytest.mark.parametrize(
    ("target", "component"),
    [
        ("/", "root"),
        ("/media/", "media"),
        ("/X/", "x"),
        ("/.hidden/", "hidden"),
        ("/-x-/", "x"),
        (" /a b/", "a-b"),
    ],
)
def test_a_component_is_called_after_its_place(target: str, component: str) -> None:
    mounts = (Mount("/c", "/etc/localtime"), Mount("/h", target))
    [source] = file_sources([make_container("authentik", mounts=mounts)])

    assert source.component == component


@pytest.mark.parametrize(
    ("target", "is_data"),
    [
        ("/etc/localtime", False),
        ("/var/run/docker.sock", False),
        ("/proc/1", False),
        ("/sys/class", False),
        ("/dev/ttyUSB0", False),  # an archive with a device is never unpacked
        ("/dev/shm", False),
        ("/device", True),
        ("/data/dev/x", True),
    ],
)
def test_what_is_the_host_s_own_is_no_component(target: str, *, is_data: bool) -> None:
    server = make_container("authentik", mounts=(Mount("/h", target),))

    assert bool(file_sources([server])) == is_data


def test_the_order_in_which_docker_tells_the_mounts_makes_no_difference() -> None:
    stack = make_stack()
    server = stack.server
    turned = replace(server, mounts=server.mounts[::-1])

    assert file_sources([turned]) == file_sources([server])
    assert [each.component for each in file_sources([turned])] == ["media", "templates"]


ALONE = project("sso", "server", "worker")
DATABASE = Neighbour(
    "database", frozenset({"database", "sso-db-1", "pg", "db.lan"}), is_postgresql=True
)
POOLER = Neighbour("pgbouncer", frozenset({"pgbouncer", "sso-pool-1"}), is_postgresql=False)
EARLIER = ConfigError("there is no PostgreSQL", hint="Start it.")
LOOKED_FOR = (
    'there is no PostgreSQL. Start it. The server of "sso" looks for it at "{host}"; if its service'
    " has another name, set AKBOT_SERVICE_POSTGRESQL; if it is outside of the project, set"
    " AKBOT_DATABASE_HOST={host}."
)


def judged(found: list[Found], host: str, *foreign: Neighbour) -> str | ConfigError:
    headless = without_database(found, ANY)
    if headless is None:
        return EARLIER
    try:
        return judge_database_host(headless, host, [POOLER, DATABASE, *foreign], ANY, EARLIER)
    except ConfigError as error:
        return error


@pytest.mark.parametrize(
    ("found", "host"),
    [
        pytest.param(ALONE, "db.example.org", id="a domain"),
        pytest.param(ALONE, "fd00::9", id="an address"),
        pytest.param([*SEED, *ALONE], "10.0.0.9", id="beside a whole stack"),
    ],
)
def test_a_database_outside_of_the_project_is_where_the_server_looks_for_it(
    found: list[Found], host: str
) -> None:
    assert judged(found, host) == host


def test_one_word_is_outside_where_a_container_of_others_answers_to_it() -> None:
    foreign = Neighbour("", frozenset({"shared-db"}), is_postgresql=False, is_foreign=True)

    assert judged(ALONE, "shared-db", foreign) == "shared-db"


def test_what_a_person_said_goes_before_a_postgresql_of_the_project() -> None:
    chosen = choose_containers(SEED, StackWanted("", USUAL, database_host="db.example.org"))

    assert chosen.database_host == "db.example.org"
    assert set(chosen.ids) == {Role.REDIS, Role.SERVER, Role.WORKER}


def test_without_a_postgresql_of_its_own_a_project_is_found_where_the_database_is_outside() -> None:
    chosen = choose_containers(ALONE, StackWanted("", USUAL, database_host="db.example.org"))

    assert set(chosen.ids) == {Role.SERVER, Role.WORKER}


def test_beside_the_server_of_a_stack_without_database_stand_its_other_containers() -> None:
    assert without_database(ALONE, ANY) == Headless("sso", "sso-server", ("sso-worker",))


def test_a_name_that_a_person_gave_is_taken() -> None:
    wanted = StackWanted("", {**USUAL, Role.WORKER: ("jobs",)}, frozenset({Role.WORKER}))

    chosen = choose_containers(project("sso", "postgresql", "server", "jobs"), wanted)

    assert chosen.ids[Role.WORKER] == "sso-jobs"


@pytest.mark.parametrize("role", [Role.SERVER, Role.WORKER])
def test_a_name_that_a_person_gave_is_told_also_where_the_database_is_outside(role: Role) -> None:
    wanted = StackWanted(
        "", {**USUAL, role: ("mine",)}, frozenset({Role.POSTGRESQL, role}), database_host="db"
    )

    with pytest.raises(ConfigError, match=f'AKBOT_SERVICE_{role.upper()}: .* no service "mine"'):
        choose_containers(project("x", "odd"), wanted)


@pytest.mark.parametrize("service", ["server", "worker"])
def test_without_a_database_server_and_worker_make_the_stack(service: str) -> None:
    with pytest.raises(ConfigError, match="look like Authentik"):
        choose_containers(project("x", service), StackWanted("", USUAL, database_host="db"))


@pytest.mark.parametrize("host", ["database", "sso-db-1", "pg", "db.lan"])
def test_a_database_by_another_name_is_told_with_its_setting(host: str) -> None:
    """Its service's, its container's, or an alias in a network."""
    told = judged(ALONE, host)

    assert isinstance(told, ConfigError)
    assert told.in_full() == (
        'AKBOT_SERVICE_POSTGRESQL: the database of project "sso" is its service "database". Set'
        " AKBOT_SERVICE_POSTGRESQL=database."
    )


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("authentik-postgresql", id="its container was removed, or is elsewhere"),
        pytest.param("pgbouncer", id="what is there is no PostgreSQL"),
        pytest.param("sso-pool-1", id="nor by its container's name"),
    ],
)
def test_where_a_name_tells_nothing_the_earlier_error_tells_it_as_well(host: str) -> None:
    told = judged(ALONE, host)

    assert isinstance(told, ConfigError)
    assert told.in_full() == LOOKED_FOR.format(host=host)


@pytest.mark.parametrize(
    ("found", "host"),
    [
        pytest.param(ALONE, "postgresql", id="it was only removed"),
        pytest.param(ALONE, "", id="nothing is said"),
        pytest.param(ALONE, "file:///run/secrets/host.txt", id="it is said elsewhere"),
        pytest.param(project("x", "server"), "db", id="somebody's server, no Authentik"),
        pytest.param([*ALONE, *project("b", "server", "worker")], "db", id="which of two?"),
    ],
)
def test_else_the_server_has_nothing_to_add(found: list[Found], host: str) -> None:
    assert judged(found, host) is EARLIER


@pytest.mark.parametrize(
    ("image", "variables", "answer"),
    [
        pytest.param("postgres:16-alpine", {}, True, id="official"),
        pytest.param("docker.io/bitnami/postgresql:16", {}, True, id="another's"),
        pytest.param("pgvector/pgvector:pg16", {"PG_MAJOR": "16"}, True, id="made from official"),
        pytest.param("sha256:0f0f", {"PG_MAJOR": "16"}, True, id="whose tag has moved on"),
        pytest.param("edoburu/pgbouncer:1.23", {}, False, id="a pooler"),
        pytest.param("redis:7", {"REDIS_VERSION": "7"}, False, id="something else"),
    ],
)
def test_an_image_with_postgresql_is_known(
    image: str, variables: dict[str, str], *, answer: bool
) -> None:
    assert is_postgresql(image, variables) is answer


def test_a_project_or_service_that_a_person_named_is_what_is_looked_at() -> None:
    of_two = [*ALONE, *project("b", "server", "worker")]
    headless = without_database(of_two, StackWanted("b", USUAL))
    assert headless
    assert headless.project == "b"
    named = StackWanted("b", USUAL, frozenset({Role.POSTGRESQL}))
    with pytest.raises(ConfigError, match=str(EARLIER)):
        judge_database_host(headless, "db.example.org", [], named, EARLIER)
