"""The recovery kit: gather what stands on it, and learn whether somebody still holds it."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bot import age
from bot.domain.errors import ConfigError, RefusedError
from bot.domain.kit import (
    CODE_ALPHABET,
    CODE_LENGTH,
    Kit,
    PrivateKey,
    SealedFor,
    check_code,
    parse_code,
    show_code,
)
from bot.domain.kit_record import (
    SALT_ALPHABET,
    SALT_LENGTH,
    Confirmation,
    Verifier,
    make_verifier,
)
from bot.domain.store_list import NamedStore
from bot.services.keyring import Keyring, fingerprint
from bot.services.ports import Clock, KeyFacts, KitLog


class KitKeys(Protocol):
    """The keys of this host; every call may block for a moment."""

    def keyring(self) -> Keyring:
        """All of them, those made that are missing."""

    def facts(self) -> KeyFacts:
        """What is there, nothing made."""

    def identities(self) -> Sequence[age.KeyIdentity]:
        """The private keys; none where they are kept elsewhere."""


@dataclass(frozen=True, kw_only=True)
class KitPlace:
    """What the settings say of stores and stack, and the version of this program."""

    stores: tuple[NamedStore, ...]
    database_service: str
    version: str


@dataclass(frozen=True)
class KitService:
    """`akbot kit`; *read_identities* reads an identity file that no setting names."""

    keys: KitKeys
    read_identities: Callable[[Path], Sequence[age.KeyIdentity]]
    log: KitLog
    clock: Clock
    place: KitPlace
    stack: Callable[[], Awaitable[str]]

    async def make(self, *, with_key: bool, identity_file: Path | None = None) -> Kit:
        """Gather the kit; with the key its code is remembered first, as a salted hash.

        Raises:
            ConfigError: there is no private key to print.
            RefusedError: there is one, and it opens no backup that is made now.
        """
        if identity_file:  # one that cannot be read is told before any key is made
            await asyncio.to_thread(self.read_identities, identity_file)
        keyring = await asyncio.to_thread(self.keys.keyring)
        facts = await asyncio.to_thread(self.keys.facts)
        kit = Kit(
            stack=await self.stack(),
            stores=self.place.stores,
            recipients=tuple(
                SealedFor(str(each), fingerprint(each)) for each in keyring.recipients
            ),
            signers=(keyring.public_key, *sorted(keyring.trusted - {keyring.public_key})),
            identity_path=facts.identity_path if facts.has_identity else "",
            database_service=self.place.database_service,
            printed=self.clock.now(),
            version=self.place.version,
        )
        if not with_key:
            return kit
        keys = await asyncio.to_thread(self._private_keys, facts.recipients, identity_file)
        await self._remember({key.code: (key.fingerprint,) for key in keys if key.code})
        return replace(kit, keys=keys)

    async def confirm(self, typed: str) -> Confirmation:
        """Take a check code, or the answer to a challenge, and write down that it was right.

        Raises:
            RefusedError: it is not right, or nothing here can tell.
        """
        facts = await asyncio.to_thread(self.keys.facts)
        held = await asyncio.to_thread(self.keys.identities)
        known = [key for key in _described(held, facts.recipients) if key.code]
        record = await self.log.read()
        verifiers = [each for each in record.verifiers if set(each.keys) <= set(facts.recipients)]
        if not known and not verifiers:
            raise RefusedError(
                "confirm the kit: this host has neither a private key nor anything to compare with",
                hint='Run "akbot kit --challenge", and open what it prints with the private key.',
            )
        code = parse_code(typed)
        keys = await asyncio.to_thread(_keys_of, code, known, verifiers) if code else ()
        if not keys:
            raise RefusedError(
                "confirm the kit: this is not the check code of a key that opens today's backups",
                hint='Look below the private key on the sheet: "Check code", two groups of five.',
            )
        return await self._confirmed(keys)

    async def answer(self, typed: str) -> Confirmation:
        """Take the answer to the last challenge, and no check code: the key has opened something.

        Raises:
            RefusedError: it is not right, or there is no challenge to answer.
        """
        facts = await asyncio.to_thread(self.keys.facts)
        record = await self.log.read()
        asked = [
            each
            for each in record.verifiers
            if each.once and set(each.keys) <= set(facts.recipients)
        ]
        code = parse_code(typed)
        keys = await asyncio.to_thread(_keys_of, code, (), asked) if code else ()
        if not keys:
            raise RefusedError(
                "this is not what stands in the newest test message",
                hint="Open the newest one with the private key; it has two groups of five signs.",
            )
        return await self._confirmed(keys)

    async def _confirmed(self, keys: tuple[str, ...]) -> Confirmation:
        confirmation = Confirmation(self.clock.now(), keys)
        await self.log.update(lambda found: found.confirming(confirmation))
        return confirmation

    async def challenge(self) -> bytes:
        """A small age file, armored: only the private key opens it, and the code for `confirm`.

        It replaces the one before, and is good for one answer.
        """
        keyring = await asyncio.to_thread(self.keys.keyring)
        code = self.clock.random_text(CODE_ALPHABET, CODE_LENGTH)
        await self._remember({code: keyring.fingerprints}, once=True)
        words = f'{show_code(code)}\nGive this code to "akbot kit --confirm".\n'
        return b"".join(age.encrypt([words.encode()], keyring.recipients, armor=True))

    def _private_keys(
        self, current: Sequence[str], identity_file: Path | None
    ) -> tuple[PrivateKey, ...]:
        found = self.read_identities(identity_file) if identity_file else self.keys.identities()
        if not found:
            raise ConfigError(
                "kit --with-key: there is no private key on this host",
                hint="Name its file with --identity; it is read and not kept.",
            )
        keys = _described(found, current)
        if not any(key.code for key in keys):
            raise RefusedError(
                "kit --with-key: this private key opens no backup that is made now",
                hint=f"Give the key of {' or '.join(current)}.",
            )
        return tuple(sorted(keys, key=lambda key: not key.code))

    async def _remember(self, codes: dict[str, tuple[str, ...]], *, once: bool = False) -> None:
        """Keep what knows each code again, for a day when this host has no private key."""

        def make() -> list[Verifier]:
            return [
                make_verifier(
                    code, keys, self.clock.random_text(SALT_ALPHABET, SALT_LENGTH), once=once
                )
                for code, keys in codes.items()
            ]

        added = await asyncio.to_thread(make)
        await self.log.update(lambda record: record.adding(added))


def _described(identities: Sequence[age.KeyIdentity], current: Sequence[str]) -> list[PrivateKey]:
    """Only a key that backups are sealed for has a check code."""
    described = []
    for identity in identities:
        recipient = identity.recipient()
        name, text = fingerprint(recipient), identity.secret_text()
        code = check_code(text, str(recipient)) if name in current else ""
        described.append(PrivateKey(text, name, code))
    return described


def _keys_of(
    code: str, known: Sequence[PrivateKey], verifiers: Sequence[Verifier]
) -> tuple[str, ...]:
    """Of which keys this is the code; none where it is wrong."""
    for key in known:
        if hmac.compare_digest(key.code, code):
            return (key.fingerprint,)
    return next((each.keys for each in verifiers if each.accepts(code)), ())
