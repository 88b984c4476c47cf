"""The settings of an update's gate."""

from pathlib import Path

import pytest

from bot.domain.errors import ConfigError
from bot.domain.update_gate import Patience
from bot.settings import Settings
from bot.settings_source import load_settings

NOWHERE = Path("/nonexistent/akbot.env")


def settings_of(**given: str) -> Settings:
    return load_settings(given, NOWHERE).settings


def test_nothing_need_be_set() -> None:
    settings = settings_of()

    assert settings.update_patience == Patience(stable=60, timeout=900)
    checks = settings.site_checks
    assert (checks.account, checks.urls, checks.public_page) == (None, (), "")
    assert checks.login_page == "if/flow/default-authentication-flow/"


def test_what_a_person_wants_to_hold(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("planted\n")
    secret.chmod(0o600)

    settings = settings_of(
        AKBOT_PUBLIC_URL="https://example.org/auth/",
        AKBOT_GATE_URLS="https://a.example, http://b.example:8080/x?y=1\n",
        AKBOT_GATE_LOGIN_SLUG="login",
        AKBOT_GATE_LOGIN_USER="akbot-test",
        AKBOT_GATE_LOGIN_PASSWORD_FILE=str(secret),
    )

    checks = settings.site_checks
    assert checks.public_page == "https://example.org/auth/if/flow/login/"
    assert checks.urls == ("https://a.example", "http://b.example:8080/x?y=1")
    assert checks.account
    assert checks.account.password.get_secret_value() == "planted"
    assert "planted" not in repr(settings) + repr(checks)
    assert "planted" in settings.secrets()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AKBOT_PUBLIC_URL", "auth.example.org"),
        ("AKBOT_PUBLIC_URL", "https://user:planted@example.org"),
        ("AKBOT_PUBLIC_URL", "https://[::1"),
        ("AKBOT_PUBLIC_URL", "https://example.org:99999"),
        ("AKBOT_GATE_URLS", "https://a.example ftp://b.example"),
        ("AKBOT_GATE_URLS", "https://user:planted@example.org"),
        ("AKBOT_GATE_LOGIN_SLUG", "a/b"),
        ("AKBOT_GATE_ASK", "-1"),
    ],
)
def test_mistakes_name_the_setting(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: it must be ") as caught:
        settings_of(**{name: value})

    assert "planted" not in caught.value.in_full()


@pytest.mark.parametrize("name", ["AKBOT_GATE_LOGIN_USER", "AKBOT_GATE_LOGIN_PASSWORD"])
def test_half_an_account_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="only one of them is set") as caught:
        settings_of(**{name: "planted"})

    assert "planted" not in caught.value.in_full()
