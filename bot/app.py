"""The composition root: the only place that builds objects."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot import age
from bot.adapters import keyfiles
from bot.adapters.clock import SystemClock
from bot.adapters.directory import DirectoryStore
from bot.adapters.disk import HostDisk
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.adapters.s3 import S3Credentials, S3Store
from bot.domain.catalogue import BackupRecord
from bot.domain.discovery import StackWanted
from bot.domain.errors import ConfigError
from bot.domain.signature import PublicKey, parse_public_key, public_key_of
from bot.domain.store_url import DirectoryLocation, parse_store_url
from bot.services.backup import BackupService
from bot.services.catalogue import list_backups
from bot.services.check import CheckService
from bot.services.keyring import Keyring, fingerprint
from bot.services.ports import BackupStore, KeyFacts, Publish
from bot.services.verify import VerifyService
from bot.settings import Settings

_BACKUPS = "backups"


@dataclass(frozen=True)
class Keys:
    """What the key files and settings say, before anything is made."""

    settings: Settings

    @property
    def _signing_path(self) -> Path:
        return self.settings.state_folder / keyfiles.SIGNING_KEY

    @property
    def _identity_path(self) -> Path:
        return self.settings.identity_file or self.settings.state_folder / keyfiles.IDENTITY

    def identities(self) -> Sequence[age.KeyIdentity]:
        """The private keys on this host; none where they are kept elsewhere."""
        if self.settings.identity_file or self._identity_path.exists():
            return keyfiles.read_identities(self._identity_path, "AKBOT_IDENTITY_FILE")
        return ()

    def trusted(self) -> frozenset[PublicKey]:
        """Whose signatures count on this host."""
        added = {parse_public_key(text) for text in self.settings.trusted_keys}
        if self.settings.identity_file or self._identity_path.exists():
            added.update(keyfiles.read_signers(self._identity_path, "AKBOT_IDENTITY_FILE"))
        return keyfiles.signer_of(keyfiles.read_signing_key(self._signing_path)) | added

    def recipients(self) -> Sequence[age.Recipient]:
        """Whom backups are sealed for; none before the first keys were made."""
        if self.settings.recipients:
            return keyfiles.parse_recipients(self.settings.recipients)
        return [identity.recipient() for identity in self.identities()]

    def keyring(self) -> Keyring:
        """All keys, those made that are missing and that no setting names."""
        signing_key = keyfiles.read_signing_key(self._signing_path)
        if signing_key is None:
            signing_key = keyfiles.make_signing_key(self._signing_path)
        if not self.recipients():
            keyfiles.make_identity(self._identity_path, public_key_of(signing_key))
        recipients = self.recipients()
        _refuse_mixture(recipients)
        return Keyring(recipients, signing_key, self.identities(), self.trusted())

    def facts(self) -> KeyFacts:
        """What `check` shows of them."""
        recipients = self.recipients()
        _refuse_mixture(recipients)
        return KeyFacts(
            recipients=tuple(fingerprint(each) for each in recipients),
            trusted=self.trusted(),
            identity_path=str(self._identity_path),
            has_identity=bool(self.identities()),
            identity_is_only_here=not self.settings.recipients and not self.settings.identity_file,
        )


def _refuse_mixture(recipients: Sequence[age.Recipient]) -> None:
    """A hybrid recipient beside a classical one is a mistake in the settings: say so at once."""
    if not recipients:
        return
    try:
        age.Sealer(recipients)
    except age.RecipientsError as error:
        raise ConfigError(
            f"AKBOT_RECIPIENTS: {error}", hint="Give recipients of one kind only."
        ) from error


class App:
    """The objects that commands work with, built from *settings*."""

    def __init__(self, settings: Settings, publish: Publish) -> None:
        self._settings = settings
        self._publish = publish
        self.keys = Keys(settings)
        wanted = StackWanted(settings.project, settings.service_names(), settings.named_services())
        self.engine = DockerEngine(EngineApi(settings.docker_host), wanted)
        self.store = _build_store(settings)
        self.clock = SystemClock()

    async def stack_name(self) -> str:
        """The stack's folder in the store."""
        return self._settings.stack or (await self.engine.find_stack()).project

    def backup(self) -> BackupService:
        """`akbot backup`."""
        return BackupService(
            self.engine,
            self.store,
            self.keys.keyring(),
            self.clock,
            self._publish,
            self._settings.stack or None,
        )

    def verify(self) -> VerifyService:
        """`akbot verify`."""
        return VerifyService(self.engine, self.store, self.keys.identities(), self._publish)

    def check(self) -> CheckService:
        """`akbot check`."""
        return CheckService(
            self.engine,
            self.store,
            HostDisk(),
            self.clock,
            self.keys.facts,
            str(self._settings.state_folder),
            self._settings.stack or None,
        )

    async def backups(self) -> list[BackupRecord]:
        """`akbot backups`."""
        return await list_backups(self.store, await self.stack_name(), self.keys.trusted())

    async def close(self) -> None:
        """Give back connections and threads."""
        await self.store.close()
        await self.engine.close()


@asynccontextmanager
async def open_app(settings: Settings, publish: Publish) -> AsyncGenerator[App]:
    """The application for one command."""
    app = App(settings, publish)
    try:
        yield app
    finally:
        await app.close()


def _build_store(settings: Settings) -> BackupStore:
    if not settings.store:
        return DirectoryStore(settings.state_folder / _BACKUPS)
    location = parse_store_url(settings.store)
    if isinstance(location, DirectoryLocation):
        return DirectoryStore(location.path)
    return S3Store(location, _credentials(settings), max_parts=settings.store_max_parts)


def _credentials(settings: Settings) -> S3Credentials | None:
    """The key pair of the settings; without one boto3 looks in its usual places."""
    if not settings.aws_access_key_id:
        return None
    token = settings.aws_session_token
    return S3Credentials(
        settings.aws_access_key_id,
        settings.aws_secret_access_key,
        token if token.get_secret_value() else None,
    )
