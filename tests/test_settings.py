from pathlib import Path

import pytest

from bot.domain.errors import ConfigError
from bot.domain.stack import Role
from bot.settings import Settings, setting_names
from bot.settings_source import load_settings

NOWHERE = Path("/nonexistent/akbot.env")


def test_everything_may_be_absent() -> None:
    loaded = load_settings({}, NOWHERE)

    assert loaded.settings.store == ""
    assert loaded.settings.service_names()[Role.SERVER] == ("authentik", "server")
    assert loaded.settings.named_services() == frozenset()


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    env_file = tmp_path / "akbot.env"
    env_file.write_text('AKBOT_STORE=file:///a\nAKBOT_PROJECT="from # file"\n# AKBOT_X=1\n')

    settings = load_settings({"AKBOT_STORE": "file:///b"}, env_file).settings

    assert (settings.store, settings.project) == ("file:///b", "from # file")


def test_lists_are_separated_by_commas_or_blanks() -> None:
    settings = load_settings({"AKBOT_RECIPIENTS": "age1a, age1b\nage1c,"}, NOWHERE).settings

    assert settings.recipients == ("age1a", "age1b", "age1c")


def test_a_secret_comes_from_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("planted\n")
    secret.chmod(0o600)

    loaded = load_settings({"AWS_SECRET_ACCESS_KEY_FILE": str(secret)}, NOWHERE)

    assert loaded.settings.aws_secret_access_key.get_secret_value() == "planted"
    assert "planted" not in repr(loaded)
    assert not loaded.warnings


def test_a_secret_that_everybody_can_read_is_a_warning_with_the_remedy(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("planted")
    secret.chmod(0o644)

    [warning] = load_settings({"AWS_SECRET_ACCESS_KEY_FILE": str(secret)}, NOWHERE).warnings

    assert f"chmod 600 {secret}" in warning
    assert "planted" not in warning


@pytest.mark.parametrize(
    ("environment", "message", "hint"),
    [
        pytest.param(
            {"AKBOT_STROE": "x"}, 'no setting "AKBOT_STROE"', 'mean "AKBOT_STORE"', id="typo"
        ),
        pytest.param({"AKBOT_Q": "x"}, 'no setting "AKBOT_Q"', "README", id="nothing near"),
        pytest.param(
            {"AKBOT_STORE_MAX_PARTS": "many"}, "AKBOT_STORE_MAX_PARTS: ", "example", id="no number"
        ),
        pytest.param(
            {"AKBOT_STORE_MAX_PARTS": "1"}, "greater than or equal to 2", "example", id="too small"
        ),
        pytest.param(
            {"AKBOT_BACKUP_SCHEDULE": "30 3 * *"},
            'AKBOT_BACKUP_SCHEDULE: "30 3 * *" is not a cron expression',
            '"30 3 * * *"',
            id="bad cron",
        ),
        pytest.param(
            {"AKBOT_TIMEZONE": "Europe/Berln"},
            'AKBOT_TIMEZONE: there is no time zone "Europe/Berln"',
            "Europe/Berlin",
            id="bad time zone",
        ),
        pytest.param(
            {"AKBOT_TIMEZONE": "../../etc/passwd"}, "no time zone", "Europe/Berlin", id="a path"
        ),
        pytest.param(
            {"AKBOT_TELEGRAM_TOKEN": "no-token"},
            "AKBOT_TELEGRAM_TOKEN: this is not the form of a bot's token",
            "@BotFather",
            id="bad token",
        ),
        pytest.param(
            {"AKBOT_TELEGRAM_ADMINS": "ada"}, "AKBOT_TELEGRAM_ADMINS: ", "example", id="a name"
        ),
        pytest.param({"AKBOT_STACK": "a/b"}, "AKBOT_STACK: ", "example", id="a path as a name"),
        pytest.param(
            {"AWS_SECRET_ACCESS_KEY_FILE": "/nonexistent/s"},
            'AWS_SECRET_ACCESS_KEY_FILE: read "/nonexistent/s": No such file',
            "Create the file",
            id="missing secret file",
        ),
    ],
)
def test_mistakes_are_one_line_that_names_the_setting(
    environment: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(environment, NOWHERE)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert hint in caught.value.hint


def test_a_forgotten_prefix_in_the_file_is_noticed(tmp_path: Path) -> None:
    env_file = tmp_path / "akbot.env"
    env_file.write_text("STORE=file:///a\n")

    with pytest.raises(ConfigError) as caught:
        load_settings({}, env_file)
    assert 'Did you mean "AKBOT_STORE"?' in caught.value.hint


def test_an_empty_secret_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")

    with pytest.raises(ConfigError, match="is empty"):
        load_settings({"AWS_SECRET_ACCESS_KEY_FILE": str(tmp_path / "secret")}, NOWHERE)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())
    assert all(name.isupper() for name in setting_names())


def test_a_wrong_token_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"AKBOT_TELEGRAM_TOKEN": "123:planted"}, NOWHERE)

    assert "planted" not in f"{caught.value} {caught.value.hint}"


def test_every_secret_is_known_to_whoever_masks_them() -> None:
    token = "12345678:" + "a" * 35
    settings = load_settings(
        {"AKBOT_TELEGRAM_TOKEN": token, "AWS_SECRET_ACCESS_KEY": "planted"}, NOWHERE
    ).settings

    assert set(settings.secrets()) == {token, "planted"}


def test_the_machines_zone_is_the_default_and_keeps_clock_changes() -> None:
    assert load_settings({"AKBOT_TIMEZONE": "Europe/Berlin"}, NOWHERE).settings.zone is not None
    assert load_settings({}, NOWHERE).settings.zone is not None


def test_what_compose_reads_from_its_own_file_is_no_mistake() -> None:
    load_settings({"AKBOT_PROJECT_DIR": "/srv/authentik", "AKBOT_IMAGE": "akbot"}, NOWHERE)
