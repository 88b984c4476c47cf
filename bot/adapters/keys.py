"""The keys of this host: what the settings name, and what was made where they name none."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot import age
from bot.adapters import keyfiles
from bot.domain.signature import TRUSTED_SETTING, PublicKey, parse_public_key, public_key_of
from bot.services.keyring import Keyring, fingerprint
from bot.services.ports import KeyFacts


@dataclass(frozen=True)
class HostKeys:
    """*named_recipients*, *named_identity* and *named_trusted* as the settings have them.

    Every call reads the files anew, and may block for a moment.
    """

    state_folder: Path
    named_identity: Path | None
    named_recipients: Sequence[str]
    named_trusted: Sequence[str]

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

    def keyring(self) -> Keyring:
        """All keys, those made that are missing and that no setting names."""
        signing_key = keyfiles.read_signing_key(self._signing_path)
        if signing_key is None:
            signing_key = keyfiles.make_signing_key(self._signing_path)
        if not self.recipients():
            keyfiles.make_identity(self._identity_path, public_key_of(signing_key))
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
