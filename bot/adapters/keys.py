"""The keys of this host: what the settings name, and what was made where they name none."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot import age
from bot.adapters import keyfiles
from bot.domain.signature import TRUSTED_SETTING, PublicKey, parse_public_key, public_key_of
from bot.services.keyring import Keyring, fingerprint
from bot.services.ports import KeyFacts

_KEEP_IT = (
    'keep it away from this host as well, with "akbot kit --with-key", or nobody can open them'
    " once the host is lost"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HostKeys:
    """*named_recipients*, *named_identity* and *named_trusted* as the settings have them.

    Every call reads the files anew, and may block for a moment. *tell* has a line for a person
    once an identity was made.
    """

    state_folder: Path
    named_identity: Path | None
    named_recipients: Sequence[str]
    named_trusted: Sequence[str]
    tell: Callable[[str], object] = logger.warning

    @property
    def _signing_path(self) -> Path:
        return self.state_folder / keyfiles.SIGNING_KEY

    @property
    def _identity_path(self) -> Path:
        return self.named_identity or self.state_folder / keyfiles.IDENTITY

    @property
    def _identity_setting(self) -> str:
        return "AKBOT_IDENTITY_FILE" if self.named_identity else "AKBOT_STATE"

    @property
    def _has_identity_file(self) -> bool:
        """Whether one is to be read; one that a setting names must be there."""
        if self.named_identity:
            return True
        try:
            self._identity_path.stat()
        except OSError as error:
            return not isinstance(error, FileNotFoundError)  # reading it says what else it is
        return True

    def identities(self) -> Sequence[age.KeyIdentity]:
        """The private keys on this host; none where they are kept elsewhere."""
        if not self._has_identity_file:
            return ()
        return keyfiles.read_identities(self._identity_path, self._identity_setting)

    def trusted(self) -> frozenset[PublicKey]:
        """Whose signatures count on this host."""
        added = {parse_public_key(text, TRUSTED_SETTING) for text in self.named_trusted}
        if self._has_identity_file:
            added.update(keyfiles.read_signers(self._identity_path, self._identity_setting))
        return keyfiles.signer_of(keyfiles.read_signing_key(self._signing_path)) | added

    def recipients(self) -> Sequence[age.Recipient]:
        """Whom backups are sealed for; none before the first keys were made."""
        if self.named_recipients:
            return keyfiles.parse_recipients(self.named_recipients)
        return [identity.recipient() for identity in self.identities()]

    def signing_key(self) -> Ed25519PrivateKey:
        """What this host signs with, made if it is missing."""
        path = self._signing_path
        return keyfiles.read_signing_key(path) or keyfiles.make_signing_key(path)

    def signer(self) -> Keyring:
        """What is needed to sign and to trust; no identity is made for that."""
        return Keyring((), self.signing_key(), (), self.trusted())

    def keyring(self) -> Keyring:
        """All keys, those made that are missing and that no setting names."""
        signing_key = self.signing_key()
        path = self._identity_path
        if not self.recipients() and keyfiles.make_identity(path, public_key_of(signing_key)):
            self.tell(f'made the private key "{path}", which alone opens the backups: {_KEEP_IT}')
        recipients = self.recipients()
        keyfiles.refuse_mixture(recipients)
        return Keyring(recipients, signing_key, self.identities(), self.trusted())

    def facts(self) -> KeyFacts:
        """What `check` shows of them."""
        recipients = self.recipients()
        keyfiles.refuse_mixture(recipients)
        return KeyFacts(
            recipients=tuple(fingerprint(each) for each in recipients),
            trusted=self.trusted(),
            identity_path=str(self._identity_path),
            has_identity=bool(self.identities()),
            identity_is_only_here=not self.named_recipients and not self.named_identity,
        )
