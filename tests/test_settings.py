import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import age
from bot.adapters.keyfiles import exposed_keys
from bot.adapters.keys import HostKeys
from bot.domain.alarms import Limit
from bot.domain.errors import ConfigError
from bot.domain.jobs import JobKind
from bot.domain.roles import ChatPlace, ChatRole
from bot.domain.stack import Role
from bot.setting_form import FORM
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
    keys = tuple(str(age.X25519Identity.generate().recipient()) for _ in range(3))
    text = "{}, {}\n{},".format(*keys)

    assert load_settings({"AKBOT_RECIPIENTS": text}, NOWHERE).settings.recipients == keys


def test_a_secret_comes_from_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("planted\n")
    secret.chmod(0o600)

    loaded = load_settings({"AWS_SECRET_ACCESS_KEY_FILE": str(secret)}, NOWHERE)

    assert loaded.settings.aws_secret_access_key.get_secret_value() == "planted"
    assert "planted" not in repr(loaded)
    assert not loaded.warnings


@pytest.mark.parametrize("of_file", ["AKBOT_STORE", "AKBOT_STORE_FILE", ""])
def test_a_setting_and_the_file_for_it_are_not_both_set(tmp_path: Path, of_file: str) -> None:
    both = {"AKBOT_STORE": "file:///a", "AKBOT_STORE_FILE": str(tmp_path / "store")}
    env_file = tmp_path / "akbot.env"
    env_file.write_text("".join(f"{name}={both[name]}\n" for name in both if name == of_file))

    with pytest.raises(ConfigError) as caught:
        load_settings({name: both[name] for name in both if name != of_file}, env_file)

    assert caught.value.in_full() == (
        "AKBOT_STORE and AKBOT_STORE_FILE are both set. Remove one of them."
    )


