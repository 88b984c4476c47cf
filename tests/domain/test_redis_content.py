"""What people lose with Redis depends on what their Authentik keeps there."""

import pytest

from bot.domain.redis_content import not_put_back, redis_words
from bot.domain.restore import SessionsDo

ALL = "people must log in again"
TASKS_TOO = "whoever came in by forward auth must do so again, and queued tasks are lost"
PROXY = "whoever came in by forward auth must do so again"


@pytest.mark.parametrize(
    ("version", "lost"),
    [
        pytest.param("2024.12.3", ALL, id="before"),
        pytest.param("2025.2.4", ALL, id="the last that has its sessions there"),
        pytest.param("2025.4.0", TASKS_TOO, id="sessions moved to PostgreSQL"),
        pytest.param("2025.6.4", TASKS_TOO, id="tasks still there"),
        pytest.param("2025.8.1", PROXY, id="tasks moved as well"),
        pytest.param(None, ALL, id="not known: the worst"),
        pytest.param("my-own", ALL, id="not a release: the worst"),
    ],
)
def test_what_is_lost_is_said(version: str | None, lost: str) -> None:
    told = not_put_back(version, "no answer after 300 s")
    emptied = redis_words(SessionsDo.FLUSH, version)

    assert told == f"{lost}, since Redis could not be put back: no answer after 300 s"
    assert emptied == f"Redis is emptied, so {lost}; what it holds is kept aside."


@pytest.mark.parametrize("version", ["2025.10.0", "2026.2.1"])
def test_a_redis_that_only_stands_there_takes_nothing_away(version: str) -> None:
    unused = f"which Authentik {version} does not use"

    assert not_put_back(version, "x") == f"Redis could not be put back, {unused}: x"
    assert redis_words(SessionsDo.FLUSH, version) == (
        f"Redis is emptied, {unused}; what it holds is kept aside."
    )
    assert redis_words(SessionsDo.LOAD, version) == f"Redis is loaded as it was then, {unused}."


@pytest.mark.parametrize(
    ("version", "back"),
    [
        ("2025.2.1", "who was logged in then is so again"),
        ("2025.4.1", "so are forward-auth logins and queued tasks"),
        ("2025.8.1", "so are forward-auth logins"),
    ],
)
def test_what_comes_back_is_said(version: str, back: str) -> None:
    assert redis_words(SessionsDo.LOAD, version) == f"Redis is loaded as it was then: {back}."


def test_a_redis_that_stays_is_not_spoken_of() -> None:
    assert redis_words(SessionsDo.LEAVE, "2025.2.1") == ""
