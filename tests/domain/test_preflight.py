"""Whether an update may begin, by what was seen of the stack."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.drift import Drift
from bot.domain.findings import Finding, Level
from bot.domain.outposts import ProjectOutpost
from bot.domain.preflight import judge_preflight
from bot.domain.preflight_facts import ComposeState, DatabaseState, ServiceState, StackState
from bot.domain.preflight_layout import judge_layout
from bot.domain.restore_room import DatabaseRoom, Disk
from bot.domain.stack import Mount
from bot.domain.update_holds import Hold, HoldKind
from bot.domain.update_outlook import HopOutlook, Outlook
from bot.domain.upgrade_path import Offer, plan_path
from bot.domain.versions import Family, releases
from tests.fakes_stack import make_container

TAGS = (
    *("2025.2.1", "2025.2.4", "2025.4.4", "2025.6.4", "2025.8.6", "2025.10.4", "2025.12.4"),
    *("2026.2.2", "2026.5.7", "2026.8.3", "2026.11.0"),
)
GB = 10**9
MB = 1024 * 1024
MOST_LOG = 2**30
COPY = int(1.1 * GB)
LOG = COPY + 48 * MB
IMAGE = int(3.3 * GB)
SECRETS = frozenset({"AUTHENTIK_SECRET_KEY", "AUTHENTIK_POSTGRESQL__PASSWORD"})
MODERN = SECRETS | {"AUTHENTIK_WEB__BASE_URL", "AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS"}
OK, WARNING, FAILURE = Level.OK, Level.WARNING, Level.FAILURE


def outlook(start: str, end: str, **changes: Any) -> Outlook:
    current, target = releases([start])[0], releases([end])[0]
    hops = plan_path(current, target, Offer(releases(TAGS), said=changes.pop("said", {})))
    plain = Outlook(
        place="ghcr.io/goauthentik/server",
        current=current,
        target=target,
        hops=tuple(HopOutlook(hop=h, digest="sha256:a", size=GB, security=None) for h in hops),
        holds=(),
    )
    return replace(plain, **changes)


DATA = Disk("data", 100 * GB)
DATABASE = DatabaseState(
    server=160004,
    encoding="UTF8",
    size=GB,
    room=DatabaseRoom(data=DATA, log=DATA, most_log=MOST_LOG),
    written_version="2025.2.1",
    workers=None,
    migrating=0,
    idle=0,
    connections=20,
    max_connections=100,
    duplicate_groups=(),
    outposts=(),
)


def service(name: str, version: str = "2025.2.1", **changes: Any) -> ServiceState:
    mounts = changes.pop("mounts", ("/media", "/templates"))
    container = make_container(
        name, mounts=tuple(Mount(f"/srv{each}", each) for each in mounts), **changes.pop("of", {})
    )
    plain = ServiceState(
        container=container, version=version, settings=SECRETS, shared_memory=64 * MB
    )
    return replace(plain, **changes)


def stack(version: str = "2025.2.1", **changes: Any) -> StackState:
    plain = StackState(
        postgresql=make_container("postgresql"),
        redis=make_container("redis"),
        server=service("authentik", version),
        worker=service("worker", version),
        database=replace(DATABASE, written_version=version),
        image_disk=Disk("images", 100 * GB),
        ready=204,
        memory=8 * GB,
    )
    return replace(plain, **changes)


def database(**changes: Any) -> StackState:
    return stack(database=replace(DATABASE, **changes))


def disks(data: int, log: int | None = None, images: int | None = None) -> StackState:
    """So many bytes are free on each; None is the same disk as that of the data."""
    there = Disk("data", data)
    room = DatabaseRoom(
        data=there, log=there if log is None else Disk("log", log), most_log=MOST_LOG
    )
    image_disk = there if images is None else Disk("images", images)
    return stack(database=replace(DATABASE, room=room), image_disk=image_disk)


def modern(version: str) -> StackState:
    """A stack as 2026.8 wants it."""
    services = {
        name: service(
            name, version, settings=MODERN, shared_memory=512 * MB, mounts=("/data", "/templates")
        )
        for name in ("server", "worker")
    }
    return stack(version, redis=None, **services)


def worst_by_subject(findings: list[Finding]) -> Mapping[str, Level]:
    order = [*Level]
    found: dict[str, Level] = {}
    for each in findings:
        found[each.subject] = max(found.get(each.subject, OK), each.level, key=order.index)
    return {subject: level for subject, level in found.items() if level is not OK}


PATCH = ("2025.2.1", "2025.2.4")


@pytest.mark.parametrize(
    ("state", "way", "trouble"),
    [
        pytest.param(stack(), PATCH, {}, id="a patch on a stack that is well"),
        pytest.param(stack(), ("2025.2.1", "2025.4.4"), {}, id="a family, with Redis"),
        pytest.param(
            stack(redis=None),
            ("2025.2.1", "2025.4.4"),
            {"redis": FAILURE},
            id="no Redis for 2025.4",
        ),
        pytest.param(
            stack(redis=make_container("redis", state="exited")),
            PATCH,
            {"redis": FAILURE},
            id="Redis does not run, and 2025.2 needs it",
        ),
        pytest.param(stack(redis=None), PATCH, {}, id="no Redis, and nobody moves sessions"),
        pytest.param(
            stack(worker=service("worker", of={"state": "exited"})),
            PATCH,
            {"worker": FAILURE},
            id="the worker does not run",
        ),
        pytest.param(
            stack(server=service("authentik", of={"health": "starting"})),
            PATCH,
            {"server": FAILURE},
            id="the server is starting",
        ),
        pytest.param(stack(worker=None), PATCH, {"worker": FAILURE}, id="no worker at all"),
        pytest.param(
            stack(worker=service("worker", "2025.2.0")),
            PATCH,
            {"version": FAILURE},
            id="server and worker differ",
        ),
        pytest.param(
            database(written_version="2025.4.1"), PATCH, {"version": FAILURE}, id="a newer row"
        ),
        pytest.param(database(written_version=None), PATCH, {}, id="no version history"),
        pytest.param(
            database(workers=("2025.2.1", "2025.2.0")), PATCH, {"version": FAILURE}, id="old worker"
        ),
        pytest.param(database(workers=("2025.2.1",)), PATCH, {}, id="a worker of this version"),
        pytest.param(database(server=130014), PATCH, {"database server": FAILURE}, id="PG 13"),
        pytest.param(database(server=140000), PATCH, {}, id="PG 14"),
        pytest.param(database(server=190000), PATCH, {}, id="PG 19, and nobody forbids it"),
        pytest.param(
            database(encoding="SQL_ASCII"),
            ("2025.2.1", "2025.8.6"),
            {"encoding": WARNING},
            id="another encoding",
        ),
        pytest.param(database(encoding="SQL_ASCII"), PATCH, {}, id="another encoding, old family"),
        pytest.param(database(migrating=1), PATCH, {"migrations": FAILURE}, id="lock 1000 is held"),
        pytest.param(database(idle=2), PATCH, {"transactions": FAILURE}, id="open transactions"),
        pytest.param(
            database(duplicate_groups=("a", "b")), PATCH, {}, id="duplicate groups do no harm yet"
        ),
        pytest.param(
            database(connections=70),
            ("2025.2.1", "2025.10.4"),
            {
                "connections": WARNING,
            },
            id="few connections left",
        ),
        pytest.param(database(connections=70), PATCH, {}, id="few connections, old family"),
        pytest.param(
            disks(int(1.12 * GB), images=100 * GB),
            PATCH,
            {"disk of the database": FAILURE},
            id="room for the copy, and none for the log",
        ),
        pytest.param(
            disks(COPY + LOG - 1, images=100 * GB),
            PATCH,
            {"disk of the database": FAILURE},
            id="no room for copy and log",
        ),
        pytest.param(
            disks(COPY + LOG, images=100 * GB), PATCH, {}, id="room for a copy and its log"
        ),
        pytest.param(
            disks(COPY, LOG, 100 * GB), PATCH, {}, id="room for a copy, and elsewhere for the log"
        ),
        pytest.param(
            disks(100 * GB, LOG - 1, 100 * GB),
            PATCH,
            {"disk of the database's log": FAILURE},
            id="no room where the log is",
        ),
        pytest.param(
            disks(COPY + LOG, images=100 * GB),
            ("2025.2.1", "2025.6.4"),
            {"disk of the database": FAILURE},
            id="no room for two copies, which several hops need",
        ),
        pytest.param(disks(COPY + LOG + IMAGE), PATCH, {}, id="room for all on one disk"),
        pytest.param(
            disks(COPY + LOG + IMAGE - 1),
            PATCH,
            {"disk of the database": FAILURE},
            id="room for each, and none for all of it, on one disk",
        ),
        pytest.param(
            database(room=None), PATCH, {"disk of the database": WARNING}, id="nobody knows"
        ),
        pytest.param(
            stack(image_disk=Disk("images", 2 * GB)),
            PATCH,
            {"disk of the images": FAILURE},
            id="no room for the image",
        ),
        pytest.param(
            stack(image_disk=None), PATCH, {"disk of the images": WARNING}, id="room unknown"
        ),
        pytest.param(stack(ready=None), PATCH, {"ready": FAILURE}, id="akbot cannot reach it"),
        pytest.param(stack(ready=503), PATCH, {"ready": FAILURE}, id="the server is not ready"),
        pytest.param(
            stack(guests=("cloudflared",)),
            PATCH,
            {"network": FAILURE},
            id="somebody lives in the server's network",
        ),
        pytest.param(stack(memory=1600 * MB), PATCH, {}, id="memory for a copy"),
        pytest.param(
            stack(memory=1_400_000_000),
            PATCH,
            {"memory for the rehearsal": WARNING},
            id="memory is short",
        ),
        pytest.param(
            stack(memory=600_000_000),
            PATCH,
            {"memory for the rehearsal": FAILURE},
            id="no memory for a copy",
        ),
        pytest.param(
            stack(memory=None), PATCH, {"memory for the rehearsal": WARNING}, id="memory unknown"
        ),
        pytest.param(
            database(outposts=("ldap", "radius")), PATCH, {"outposts": WARNING}, id="outposts"
        ),
        pytest.param(
            stack(compose=ComposeState(outposts=(ProjectOutpost("proxy", "g/proxy:2025.2.4"),))),
            PATCH,
            {},
            id="an outpost that goes along",
        ),
        pytest.param(
            stack(compose=ComposeState(outposts=(ProjectOutpost("proxy", "g/proxy:2025.2.1"),))),
            PATCH,
            {"outposts": WARNING},
            id="an outpost with a tag of its own",
        ),
        pytest.param(
            stack(server=service("authentik", settings=frozenset())),
            PATCH,
            {"secrets": FAILURE},
            id="no secrets",
        ),
        pytest.param(
            stack(
                server=service("authentik", settings=frozenset(f"{name}_FILE" for name in SECRETS))
            ),
            PATCH,
            {},
            id="secrets in files",
        ),
    ],
)
def test_a_preflight(state: StackState, way: tuple[str, str], trouble: dict[str, Level]) -> None:
    assert worst_by_subject(judge_preflight(state, outlook(*way))) == trouble


@pytest.mark.parametrize(("number", "told"), [(1, "1 transaction"), (2, "2 transactions")])
def test_what_was_left_open_is_counted(number: int, told: str) -> None:
    found = judge_preflight(database(idle=number), outlook(*PATCH))

    assert f"left open for minutes: {told}" in [each.message for each in found]


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("172.18.0.4", "See to it that the server has an address in a network"),
        ("", '"authentik" has no address of its own: take its line network_mode out'),
    ],
)
def test_a_server_that_cannot_be_asked(address: str, remedy: str) -> None:
    state = stack(server=service("authentik", of={"address": address}), ready=None)

    [found] = [each for each in judge_preflight(state, outlook(*PATCH)) if each.subject == "ready"]

    assert (found.level, found.remedy[: len(remedy)]) == (FAILURE, remedy)


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        pytest.param(
            "2025.4.1",
            "If 2025.4.1 shall serve, set its tag in .env, run docker compose up -d, and see that"
            ' people can log in. Else restore a backup that 2025.2.1 has made: "akbot backups"'
            " shows them.",
            id="newer",
        ),
        pytest.param(
            "2024.12.5",
            'Restore a backup that 2025.2.1 has made: "akbot backups" shows them.',
            id="older, which must not serve on what is newer",
        ),
        pytest.param(
            "main",
            'Restore a backup that 2025.2.1 has made: "akbot backups" shows them.',
            id="no release",
        ),
    ],
)
def test_there_is_a_way_out_of_a_row_of_another_version(written: str, remedy: str) -> None:
    judged = judge_preflight(database(written_version=written), outlook(*PATCH))

    [found] = [each for each in judged if each.subject == "version"]
    assert (found.level, found.remedy) == (FAILURE, remedy)


def test_a_profile_of_the_command_line_alone_is_to_be_written_down() -> None:
    drift = Drift("worker", "authentik-worker", profiles=("sso", "all"))
    state = stack(compose=ComposeState(drift=(drift,)))

    [found] = [each for each in judge_preflight(state, outlook(*PATCH)) if each.level is FAILURE]

    assert found.message == (
        '"worker" is of the profile "sso" or "all", which was named on the command line alone:'
        " Compose leaves it out otherwise"
    )
    assert found.remedy.startswith("Write COMPOSE_PROFILES=sso into .env")


def test_an_outpost_with_a_tag_of_its_own_is_named_with_its_line() -> None:
    outposts = (
        ProjectOutpost("ldap", "g/ldap:2025.2.4"),
        ProjectOutpost("proxy", "g/proxy:2025.2.1"),
        ProjectOutpost("rac", ""),
    )
    state = stack(compose=ComposeState(outposts=outposts))

    found = [each for each in judge_preflight(state, outlook(*PATCH)) if each.subject == "outposts"]

    assert [each.message for each in found] == [
        f'"{name}" does not go along to 2025.2.4: whatever the tag in .env is,'
        f" its line in the compose file says {line}"
        for name, line in (("proxy", "g/proxy:2025.2.1"), ("rac", "no image"))
    ]
    assert "end in :${AUTHENTIK_TAG}" in found[0].remedy


def test_2025_10_leaves_redis_behind() -> None:
    state = stack(server=service("authentik", settings=SECRETS | {"AUTHENTIK_REDIS__HOST"}))

    (found,) = [
        each
        for each in judge_preflight(state, outlook("2025.2.1", "2025.10.4"))
        if each.subject == "compose" and each.level is not OK
    ]

    assert (found.level, found.message) == (WARNING, "Redis is used no more from 2025.10 on")


TAG_BACK = (
    "Set the tag back to the version that runs, and try again: docker compose up -d would change"
    " the version with no backup before it and no way back."
)


@pytest.mark.parametrize(
    ("compose", "level", "message", "remedy"),
    [
        pytest.param(ComposeState(), OK, "the containers are those of the file", "", id="in step"),
        pytest.param(
            ComposeState(drift=(Drift("worker", "authentik-worker", ("A", "image")),)),
            FAILURE,
            "the file was edited since authentik-worker was created: A, image",
            TAG_BACK,
            id="another tag",
        ),
        pytest.param(
            ComposeState(drift=(Drift("worker", "authentik-worker", ("A",)),)),
            FAILURE,
            "the file was edited since authentik-worker was created: A",
            "Bring them in step first: docker compose up -d",
            id="edited",
        ),
        pytest.param(
            ComposeState(
                drift=(
                    Drift("redis", "authentik-redis", ("ports",)),
                    Drift("authentik", "authentik-server", ("image",)),
                )
            ),
            FAILURE,
            "the file was edited since authentik-redis was created: ports",
            "Bring them in step first: docker compose up -d, once the tag is set back",
            id="edited beside another tag",
        ),
        pytest.param(
            ComposeState(drift=(Drift("postgresql", "authentik-postgresql", ("image",)),)),
            FAILURE,
            "the file was edited since authentik-postgresql was created: image",
            "Set its image back, or make a backup first, and then: docker compose up -d",
            id="another PostgreSQL",
        ),
        pytest.param(
            ComposeState(drift=(Drift("redis", "authentik-redis"),)),
            FAILURE,
            "the file was edited since authentik-redis was created",
            "Bring them in step first: docker compose up -d",
            id="edited, and nobody knows what",
        ),
        pytest.param(
            ComposeState(trouble="no docker"),
            FAILURE,
            "whether the file is what runs cannot be told: no docker",
            'See to it that "docker compose config" works where akbot runs.',
            id="nobody can tell",
        ),
        pytest.param(
            ComposeState(refusal="no rename", by_hand="Do it."),
            WARNING,
            "no rename",
            "Do it.",
            id="by hand",
        ),
        pytest.param(ComposeState(left=("it stays",)), WARNING, "it stays", "", id="left"),
    ],
)
def test_the_compose_file(compose: ComposeState, level: Level, message: str, remedy: str) -> None:
    found = judge_preflight(stack(compose=compose), outlook(*PATCH))

    assert Finding("compose", level, message, remedy) in found


def test_what_the_change_mends_names_it() -> None:
    way = outlook("2025.2.1", "2026.2.2")
    redis = service("authentik", settings=SECRETS | {"AUTHENTIK_REDIS__HOST"})

    for refusal, named in (("", True), ("it cannot", False)):
        state = stack(server=redis, compose=ComposeState(refusal=refusal))
        remedies = [
            each.remedy
            for each in judge_preflight(state, way)
            if each.subject == "compose" and each.remedy
        ]
        assert len(remedies) == 5  # Redis, the mount and the memory of two services
        assert all(("akbot update --apply-compose" in each) == named for each in remedies)
        assert any(each.endswith(" afterwards.") for each in remedies) is not named


def test_2025_12_wants_data_and_one_group_of_a_name() -> None:
    way = outlook("2025.10.4", "2025.12.4")
    groups = tuple(f"team {number}" for number in range(7))
    state = replace(
        stack("2025.10.4"),
        database=replace(DATABASE, written_version="2025.10.4", duplicate_groups=groups),
    )

    found = judge_preflight(state, way)

    assert worst_by_subject(found) == {"compose": FAILURE, "groups": FAILURE}
    messages = [each.message for each in found if each.level is FAILURE]
    assert messages == [
        (
            'several groups are called "team 0", "team 1", "team 2", "team 3", "team 4" and 2 more:'
            " 2025.12 does not migrate then"
        ),
        "authentik has nothing mounted at /data, as 2025.12 wants it",
        "worker has nothing mounted at /data, as 2025.12 wants it",
    ]
    assert not worst_by_subject(judge_preflight(modern("2025.10.4"), way))


def test_within_a_family_the_layout_is_the_one_that_runs() -> None:
    assert not [*judge_layout(stack(), Family(2026, 8), Family(2026, 8))]


def test_2026_wants_memory_proxies_and_an_address() -> None:
    plain = replace(
        modern("2025.12.4"),
        server=service("server", "2025.12.4", mounts=("/data/media",)),
        worker=service("worker", "2025.12.4", mounts=("/data",)),
    )

    found = judge_preflight(plain, outlook("2025.12.4", "2026.8.3"))

    wanted = {"compose": WARNING, "proxy": WARNING, "base URL": WARNING, "way": WARNING}
    assert worst_by_subject(found) == wanted
    assert [each.message for each in found if each.subject == "compose" and each.remedy] == [
        "server has 64 MB of shared memory",
        "worker has 64 MB of shared memory",
    ]
    fine = judge_preflight(modern("2025.12.4"), outlook("2025.12.4", "2026.8.3"))
    assert worst_by_subject(fine) == {"way": WARNING}  # the image has not said yet what it follows


def test_2026_11_starts_on_utf8_and_with_an_address_only() -> None:
    server, worker = (
        service(name, "2026.8.3", shared_memory=512 * MB, mounts=("/data",))
        for name in ("server", "worker")
    )
    encoded = replace(DATABASE, written_version="2026.8.3", encoding="LATIN1")
    state = stack("2026.8.3", server=server, worker=worker, database=encoded)

    trouble = worst_by_subject(judge_preflight(state, outlook("2026.8.3", "2026.11.0")))

    assert trouble["encoding"] is trouble["base URL"] is FAILURE


def test_2026_5_knows_postgresql_up_to_18() -> None:
    way = outlook("2026.2.2", "2026.5.7")
    for server, blocked in ((180003, False), (190000, True)):
        state = replace(
            modern("2026.2.2"),
            database=replace(DATABASE, written_version="2026.2.2", server=server),
        )
        assert ("database server" in worst_by_subject(judge_preflight(state, way))) == blocked


LISTEN = {f"AUTHENTIK_LISTEN__{each}" for each in ("HTTP", "HTTPS", "METRICS")}


@pytest.mark.parametrize(
    ("start", "end", "ipv6", "told", "warned"),
    [
        pytest.param("2026.2.2", "2026.5.7", False, set[str](), True, id="none"),
        pytest.param("2025.12.4", "2026.8.3", False, set[str](), True, id="on the way"),
        pytest.param("2026.2.2", "2026.5.7", False, LISTEN, False, id="told otherwise"),
        pytest.param("2026.2.2", "2026.5.7", True, set[str](), False, id="it has some"),
        pytest.param("2026.2.2", "2026.5.7", None, set[str](), False, id="another machine"),
        pytest.param("2026.5.7", "2026.8.3", False, set[str](), False, id="it listens already"),
        pytest.param("2025.12.4", "2026.2.2", False, set[str](), False, id="not yet"),
    ],
)
def test_2026_5_listens_on_ipv6(
    start: str,
    end: str,
    ipv6: bool | None,  # noqa: FBT001
    told: set[str],
    warned: bool,  # noqa: FBT001
) -> None:
    state = modern(start)
    state = replace(
        state, server=replace(state.server, settings=state.server.settings | told), ipv6=ipv6
    )
    if state.worker:
        state = replace(state, worker=replace(state.worker, settings=MODERN | told))

    found = [each for each in judge_preflight(state, outlook(start, end)) if each.subject == "IPv6"]

    assert [each.level for each in found] == ([WARNING, WARNING] if warned else [])


def test_what_is_missing_on_a_host_without_ipv6_is_named() -> None:
    state = modern("2026.2.2")
    server = replace(state.server, settings=MODERN | {"AUTHENTIK_LISTEN__HTTP"})
    state = replace(state, server=server, worker=None, ipv6=False)

    [found] = [
        each
        for each in judge_preflight(state, outlook("2026.2.2", "2026.5.7"))
        if each.subject == "IPv6"
    ]

    assert found.message.endswith(
        f"{server.container.service} has no AUTHENTIK_LISTEN__HTTPS, AUTHENTIK_LISTEN__METRICS"
    )
    assert found.remedy.endswith(
        "AUTHENTIK_LISTEN__HTTPS=0.0.0.0:9443 AUTHENTIK_LISTEN__METRICS=0.0.0.0:9300"
    )


def test_what_holds_an_update_back_is_for_the_person_who_confirms() -> None:
    hold = Hold(HoldKind.TOO_FRESH, "2025.2.4 is known since today only", remedy="Wait.")

    found = judge_preflight(stack(), outlook(*PATCH, holds=(hold,)))

    assert Finding("way", WARNING, hold.words, "Wait.") in found


def test_a_redis_that_is_left_over_need_not_run() -> None:
    left_over = replace(modern("2025.12.4"), redis=make_container("redis", state="exited"))

    found = judge_preflight(left_over, outlook("2025.12.4", "2026.2.2"))

    assert not worst_by_subject(found)


def test_an_older_patch_is_warned_of() -> None:
    way = outlook(*PATCH, newer_patch=releases(["2025.2.5"])[0])

    assert worst_by_subject(judge_preflight(stack(), way)) == {"way": WARNING}


def test_the_first_of_a_family_is_warned_of() -> None:
    (found,) = [
        each
        for each in judge_preflight(modern("2026.8.3"), outlook("2026.8.3", "2026.11.0"))
        if "first of its family" in each.message
    ]

    assert found.level is WARNING


def test_every_trouble_has_a_remedy() -> None:
    bad = replace(
        stack(
            redis=None,
            worker=None,
            image_disk=None,
            memory=0,
            guests=("tunnel",),
            ready=None,
            server=service("x", settings=frozenset()),
        ),
        database=replace(
            DATABASE,
            server=130000,
            encoding="LATIN1",
            room=DatabaseRoom(data=Disk("data", 0), log=Disk("data", 0), most_log=None),
            written_version="2026.8.3",
            workers=("2026.8.3",),
            migrating=1,
            idle=1,
            connections=99,
            duplicate_groups=("a",),
            outposts=("b",),
        ),
    )

    found = judge_preflight(bad, outlook("2025.2.1", "2026.11.0"))

    assert len([each for each in found if each.level is FAILURE]) >= 11
    assert all(each.remedy for each in found if each.level is not OK)


@pytest.mark.parametrize(
    ("state", "way", "subject", "message", "remedy"),
    [
        pytest.param(
            disks(2 * GB, images=100 * GB), ("2025.2.1", "2025.6.4"), "disk of the database",
            "2.0 GB free, 3.9 GB needed: 2.2 GB for two copies of the database at a time and 1.7 GB"
            " for the server's log of what is written",
            "Make room: the copies are the way back, and without room for its log PostgreSQL lets"
            " nobody in.",
            id="the copy of the first hop stays while the next one has its own",
        ),
        pytest.param(
            disks(5 * GB), PATCH, "disk of the database",
            "5.0 GB free, 5.6 GB needed: 1.1 GB for a copy of the database, 1.2 GB for the server's"
            " log of what is written and 3.3 GB for the images",
            "Make room (docker image prune): the copy is the way back, and without room for its log"
            " PostgreSQL lets nobody in.",
            id="all on one disk",
        ),
        pytest.param(
            disks(100 * GB, images=GB), PATCH, "disk of the images",
            "1.0 GB free, 3.3 GB needed: 3.3 GB for the images", "Make room: docker image prune.",
            id="the images alone",
        ),
    ],
)  # fmt: skip
def test_what_has_no_room_is_said_with_figures(
    state: StackState, way: tuple[str, str], subject: str, message: str, remedy: str
) -> None:
    [found] = [each for each in judge_preflight(state, outlook(*way)) if each.subject == subject]

    assert (found.level, found.message, found.remedy) == (FAILURE, message, remedy)


def test_where_nobody_can_see_the_disks_it_is_said_what_they_must_hold() -> None:
    blind = replace(stack(), image_disk=None, database=replace(DATABASE, room=None))

    found = [each for each in judge_preflight(blind, outlook(*PATCH)) if "disk" in each.subject]

    assert [(each.subject, each.level, each.remedy) for each in found] == [
        ("disk of the database", WARNING, "See to it that 1.1 GB are."),
        ("disk of the images", WARNING, "See to it that 3.3 GB are."),
    ]


def test_a_redis_that_runs_is_well_where_sessions_move_from_it() -> None:
    found = judge_preflight(stack(), outlook("2025.2.1", "2025.4.4"))

    assert Finding("redis", OK, "it runs, and the sessions can move from it") in found
