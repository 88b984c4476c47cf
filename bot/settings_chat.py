"""The settings of the chat: its token, who may do what in it, and where."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from bot.domain.errors import ConfigError
from bot.domain.roles import Access, read_place
from bot.setting_form import FORM
from bot.settings_keys import Names, split_names

UserId = Annotated[int, Field(gt=0, lt=2**52)]  # Bot API, User: at most 52 significant bits
People = Annotated[frozenset[UserId], NoDecode]

_NUMBERS = "user ids, which are numbers above 0, separated by commas or spaces"
_GROUPS = (
    "groups, which are numbers below 0 such as -1001234567890, each with /TOPIC where only that"
    " topic is meant, separated by commas or spaces"
)
_TOKEN = re.compile(r"[0-9]{5,20}:[A-Za-z0-9_-]{30,64}")


class ChatSettings(BaseSettings):
    """Who talks to the bot."""

    telegram_token: SecretStr = Field(
        SecretStr(""),
        alias="AKBOT_TELEGRAM_TOKEN",
        description="The Telegram bot's token, from @BotFather. Without one there is no chat.",
    )
    telegram_admins: People = Field(
        frozenset(),
        alias="AKBOT_TELEGRAM_ADMINS",
        json_schema_extra={FORM: _NUMBERS},
        description="The user ids, numbers, of those who may do everything in the chat and hear"
        " what fails by itself, separated by commas or spaces. Who is on none of the three lists"
        " gets no answer; who is on several has the highest role.",
    )
    telegram_operators: People = Field(
        frozenset(),
        alias="AKBOT_TELEGRAM_OPERATORS",
        json_schema_extra={FORM: _NUMBERS},
        description="Likewise, of those who may look, back up, verify, drill, and cancel what does"
        " not take Authentik away.",
    )
    telegram_viewers: People = Field(
        frozenset(),
        alias="AKBOT_TELEGRAM_VIEWERS",
        json_schema_extra={FORM: _NUMBERS},
        description="Likewise, of those who may only look.",
    )
    telegram_chats: Names = Field(
        (),
        alias="AKBOT_TELEGRAM_CHATS",
        json_schema_extra={FORM: _GROUPS},
        description="The groups in which people on the lists are listened to, as numbers such as"
        " `-1001234567890`; `-1001234567890/7` is topic 7 alone. In other groups nobody gets an"
        " answer; in private everybody on a list does. Default: every group.",
    )
    telegram_alerts: Names = Field(
        (),
        alias="AKBOT_TELEGRAM_ALERTS",
        json_schema_extra={FORM: _GROUPS},
        description="The groups, or topics of them, written likewise, in which alarms, incidents,"
        " new versions and what fails by itself are told, and in which people on the lists are"
        " listened to as well. Default: each admin is told in private.",
    )
    telegram_api: str = Field(
        "https://api.telegram.org",
        alias="AKBOT_TELEGRAM_API",
        json_schema_extra={FORM: "a URL such as https://api.telegram.org, with no path"},
        pattern=r"^https?://[^\s/?#]+$",
        description="Where the Bot API is, for a server of one's own.",
    )

    @field_validator(
        "telegram_admins",
        "telegram_operators",
        "telegram_viewers",
        "telegram_chats",
        "telegram_alerts",
        mode="before",
    )
    @classmethod
    def _split_lists(cls, value: object) -> object:
        return split_names(value)

    @field_validator("telegram_chats", "telegram_alerts")
    @classmethod
    def _are_groups(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            read_place(text)
        return value

    @field_validator("telegram_api")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not urlsplit(value).hostname:  # and raises ValueError where brackets do not match
            raise ValueError("there is no host in it")
        return value

    @field_validator("telegram_token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not _TOKEN.fullmatch(value.get_secret_value()):
            raise ConfigError(
                "AKBOT_TELEGRAM_TOKEN: this is not the form of a bot's token",
                hint="Copy it whole from @BotFather: digits, a colon, 35 letters and digits.",
            )
        return value

    @property
    def chat_access(self) -> Access:
        """Who may do what, and in which groups."""
        return Access.of(
            self.telegram_admins,
            self.telegram_operators,
            self.telegram_viewers,
            map(read_place, self.telegram_chats),
            map(read_place, self.telegram_alerts),
        )
