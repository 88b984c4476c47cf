"""What changes with a backup's compose files, as Compose understands them."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.compose_edit import digest
from bot.domain.compose_past import Past, file_changes, judge_past, texts_of_then
from bot.domain.compose_swap import ComposeSwap, Service
from bot.domain.errors import RefusedError
from bot.domain.restore import Folder
from tests.domain.test_restore_recovery import SITE

SITE_OF_TWO = replace(
    SITE, working_dir="/srv", config_files=("/srv/compose.yml", "/etc/more.yml"), redis=None
)


def project(*mounts: tuple[str, str, str], redis: str = "", **more: Any) -> dict[str, Any]:
    """Server and worker with the same *mounts*: type, source and target."""
    variables = {"AUTHENTIK_REDIS__HOST": redis} if redis else {}
    ours = {
        "environment": variables,
        "volumes": [
            {"type": kind, "source": source, "target": target} for kind, source, target in mounts
        ],
    }
    return {
        "services": {
            SITE.postgresql: {
                "image": "postgres:17",
                "volumes": [{"type": "volume", "source": "database"}],
            },
            SITE.server: ours,
            SITE.worker: ours,
            **more,
        },
        "volumes": {"database": {"name": "a_database"}, "files": {"name": "a_files"}},
    }


def judged(now: dict[str, Any], then: dict[str, Any]) -> Past:
    return judge_past(SITE, (), now, then)


def test_where_the_media_move_their_place_is_emptied() -> None:
    old, new = project(("bind", "/a/media", "/media")), project(("bind", "/a/data", "/data"))

    past = judged(new, old)

    assert past.folders == (Folder("media", "/a/media"),)
    assert (past.swap.made, past.swap.emptied) == (("/a/media",), ("/a/data",))
    assert judged(old, new).swap == ComposeSwap(files=(), made=("/a/data",), emptied=("/a/media",))


def test_another_mount_that_then_did_not_have_is_left_alone() -> None:
    """It may be anything: a folder under version control, say."""
    now = project(("bind", "/a/data", "/data"), ("bind", "/home/me/blueprints", "/blueprints"))

    past = judged(now, project(("bind", "/a/media", "/media")))

    assert past.swap.emptied == ("/a/data",)


def test_what_lies_in_the_same_folder_is_replaced_and_not_emptied() -> None:
    past = judged(project(("bind", "/a/m", "/data")), project(("bind", "/a/m", "/media/")))

    assert past.folders == (Folder("media", "/a/m"),)
    assert (past.swap.made, past.swap.emptied) == ((), ())


def test_a_volume_has_the_name_that_the_engine_knows() -> None:
    past = judged(project(), project(("volume", "files", "/media"), ("tmpfs", "", "/tmp")))

    assert past.folders == (Folder("media", "a_files"),)


@pytest.mark.parametrize(
    ("host", "refused"), [("db.example.org", False), ("postgresql", True), (None, True)]
)
def test_files_that_lead_to_another_database_are_refused_where_it_is_outside(
    host: str | None, *, refused: bool
) -> None:
    def told(host: str | None) -> dict[str, Any]:
        given = {"AUTHENTIK_POSTGRESQL__HOST": host} if host else {}
        found = project()
        found["services"][SITE.server] = {"environment": given}
        return found

    outside = replace(SITE, postgresql="")
    if refused:
        with pytest.raises(RefusedError, match="lead to another database"):
            judge_past(outside, (), told("db.example.org"), told(host))
    else:
        judge_past(outside, (), told("db.example.org"), told(host))


@pytest.mark.parametrize("name", ["HOST", "PORT", "NAME"])
def test_a_database_is_another_one_by_host_port_or_name(name: str) -> None:
    def told(value: str) -> dict[str, Any]:
        found = project()
        found["services"][SITE.server] = {
            "environment": {f"AUTHENTIK_POSTGRESQL__{name}": value, "AUTHENTIK_LOG_LEVEL": value}
        }
        return found

    outside = replace(SITE, postgresql="")

    with pytest.raises(RefusedError, match="lead to another database") as caught:
        judge_past(outside, (), told("one"), told("two"))

    assert caught.value.hint


def test_files_without_server_or_worker_are_refused() -> None:
    without = project()
    del without["services"][SITE.worker]

    with pytest.raises(RefusedError, match=f'no service "{SITE.worker}"') as caught:
        judged(project(), without)

    assert caught.value.hint


@pytest.mark.parametrize("when", ["now", "then"])
def test_a_folder_with_another_services_data_in_it_is_not_moved(when: str) -> None:
    mounts = [{"type": "tmpfs", "target": "/t"}, {"type": "bind", "source": "/a/data/x"}]
    other: dict[str, Any] = {
        "other": {"image": "x:1", "volumes": mounts},
        "bare": {"image": "y:1"},
    }
    none: dict[str, Any] = {}
    now = project(("bind", "/a/media", "/media"), **(other if when == "now" else none))
    then = project(("bind", "/a/data", "/data"), **(other if when == "then" else none))

    with pytest.raises(RefusedError, match='"/a/data/x" lies inside of "/a/data"') as caught:
        judged(now, then)

    assert caught.value.hint


def test_what_else_is_another_one_is_told() -> None:
    same, one, two = {"image": "s:1"}, {"image": "c:1"}, {"image": "c:2"}
    now = project(new={"image": "n:1"}, same=same, changed=one)
    then = project(old={"image": "o:1"}, same=same, changed=two)

    changed, new, old = judged(now, then).warnings

    assert 'the service "changed" is another one in the backup' in changed
    assert 'the service "new" is not in the backup' in new
    assert 'the service "old" is in the backup' in old


@pytest.mark.parametrize("name", ["cache", "its-alias", "its-container"])
def test_redis_comes_or_goes_under_whatever_name_authentik_knows_it(name: str) -> None:
    service = {
        "image": "redis:8",
        "container_name": "its-container",
        "networks": {"default": {"aliases": ["its-alias"]}},
    }
    with_it, without = project(redis=name, cache=service), project()

    back, gone = judged(without, with_it), judged(with_it, without)

    assert (back.has_redis, back.swap.comes) == (True, Service("cache", "redis:8"))
    assert (gone.has_redis, gone.swap.goes) == (False, Service("cache", "redis:8"))
    assert judged(with_it, with_it).swap == ComposeSwap(files=())


def test_a_redis_that_only_is_used_again_is_there_already() -> None:
    past = judged(project(cache={}), project(redis="cache", cache={}))

    assert (past.has_redis, past.swap.comes) == (True, None)


def test_a_redis_that_is_built_has_no_image_by_a_name() -> None:
    assert judged(project(), project(redis="cache", cache={})).swap.comes == Service("cache", "")


def test_the_volume_of_the_database_must_stay() -> None:
    other = project()
    other["volumes"]["database"] = {"name": "another_database"}

    with pytest.raises(RefusedError, match="would not be the one that has your data") as caught:
        judged(project(), other)

    assert caught.value.hint


def test_the_way_back_swaps_what_comes_and_what_goes() -> None:
    redis = Service("redis", "redis:8")
    swap = ComposeSwap(files=(), comes=redis, emptied=("/a/data",), made=("/a/media",))

    back = swap.back(())

    assert back == ComposeSwap(files=(), goes=redis, left=("/a/media",))
    assert back.back(()) == ComposeSwap(files=(), comes=redis, made=("/a/media",))


def test_files_are_known_by_their_place_in_the_project() -> None:
    then = {"compose.yml": b"1", "etc/more.yml": b"2", ".env": b"3"}

    found = texts_of_then(SITE_OF_TWO, then)

    assert found == {"/srv/compose.yml": b"1", "/etc/more.yml": b"2"}
    [change] = file_changes({"/srv/compose.yml": b"0", "/etc/more.yml": b"2"}, found)
    assert (change.path, change.old, change.new) == ("/srv/compose.yml", digest(b"0"), digest(b"1"))


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ({"compose.yml": b""}, '"etc/more.yml" is new since'),
        (
            {"compose.yml": b"", "etc/more.yml": b"", "over.yaml": b""},
            '"over.yaml" was given to Compose then, and is not now',
        ),
        ({}, '"compose.yml" is new since'),
    ],
)
def test_other_files_than_then_are_refused(then: dict[str, bytes], words: str) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        texts_of_then(SITE_OF_TWO, then)

    assert caught.value.hint
