"""The few questions of a set-up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pytest

from bot.domain.errors import ConfigError
from bot.services.setup_interview import Interview
from bot.services.setup_ports import Writer
from tests.fakes_setup import FakeChatTrial, FakeQuestions

ANNA, BORIS = Writer(42, "Anna", 42), Writer(43, "Boris", -100)
S3 = ["s3://bucket", "name", "secret"]
OF_S3 = {
    "AKBOT_STORE": "s3://bucket",
    "AWS_ACCESS_KEY_ID": "name",
    "AWS_SECRET_ACCESS_KEY": "secret",
}
CHAT = {"AKBOT_TELEGRAM_TOKEN": "good", "AKBOT_TELEGRAM_ADMINS": "42"}


@dataclass
class Asked:
    """Somebody who types *lines*, and who has *written* to the bot."""

    lines: list[str]
    written: list[Writer] = field(default_factory=lambda: [ANNA])
    tried: list[Mapping[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.questions = FakeQuestions([*self.lines])

    async def run(
        self,
        known: Mapping[str, str] = MappingProxyType({}),
        *,
        is_first: bool = True,
        has_keys: bool = False,
    ) -> object:
        interview = Interview(self.questions, self._check, self._try_store, self._chat)
        return await interview.run(known, is_first=is_first, has_keys=has_keys)

    def _check(self, values: Mapping[str, str]) -> None:
        if values.get("AKBOT_STORE", "s3:").partition(":")[0] not in {"s3", "file"}:
            raise ConfigError("AKBOT_STORE: it is no URL")
        if not values.get("AKBOT_RECIPIENTS", "age1").startswith("age1"):
            raise ConfigError("AKBOT_RECIPIENTS: it is no recipient")

    async def _try_store(self, values: Mapping[str, str]) -> None:
        self.tried.append(values)
        if values["AKBOT_STORE"] == "s3://wrong":
            raise ConfigError("AKBOT_STORE: there is no such bucket")

    def _chat(self, values: Mapping[str, str]) -> FakeChatTrial:
        return FakeChatTrial(values["AKBOT_TELEGRAM_TOKEN"], self.written)


@pytest.mark.parametrize(
    ("lines", "answers"),
    [
        (["", "", ""], {}),
        ([*S3, "", ""], OF_S3),
        (["s3://bucket?profile=x", "", ""], {"AKBOT_STORE": "s3://bucket?profile=x"}),
        (
            ["file:///mnt/x", "age1x", ""],
            {"AKBOT_STORE": "file:///mnt/x"} | {"AKBOT_RECIPIENTS": "age1x"},
        ),
        (["", "", "good", ""], CHAT),
        (["", "", "good", "42,43"], {**CHAT, "AKBOT_TELEGRAM_ADMINS": "42,43"}),
    ],
)
async def test_enter_leaves_the_default(lines: list[str], answers: dict[str, str]) -> None:
    asked = Asked(lines)

    assert await asked.run() == answers
    assert not asked.questions.lines


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["ftp://x", "", "", ""], "it is no URL"),
        (["s3://wrong", "a", "b", *S3, "", ""], "no such bucket"),
        (["", "ssh-rsa", "", ""], "no recipient"),
        (["", "", "bad", ""], "Telegram refuses the token"),
    ],
)
async def test_what_does_not_work_is_told_and_asked_again(lines: list[str], words: str) -> None:
    asked = Asked(lines)

    await asked.run()

    assert any(words in line for line in asked.questions.told)
    assert not asked.questions.lines


async def test_what_is_known_is_not_asked() -> None:
    assert await Asked([]).run({"AKBOT_RECIPIENTS": "age1x", **OF_S3, **CHAT}) == {}
    assert await Asked(["", ""]).run(has_keys=True) == {}
    assert await Asked([]).run(is_first=False) == {}


async def test_who_has_written_is_shown_with_id_and_chat() -> None:
    asked = Asked(["43"], [ANNA, BORIS])

    answers = await asked.run({"AKBOT_TELEGRAM_TOKEN": "good"}, is_first=False)

    assert answers == {"AKBOT_TELEGRAM_ADMINS": "43"}
    assert "Boris (user id 43, in the chat -100)" in asked.questions.told
    assert not any("Enter for" in line for line in asked.questions.told), "which of them?"


async def test_nobody_who_writes_is_waited_for_again() -> None:
    class Late(Asked):
        def _chat(self, values: Mapping[str, str]) -> FakeChatTrial:
            chat = FakeChatTrial(values["AKBOT_TELEGRAM_TOKEN"], [*self.written])
            self.written = [ANNA]
            return chat

    asked = Late(["", "42"], [])

    with pytest.raises(IndexError):  # it asks once more than there are lines
        await Late([], []).run({"AKBOT_TELEGRAM_TOKEN": "good"}, is_first=False)
    assert await asked.run({"AKBOT_TELEGRAM_TOKEN": "good"}, is_first=False)
    assert any("nobody has written" in line for line in asked.questions.told)