def test_an_empty_setting_does_not_stand_beside_its_file(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("file:///b")

    loaded = load_settings(
        {"AKBOT_STORE": "", "AKBOT_STORE_FILE": str(tmp_path / "store")}, NOWHERE
    )

    assert loaded.settings.store == "file:///b"


def test_a_secret_that_everybody_can_read_is_a_warning_with_the_remedy(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("planted")
    secret.chmod(0o644)

    [warning] = load_settings({"AWS_SECRET_ACCESS_KEY_FILE": str(secret)}, NOWHERE).warnings

    assert warning.subject == "AWS_SECRET_ACCESS_KEY_FILE"
    assert warning.message == f'everybody on this host can read "{secret}"'
    assert warning.remedy == f"To mend it, run: chmod 600 {secret}"
    assert "planted" not in repr(warning)


def test_a_file_whose_value_is_no_secret_may_be_read(tmp_path: Path) -> None:
    public = tmp_path / "recipients"
    public.write_text(str(age.X25519Identity.generate().recipient()))
    public.chmod(0o644)

    assert not load_settings({"AKBOT_RECIPIENTS_FILE": str(public)}, NOWHERE).warnings


@pytest.mark.parametrize(
    ("text", "mode", "subjects"),
    [
        pytest.param("AWS_SECRET_ACCESS_KEY=planted\n", 0o644, ["akbot.env"], id="everybody"),
        pytest.param("AWS_SESSION_TOKEN=planted\n", 0o640, ["akbot.env"], id="its group"),
        pytest.param("AWS_SECRET_ACCESS_KEY=planted\n", 0o600, [], id="its owner alone"),
        pytest.param("AWS_SECRET_ACCESS_KEY=\nAKBOT_STACK=a\n", 0o644, [], id="no secret in it"),
    ],
)
def test_a_settings_file_with_a_secret_that_others_can_read_is_a_warning(
    tmp_path: Path, text: str, mode: int, subjects: list[str]
) -> None:
    env_file = tmp_path / "akbot.env"
    env_file.write_text(text)
    env_file.chmod(mode)

    warnings = load_settings({}, env_file).warnings

    assert [each.subject for each in warnings] == subjects
    assert all(f"chmod 600 {env_file}" in each.remedy for each in warnings)
    assert "planted" not in repr(warnings)


def test_a_chat_that_nobody_may_use_is_a_warning_that_names_both_settings() -> None:
    chat = {"AKBOT_TELEGRAM_TOKEN": "12345678:" + "a" * 35}

    [warning] = load_settings(chat, NOWHERE).warnings

    assert warning.subject == "AKBOT_TELEGRAM_ADMINS"
    assert "AKBOT_TELEGRAM_TOKEN" in warning.message
    assert not load_settings({**chat, "AKBOT_TELEGRAM_ADMINS": "7"}, NOWHERE).warnings
    [headless] = load_settings({**chat, "AKBOT_TELEGRAM_VIEWERS": "7"}, NOWHERE).warnings
    assert "nobody hears what fails by itself" in headless.message
    assert not load_settings({}, NOWHERE).warnings


@pytest.mark.parametrize(
    ("given", "hours", "plus_work"),
    [
        ({}, 26, True),
        ({"AKBOT_BACKUP_SCHEDULE": "30 3 * * 1"}, 7 * 24 + 1, True),
        ({"AKBOT_SCHEDULE_DELAY": "60"}, 26, True),
        ({"AKBOT_SCHEDULE_DELAY": "720"}, 24 + 12 + 1, True),  # as late as it may begin
        ({"AKBOT_SCHEDULE_DELAY": "720", "AKBOT_BACKUP_ALARM": "30"}, 30, False),
    ],
)
def test_there_is_no_alarm_before_the_next_backup_can_be_there(
    given: dict[str, str], hours: int, *, plus_work: bool
) -> None:
    settings = load_settings({"AKBOT_TIMEZONE": "UTC", **given}, NOWHERE).settings
    limit = settings.longest_without_backup(datetime(2026, 11, 23, tzinfo=UTC))

    assert limit == Limit(timedelta(hours=hours), plus_work=plus_work)


@pytest.mark.parametrize("given", [{"AKBOT_BACKUP_SCHEDULE": "off"}, {"AKBOT_BACKUP_ALARM": "0"}])
def test_where_none_is_planned_or_wanted_there_is_no_alarm(given: dict[str, str]) -> None:
    settings = load_settings(given, NOWHERE).settings

    assert settings.longest_without_backup(datetime(2026, 11, 23, tzinfo=UTC)) is None


def test_people_have_the_highest_of_their_roles_and_groups_may_be_topics() -> None:
    loaded = load_settings(
        {
            "AKBOT_TELEGRAM_ADMINS": "1, 2",
            "AKBOT_TELEGRAM_OPERATORS": "2 3",
            "AKBOT_TELEGRAM_VIEWERS": "3,4,1",
            "AKBOT_TELEGRAM_CHATS": "-1001234567890/7 -5",
            "AKBOT_TELEGRAM_ALERTS": "-6/3",
        },
        NOWHERE,
    )
    access = loaded.settings.chat_access

    assert access.admins == (1, 2)
    assert (access.role_of(3), access.role_of(4)) == (ChatRole.OPERATOR, ChatRole.VIEWER)
    assert access.role_of(5) is None
    assert access.groups == {ChatPlace(-1001234567890, 7), ChatPlace(-5), ChatPlace(-6, 3)}
    assert access.hearers == (ChatPlace(-6, 3),)


@pytest.mark.parametrize(
    ("environment", "message", "hint"),
    [
        pytest.param(
            {"AKBOT_STROE": "x"}, 'no setting "AKBOT_STROE"', 'mean "AKBOT_STORE"', id="typo"
        ),
        pytest.param({"AKBOT_Q": "x"}, 'no setting "AKBOT_Q"', "README", id="nothing near"),
        pytest.param({"akbot_store": "x"}, 'no setting "akbot_store"', "AKBOT_STORE", id="small"),
        pytest.param(
            {"AKBOT_STORE_MAX_PARTS": "many"},
            "AKBOT_STORE_MAX_PARTS: it must be a whole number from 2 to 10000",
            "example",
            id="no number",
        ),
        pytest.param(
            {"AKBOT_STORE_MAX_PARTS": "1"},
            "AKBOT_STORE_MAX_PARTS: it must be a whole number from 2 to 10000",
            "example",
            id="too small",
        ),
        pytest.param(
            {"AKBOT_KIT_REMINDER": "abc"},
            "AKBOT_KIT_REMINDER: it must be a whole number of days from 0 to 36500",
            "example",
            id="no days",
        ),
        pytest.param(
            {"AKBOT_STORE_TIMEOUT": "0"},
            "AKBOT_STORE_TIMEOUT: it must be a number of seconds above 0",
            "example",
            id="no time",
        ),
        pytest.param(
            {"AKBOT_STORE_TIMEOUT": "inf"},
            "AKBOT_STORE_TIMEOUT: it must be a number of seconds above 0",
            "example",
            id="for ever",
        ),
        pytest.param(
            {"AKBOT_STORE_OUTAGE": "-1"},
            "AKBOT_STORE_OUTAGE: it must be a number of seconds, 0 or more",
            "example",
            id="less than nothing",
        ),
        pytest.param(
            {"AKBOT_TELEGRAM_API": "api.telegram.org"},
            "AKBOT_TELEGRAM_API: it must be a URL such as https://api.telegram.org, with no path",
            "example",
            id="no URL",
        ),
        pytest.param(
            {"AKBOT_TELEGRAM_API": "http://[::1"},
            "AKBOT_TELEGRAM_API: it must be a URL such as https://api.telegram.org, with no path",
            "example",
            id="a bracket alone",
        ),
        pytest.param(
            {"AKBOT_HEALTH_LISTEN": "127.0.0.1:٩١"},
            "AKBOT_HEALTH_LISTEN: it must be an address and a port such as 127.0.0.1:9180",
            "example",
            id="digits of another script",
        ),
        pytest.param(
            {"AWS_SECRET_ACCESS_KEY": "two\nlines"},
            "AWS_SECRET_ACCESS_KEY: it must be one word of plain letters, digits and signs",
            "example",
            id="a key of two lines",
        ),
        pytest.param(
            {"AKBOT_BACKUP_SCHEDULE": " "},
            'AKBOT_BACKUP_SCHEDULE: "" is not a cron expression',
            '"off"',
            id="a blank schedule",
        ),
        pytest.param(
            {"AKBOT_UPDATE_CHECK_SCHEDULE": "daily"},
            'AKBOT_UPDATE_CHECK_SCHEDULE: "daily" is not a cron expression',
            '"off"',
            id="a schedule in words",
        ),
        pytest.param(
            {"AKBOT_LOG_FORMAT": "xml"},
            "AKBOT_LOG_FORMAT: it must be auto, json or console",
            "example",
            id="no form of a log",
        ),
        pytest.param(
            {"AKBOT_HEALTH_LISTEN": "9180"},
            "AKBOT_HEALTH_LISTEN: it must be an address and a port such as 127.0.0.1:9180",
            "example",
            id="a port alone",
        ),
        pytest.param(
            {"AKBOT_HEALTH_LISTEN": "127.0.0.1:65536"},
            "AKBOT_HEALTH_LISTEN: it must be an address and a port such as 127.0.0.1:9180",
            "example",
            id="no such port",
        ),
        pytest.param(
            {"DOCKER_HOST": "nonsense"},
            'DOCKER_HOST: "nonsense" is not the address of a Docker Engine',
            "tcp://HOST:PORT",
            id="no address",
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
            {"AKBOT_TELEGRAM_ADMINS": "ada"},
            "AKBOT_TELEGRAM_ADMINS: it must be user ids, which are numbers above 0, separated by",
            "example",
            id="a name",
        ),
        pytest.param(
            {"AKBOT_TELEGRAM_VIEWERS": "-1001234567890"},
            "AKBOT_TELEGRAM_VIEWERS: it must be user ids",
            "example",
            id="a group among people",
        ),
        pytest.param(
            {"AKBOT_TELEGRAM_CHATS": "-5, 42"},
            "AKBOT_TELEGRAM_CHATS: it must be groups, which are numbers below 0",
            "example",
            id="a person among groups",
        ),
        pytest.param(
            {"AKBOT_TELEGRAM_CHATS": "-5/topic"},
            "AKBOT_TELEGRAM_CHATS: it must be groups",
            "example",
            id="a topic's name",
        ),
        pytest.param(
            {"AKBOT_TELEGRAM_ALERTS": "42"},
            "AKBOT_TELEGRAM_ALERTS: it must be groups, which are numbers below 0",
            "example",
            id="a person where groups are told",
        ),
        pytest.param(
            {"AKBOT_STACK": "a/b"},
            "AKBOT_STACK: it must be a name of letters, digits, dots, hyphens and underscores",
            "example",
            id="a path as a name",
        ),
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


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        pytest.param(
            "STORE=file:///a\n",
            'line 1: there is no setting "STORE"',
            'Did you mean "AKBOT_STORE"?',
            id="forgotten prefix",
        ),
        pytest.param(
            "AKBOT_STACK=a\n\n# where\nAKBOT_STROE=\n",
            'line 4: there is no setting "AKBOT_STROE"',
            'Did you mean "AKBOT_STORE"?',
            id="unknown and empty",
        ),
        pytest.param(
            "\n\n  export AKBOT_STORE\n",
            'line 3: there is no "=" in it',
            'Did you mean "AKBOT_STORE=…"?',
            id="no value",
        ),
        pytest.param(
            "12345678:planted\n",
            'line 1: there is no "=" in it',
            "Write NAME=VALUE.",
            id="a value alone",
        ),
        pytest.param(
            "AKBOT_TELEGRAM_TOKEN:planted\n",
            'line 1: there is no "=" in it',
            'Did you mean "AKBOT_TELEGRAM_TOKEN=…"?',
            id="a colon, as in YAML",
        ),
        pytest.param(
            "AKBOT_TELEGRAM_TOKEN:planted=\n",
            "line 1: it is not NAME=VALUE",
            "into quotes",
            id="a colon and more",
        ),
        pytest.param(
            'AKBOT_STACK=a\nAKBOT_STORE="planted\n',
            "line 2: it is not NAME=VALUE",
            "into quotes",
            id="an open quote",
        ),
        pytest.param(
            "\ufeffAKBOT_STROE=x\n", 'no setting "AKBOT_STROE"', "AKBOT_STORE", id="from Windows"
        ),
    ],
)
def test_a_mistake_in_the_file_is_told_by_its_line(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    env_file = tmp_path / "akbot.env"
    env_file.write_text(text)

    with pytest.raises(ConfigError) as caught:
        load_settings({}, env_file)

    assert str(caught.value).startswith(f"{env_file}, line ")
    assert message in str(caught.value)
    assert hint in caught.value.hint
    assert "planted" not in caught.value.in_full()
    assert "\n" not in caught.value.in_full()


def test_a_file_that_windows_wrote_is_read(tmp_path: Path) -> None:
    env_file = tmp_path / "akbot.env"
    env_file.write_bytes(b"\xef\xbb\xbfAKBOT_STACK=a\r\n")

    assert load_settings({}, env_file).settings.stack == "a"


def test_a_file_that_cannot_be_read_is_told_with_the_remedy(tmp_path: Path) -> None:
    folder, binary = tmp_path / "folder", tmp_path / "binary"
    folder.mkdir()
    binary.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match=r'^read ".*folder": Is a directory$') as caught:
        load_settings({}, folder)
    assert "Put a file there" in caught.value.hint
    with pytest.raises(ConfigError, match="it is not text") as caught:
        load_settings({}, binary)
    assert "UTF-8" in caught.value.hint


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user for whom there are locked files; root knows none."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_locked_file_is_told_with_the_remedy(tmp_path: Path) -> None:
    env_file = tmp_path / "akbot.env"
    env_file.touch(0o000)

    for must_exist in (False, True):
        with as_nobody(), pytest.raises(ConfigError) as caught:
            load_settings({}, env_file, must_exist=must_exist)

        assert str(caught.value) == f'read "{env_file}": Permission denied'
        assert "Give it to the user that the bot runs as" in caught.value.hint


def test_keys_in_a_locked_folder_are_told_with_the_remedy(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(0o000)
    keys = HostKeys(state, None, (), ())

    for read in (keys.identities, keys.trusted, keys.facts):
        with as_nobody(), pytest.raises(ConfigError) as caught:
            read()

        assert str(caught.value).startswith(f'AKBOT_STATE: read "{state}/')
        assert str(caught.value).endswith(": Permission denied")
        assert "user that the bot runs as" in caught.value.hint
    with as_nobody():
        assert exposed_keys(state, None) == []


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


def test_every_setting_that_pydantic_judges_says_its_form() -> None:
    """Or a wrong value would end in a traceback."""
    silent = [
        field.alias
        for field in Settings.model_fields.values()
        if (field.metadata or field.annotation not in {str, SecretStr})
        and not (isinstance(field.json_schema_extra, dict) and FORM in field.json_schema_extra)
    ]
    takes_any_text = {
        "AKBOT_RECIPIENTS", "AKBOT_IDENTITY_FILE", "AKBOT_TRUSTED_KEYS", "AKBOT_STATE", "HOME",
    }  # fmt: skip
    assert set(silent) == takes_any_text


@pytest.mark.parametrize(
    "url",
    [
        *("hc-ping.com/x", "ftp://hc-ping.com/x", "https://u:p@host/x"),
        *("http://host:99999/x", "http://host:0/x", "http://host:port/x", "http://[::1/x"),
    ],
)
def test_a_heartbeat_needs_a_url_and_keeps_it_to_itself(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^AKBOT_HEARTBEAT_URL: .* URL$") as refused:
        load_settings({"AKBOT_HEARTBEAT_URL": url}, tmp_path / "akbot.env")

    assert url not in str(refused.value)


def test_the_heartbeats_that_are_set_are_secrets(tmp_path: Path) -> None:
    url = "https://hc-ping.com/5d3f"
    settings = load_settings({"AKBOT_HEARTBEAT_URL": url}, tmp_path / "akbot.env").settings

    assert settings.heartbeats == {JobKind.BACKUP: url}
    assert url in settings.secrets()
