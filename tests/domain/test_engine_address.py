from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.engine_address import check_engine_address
from bot.domain.errors import ConfigError


@pytest.mark.parametrize(
    "text",
    [
        "unix:///var/run/docker.sock",
        "http+unix:///var/run/docker.sock",
        "tcp://docker:2375",
        "tcp://[::1]:2375/",
        "https://10.0.0.1:2376",
    ],
)
def test_addresses_that_can_be_reached(text: str) -> None:
    check_engine_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "/var/run/docker.sock",
        "unix://",
        "unix:///",
        "unix://var/run/docker.sock",
        "tcp://docker",
        "tcp://:2375",
        "tcp://docker:99999",
        "tcp://docker:2375/path",
        "tcp://ada:planted@docker:2375",
        "10.0.0.1:2375",
        "npipe:////./pipe/docker",
        "fd://",
        "tcp://[",
        "unix:///a\nb",
    ],
)
def test_anything_else_names_the_setting_and_the_forms_that_work(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_engine_address(text)

    assert str(caught.value).startswith("DOCKER_HOST: ")
    assert "unix:///var/run/docker.sock" in caught.value.hint
    assert "tcp://HOST:PORT" in caught.value.hint
    assert "planted" not in caught.value.in_full()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tcp://docker", "tcp://docker"),
        ("tcp://ada:planted@docker:1", "docker:1"),
        ("tcp://ada:planted@more@docker:1", "docker:1"),
    ],
)
def test_what_is_wrong_is_repeated_without_a_password(text: str, shown: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_engine_address(text)

    assert str(caught.value) == f'DOCKER_HOST: "{shown}" is not the address of a Docker Engine'


def test_over_ssh_there_is_another_way() -> None:
    with pytest.raises(ConfigError, match=r"^DOCKER_HOST: akbot does not speak ssh://$") as caught:
        check_engine_address("ssh://ada@nas")

    assert "ssh -nNT -L" in caught.value.hint
    assert "unix:///tmp/docker.sock" in caught.value.hint


@given(st.one_of(st.text(), st.text().map("tcp://".__add__), st.text().map("unix://".__add__)))
def test_nothing_but_config_error_is_raised(text: str) -> None:
    with suppress(ConfigError):
        check_engine_address(text)
