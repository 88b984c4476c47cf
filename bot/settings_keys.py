"""The settings that say whose keys count; that they are keys is known before anything begins."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from bot.adapters.keyfiles import parse_recipients, refuse_mixture
from bot.domain.signature import TRUSTED_SETTING, parse_public_key

Names = Annotated[tuple[str, ...], NoDecode]


class KeySettings(BaseSettings):
    """For whom backups are sealed, who opens them, and who may have signed them."""

    recipients: Names = Field(
        (),
        alias="AKBOT_RECIPIENTS",
        description="Public keys that backups are sealed for, `age1…`, separated by commas or"
        " spaces. Default: that of the identity file.",
    )
    identity_file: Path | None = Field(
        None,
        alias="AKBOT_IDENTITY_FILE",
        description="The private key, as `akbot keygen` writes it. Default, where no recipients"
        " are set: `identity.txt` in the state folder, made on first use.",
    )
    trusted_keys: Names = Field(
        (),
        alias="AKBOT_TRUSTED_KEYS",
        description="Signing public keys of other hosts whose backups count here, `ed25519:…`,"
        " separated by commas or spaces. Default: this host's own alone.",
    )

    @field_validator("recipients", "trusted_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_names(value)

    @field_validator("recipients")
    @classmethod
    def _are_recipients(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        refuse_mixture(parse_recipients(value))
        return value

    @field_validator("trusted_keys")
    @classmethod
    def _are_signers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            parse_public_key(text, TRUSTED_SETTING)
        return value


def split_names(value: object) -> object:
    """The words of a list, which stand apart by commas or blanks."""
    return tuple(re.split(r"[,\s]+", value.strip(", \n\t"))) if isinstance(value, str) else value
