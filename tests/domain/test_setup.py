"""Which step of a set-up comes next, and how akbot.env is changed."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from dotenv.parser import parse_stream

from bot.domain.errors import ConfigError
from bot.domain.setup import (
    BotState,
    SetUp,
    Step,
    choose_network,
    recommended,
    remaining,
    with_values,
)
from tests.fakes_stack import NOW

LATER = NOW + timedelta(seconds=1)
ALL = SetUp(
    settings_written=True,
    place_written=True,
    has_keys=True,
    kit_confirmed=True,
    has_backup=True,
    has_drill=True,
    can_drill=True,
    settings_changed=NOW,
    bot=BotState(LATER, well=True),
)


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        ({}, ()),
        ({"settings_written": False, "has_keys": False}, (Step.SETTINGS, Step.KEYS)),
        ({"place_written": False}, (Step.PLACE,)),
        ({"kit_confirmed": False}, (Step.KIT,)),
        ({"has_backup": False, "has_drill": False}, (Step.BACKUP, Step.DRILL)),
        ({"has_drill": False, "can_drill": False}, ()),
        ({"settings_changed": None}, ()),
        ({"settings_changed": LATER}, (Step.BOT,)),
        ({"bot": BotState(LATER, well=False)}, (Step.BOT,)),
        ({"bot": BotState()}, (Step.BOT,)),
    ],
)
def test_what_is_missing_is_still_to_be_done(
    change: dict[str, object], steps: tuple[Step, ...]
) -> None:
    assert remaining(replace(ALL, **change)) == steps  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("database", "server", "network"),
    [
        (["a_default"], ["a_default", "edge"], "a_default"),
        (["b", "a"], ["c"], "a"),
        ([], ["c"], ""),
    ],
)
def test_the_network_is_that_of_the_database(
    database: list[str], server: list[str], network: str
) -> None:
    assert choose_network(database, server) == network


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "s3://bucket/x?endpoint=https://s3.example.org&region=eu",
        "a b",
        "it's",
        "$HOME `x`",
        "a#b # c",
        '"quoted"',
        "back\\slash",
        "ends with \\",
        "\\'",
        " blanks ",
        "ümläut",
        "30 3 * * *",
    ],
)
def test_what_is_written_is_read_as_the_same(value: str) -> None:
    text = with_values(b"# mine\nOTHER=1\nNAME=old", {"NAME": value}).decode()

    said = {each.key: each.value for each in parse_stream(StringIO(text)) if each.key}
    assert said == {"OTHER": "1", "NAME": value}
    assert text.startswith("# mine\nOTHER=1\n")


def test_every_line_of_a_name_goes_and_all_others_stay_as_they_are() -> None:
    text = b"#NAME=x\r\nNAME='a'\nexport NAME=b # why\nNAMES=c\n"

    assert with_values(text, {"NAME": "d"}) == b"#NAME=x\r\nNAMES=c\nNAME=d\n"
    assert with_values(text, {}) == text
    assert with_values(b"", {"NAME": "d"}) == b"NAME=d\n"
    assert with_values(b"A=1", {"NAME": "d"}) == b"A=1\nNAME=d\n"


def test_more_than_a_line_is_refused() -> None:
    with pytest.raises(ConfigError, match="AKBOT_STORE: there is more than one line") as caught:
        with_values(b"", {"AKBOT_STORE": "a\nb"})

    assert "in one line" in caught.value.hint


def test_a_test_login_is_recommended_until_there_is_one() -> None:
    assert "set AKBOT_GATE_LOGIN_USER and" in recommended({})
    assert recommended({"AKBOT_GATE_LOGIN_USER": "probe"}) == ""
