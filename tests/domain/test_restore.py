"""What a restore writes down before it acts, and what its undo makes of that."""

from dataclasses import replace

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.compose_swap import ComposeSwap, Service
from bot.domain.restore import (
    RestorePlan,
    SessionsDo,
    Site,
    TagChange,
    compose_site,
    database_name,
    facts_of,
    goes_back,
    sessions_back,
    undo_plan,
)
from tests.domain.test_restore_recovery import PLAN, SITE
from tests.fakes_stack import make_stack

REDIS = Service("redis", "redis:8")
COMES, GOES = ComposeSwap(files=(), comes=REDIS), ComposeSwap(files=(), goes=REDIS)
NEITHER = ComposeSwap(files=())
STACK = make_stack()
WHOLE = Site(
    project=STACK.project,
    postgresql="postgresql",
    server=STACK.server.service,
    worker="worker",
    redis="redis",
    working_dir=STACK.working_dir,
    config_files=STACK.config_files,
    env_files=STACK.env_files,
    database="",
    user="",
    image=STACK.server.image,
    version=None,
)


def test_the_stack_as_compose_knows_it() -> None:
    bare = replace(STACK, postgresql=None, worker=None, redis=None)

    assert compose_site(STACK) == WHOLE
    assert compose_site(bare) == replace(WHOLE, postgresql="", worker=None, redis=None)


@pytest.mark.parametrize(
    ("database", "name"),
    [
        ("authentik", "authentik_before_20261123t033000z_k3f9"),
        ("a" * 40, f"{'a' * 30}_before_20261123t033000z_k3f9"),
        ("ä" * 20, f"{'ä' * 15}_before_20261123t033000z_k3f9"),
        ("xä" + "ä" * 20, f"x{'ä' * 14}_before_20261123t033000z_k3f9"),
    ],
)
def test_a_database_beside_another_has_a_name_that_fits(database: str, name: str) -> None:
    assert database_name(database, "before", "20261123T033000Z-k3f9") == name
    assert len(name.encode()) <= 63


def test_what_of_it_goes_and_comes() -> None:
    assert (SITE.services, replace(SITE, worker=None).services) == (
        ("server", "worker"),
        ("server",),
    )
    assert replace(SITE, outposts=("ldap",)).rolled == ("server", "worker", "ldap")
    assert replace(SITE, worker=None).rolled == ("server",)


@pytest.mark.parametrize(
    ("plan", "source"),
    [
        (PLAN, "backup 20261122T033000Z-aaaa"),
        (replace(PLAN, backup="", dump="old.sql"), "the dump old.sql"),
    ],
)
def test_what_serves_in_words(plan: RestorePlan, source: str) -> None:
    assert plan.source == source


@pytest.mark.parametrize(
    ("compose", "redis"), [(None, None), (NEITHER, None), (GOES, None), (COMES, "redis")]
)
def test_a_redis_that_comes_with_the_files(compose: ComposeSwap | None, redis: str | None) -> None:
    assert replace(PLAN, compose=compose).site_with_redis == replace(SITE, redis=redis)


@pytest.mark.parametrize(
    ("did", "compose", "back"),
    [
        (SessionsDo.LEAVE, None, SessionsDo.LEAVE),
        (SessionsDo.FLUSH, None, SessionsDo.LOAD),
        (SessionsDo.LOAD, None, SessionsDo.LOAD),
        (SessionsDo.FLUSH, NEITHER, SessionsDo.LOAD),
        (SessionsDo.FLUSH, COMES, SessionsDo.LEAVE),
        (SessionsDo.FLUSH, GOES, SessionsDo.LEAVE),
    ],
)
def test_what_an_undo_does_to_redis(
    did: SessionsDo, compose: ComposeSwap | None, back: SessionsDo
) -> None:
    assert sessions_back(replace(PLAN, sessions=did, compose=compose)) is back


def test_an_undo_goes_back_to_what_ran_before() -> None:
    done = replace(PLAN, dump="old.sql")
    now = replace(SITE, image=PLAN.image, version=PLAN.version)
    tag = TagChange("/srv/.env", "AUTHENTIK_TAG", "2025.2.1", "2025.2.4")

    undo = undo_plan(done, BackupId("20261124T033000Z-bbbb"), now, tag, COMES)

    assert undo == RestorePlan(
        job="20261124T033000Z-bbbb",
        backup=PLAN.backup,
        site=now,
        database=True,
        folders=PLAN.folders,
        sessions=SessionsDo.LOAD,
        image=SITE.image,
        version=SITE.version,
        tag=tag,
        undoes=PLAN.job,
        dump="old.sql",
        compose=COMES,
    )
    assert undo.sources == ("/m", "/c")


def test_where_nothing_was_before_nothing_can_serve_again() -> None:
    assert goes_back(facts_of(PLAN))
    assert not goes_back(facts_of(replace(PLAN, from_nothing=True)))
