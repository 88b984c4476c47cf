"""The host's keys as files: the identity, and the key that signs manifests.

Both are made on first use where the settings name none, mode 0600 from the first byte. The identity
file then carries the signing public key as a comment, so that whoever holds the one file can open
*and* trust this host's backups.
"""

import os
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot import age
from bot.domain.errors import ConfigError
from bot.domain.findings import FileStatus, Finding, judge_secret_file
from bot.domain.printable import file_name
from bot.domain.signature import (
    PublicKey,
    parse_public_key,
    public_key_of,
    signer_comment,
)

IDENTITY = "identity.txt"
SIGNING_KEY = "signing.key"
_SIGNED_BY = re.compile(r"^# akbot signing key: (ed25519:\S+)$", re.MULTILINE)
_OLD_FILE_LIMIT = 1024 * 1024


def read_identities(path: Path, setting: str) -> list[age.KeyIdentity]:
    """The private keys in an identity file. Raises ConfigError naming *setting*."""
    try:
        return age.parse_identity_file(_read(path, setting))
    except age.AgeError as error:
        raise ConfigError(
            f'{setting}: "{path}" is not an identity file: {error}',
            hint='Give the file that "akbot keygen" wrote.',
        ) from error


def read_signers(path: Path, setting: str) -> list[PublicKey]:
    """The signing public keys that an identity file names in its comments."""
    source = f'{setting}: "{path}"'
    return [parse_public_key(text, source) for text in _SIGNED_BY.findall(_read(path, setting))]


def make_identity(path: Path, signer: PublicKey) -> bool:
    """Write a new identity file, unless one appeared meanwhile; whether it was written."""
    identity = age.X25519Identity.generate()
    text = age.format_identity_file(identity, created=datetime.now(UTC))
    return create_private(path, f"{signer_comment(signer)}\n{text}".encode())


def read_signing_key(path: Path) -> Ed25519PrivateKey | None:
    """The signing key of this host, None where none was made yet."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f'AKBOT_STATE: read "{path}": {error.strerror}',
            hint="Give that folder to the user that the bot runs as.",
        ) from error
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f'AKBOT_STATE: "{path}" is not a signing key',
            hint="Restore it; backups signed by a new one must be trusted by AKBOT_TRUSTED_KEYS.",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f'AKBOT_STATE: "{path}" holds a key of another kind')
    return key


def make_signing_key(path: Path) -> Ed25519PrivateKey:
    """Write a new signing key, or read the one that appeared meanwhile."""
    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    create_private(path, text)
    key = read_signing_key(path)
    if key is None:
        raise ConfigError(f'AKBOT_STATE: "{path}" vanished while it was written')
    return key


def create_private(path: Path, content: bytes) -> bool:
    """Write a file that only its owner can read, whole or not at all.

    False where one is there already, which stays. Raises ConfigError where it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
    except OSError as error:
        raise ConfigError(
            f'AKBOT_STATE: write "{path}": {error.strerror}',
            hint="Give the bot a folder that it may write to.",
        ) from error
    return True


def exposed_keys(state_folder: Path, named_identity: Path | None) -> list[Finding]:
    """A warning for each private key that others than its owner can read; blocks for a moment.

    A file that cannot be read, or is no key, is left to whoever works with it, to say so.
    """
    places = [("AKBOT_STATE", state_folder / name) for name in (IDENTITY, SIGNING_KEY)]
    if named_identity and _is_identity(named_identity):
        places.append(("AKBOT_IDENTITY_FILE", named_identity))
    found = [_judged(setting, path) for setting, path in places]
    return [each for each in found if each]


def _is_identity(path: Path) -> bool:
    """Nobody is to be told to lock away a file of the system that was named by mistake."""
    try:
        return bool(read_identities(path, ""))
    except ConfigError:
        return False


def _judged(setting: str, path: Path) -> Finding | None:
    try:
        status = path.stat()
    except OSError:
        return None
    mode = FileStatus(status.st_mode, status.st_uid, os.geteuid())
    return judge_secret_file(setting, str(path), mode)


def _read(path: Path, setting: str) -> str:
    try:
        with path.open() as file:
            return file.read(_OLD_FILE_LIMIT)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(
            f"{setting}: read {file_name(str(path))}: {reason}",
            hint="Create the file, correct its path, or give it to the user that the bot runs as.",
        ) from error


def parse_recipients(texts: Sequence[str]) -> list[age.Recipient]:
    """The public keys of AKBOT_RECIPIENTS."""
    recipients: list[age.Recipient] = []
    for text in texts:
        try:
            recipients.append(age.parse_recipient(text))
        except age.AgeError as error:
            raise ConfigError(
                f"AKBOT_RECIPIENTS: {_shown(text)} is not a recipient: {error}",
                hint='Give public keys such as "akbot keygen" prints; they begin with age1.',
            ) from error
    return recipients


def refuse_mixture(recipients: Sequence[age.Recipient]) -> None:
    """A hybrid recipient beside a classical one is a mistake in the settings: say so at once."""
    if not recipients:
        return
    try:
        age.Sealer(recipients)
    except age.RecipientsError as error:
        raise ConfigError(
            f"AKBOT_RECIPIENTS: {error}", hint="Give recipients of one kind only."
        ) from error


def _shown(text: str) -> str:
    """Enough of it to be found; nothing of what may be a private key."""
    return f'"{text[:16]}…"' if text.startswith("age1") else "a value"


def signer_of(key: Ed25519PrivateKey | None) -> frozenset[PublicKey]:
    """The public half, as a set: empty where there is no key yet."""
    return frozenset({public_key_of(key)}) if key else frozenset()
