"""The keys that a host works with."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot import age
from bot.domain.signature import PublicKey, public_key_of

_FINGERPRINT_LENGTH = 16


@dataclass(frozen=True)
class Keyring:
    """*recipients* seal and are always here; *identities* open and may be kept elsewhere."""

    recipients: Sequence[age.Recipient]
    signing_key: Ed25519PrivateKey = field(repr=False)
    identities: Sequence[age.Identity] = field(default=(), repr=False)
    other_trusted: frozenset[PublicKey] = frozenset()

    @property
    def public_key(self) -> PublicKey:
        """The key that this host signs with."""
        return public_key_of(self.signing_key)

    @property
    def trusted(self) -> frozenset[PublicKey]:
        """Whose signatures count here: this host's own, and those that were added."""
        return self.other_trusted | {self.public_key}

    @property
    def own_identities(self) -> Sequence[age.Identity]:
        """Those that open what is sealed now; one of an earlier key opens earlier backups only."""
        sealed_for = {str(recipient) for recipient in self.recipients}
        return [
            identity
            for identity in self.identities
            if isinstance(identity, age.X25519Identity | age.HybridIdentity)
            and str(identity.recipient()) in sealed_for
        ]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Short names of the recipients, for people and manifests."""
        return tuple(fingerprint(recipient) for recipient in self.recipients)


def fingerprint(recipient: age.Recipient) -> str:
    """The first hexadecimal digits of the SHA-256 of the recipient's text."""
    digest = hashlib.sha256(str(recipient).encode()).hexdigest()
    return f"SHA256:{digest[:_FINGERPRINT_LENGTH]}"
