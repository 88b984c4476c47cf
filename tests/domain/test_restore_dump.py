"""Whether the rows of a dump can serve here, and with which image."""

from dataclasses import replace

import pytest

from bot.domain.errors import RefusedError
from bot.domain.manifest import DatabaseFacts, VersionRow
from bot.domain.restore import SessionsDo
from bot.domain.restore_dump import choose_for_dump
from bot.domain.restore_plan import Found
from tests.domain.test_restore_plan import room
from tests.fakes_stack import make_facts

FOUND = Found(
    folders=(),
    single_files=frozenset(),
    has_redis=True,
    postgresql="17.6",
    image="registry.local:5000/goauthentik/server:2025.2.1",
    room=room(10**12),
)


def of_version(*versions: str) -> DatabaseFacts:
    rows = [VersionRow(each, "", "2026-01-01 00:00:00+00") for each in versions]
    return replace(make_facts(), versions=tuple(rows))


@pytest.mark.parametrize(
    ("image", "now", "then", "wanted"),
    [
        ("a/server:2025.2.1", "2025.2.1", "2025.2.1", "a/server:2025.2.1"),
        ("a/server@sha256:abc", "2025.2.1", "2025.2.1", "a/server@sha256:abc"),
        ("own:latest", "2025.2.1", "2025.2.1", "own:latest"),
        ("a:5000/server:2025.4.1", "2025.4.1", "2025.2.1", "a:5000/server:2025.2.1"),
        ("a/server:2025.2.1", "2025.2.1", "2025.4.1", "a/server:2025.4.1"),
        ("a/server:2025.2.1", None, "2025.2.1", "a/server:2025.2.1"),
    ],
)
def test_the_image_is_that_of_the_dumps_version(
    image: str, now: str | None, then: str, wanted: str
) -> None:
    choice = choose_for_dump(of_version("2024.12.0", then), replace(FOUND, image=image), now)

    assert (choice.image, choice.image_digest) == (wanted, None)
    assert (choice.database, choice.folders, choice.sessions) == (True, (), SessionsDo.FLUSH)


def test_another_family_may_want_other_compose_files() -> None:
    assert choose_for_dump(of_version("2025.2.4"), FOUND, "2025.2.1").warnings == ()
    [warning] = choose_for_dump(of_version("2025.12.1"), FOUND, "2025.2.1").warnings
    assert "stay as they are for Authentik 2025.2.1; 2025.12.1 may want others" in warning
    [warning] = choose_for_dump(of_version("2025.2.4"), FOUND, None).warnings
    assert "stay as they are for Authentik unknown; 2025.2.4 may want others" in warning


@pytest.mark.parametrize(
    ("facts", "found", "words"),
    [
        (of_version(), FOUND, "does not tell of which version"),
        (of_version("2025.2.1\nPG_PASS=x"), FOUND, "does not tell of which version"),
        (of_version("latest"), FOUND, "does not tell of which version"),
        (make_facts(authentik_core_user=0), FOUND, "there is no user"),
        (replace(make_facts(), rows={"public.wiki": 5}), FOUND, '"authentik_core_user" is not'),
        (replace(make_facts(), schemas={}), FOUND, 'nothing in its "django_migrations"'),
        (make_facts(), replace(FOUND, has_redis=False), "needs Redis"),
        (make_facts(), replace(FOUND, room=room(10**6)), "MiB free"),
    ],
)
def test_what_cannot_serve_is_refused(facts: DatabaseFacts, found: Found, words: str) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        choose_for_dump(facts, found, "2025.2.1")

    assert "Nothing was changed." in caught.value.hint


def test_a_family_without_redis_needs_none() -> None:
    choice = choose_for_dump(of_version("2025.10.4"), replace(FOUND, has_redis=False), "2025.10.4")

    assert choice.sessions is SessionsDo.LEAVE
