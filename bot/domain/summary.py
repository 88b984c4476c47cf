"""What lists and plans need to know of a manifest, in a hundredth of its size."""

import hashlib
from dataclasses import dataclass

from pydantic import AwareDatetime

from bot.domain.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """*components* are their names, *digest* is the SHA-256 of the manifest's own bytes."""

    id: str
    stack: str
    created: AwareDatetime
    trigger: str
    actor: str
    authentik: str | None
    components: tuple[str, ...]
    recipients: tuple[str, ...]
    digest: str
    label: str = ""
    warnings: tuple[str, ...] = ()
    rekeyed_from: str = ""


def summarise(manifest: Manifest, document: bytes) -> Summary:
    """Of the *manifest* that *document* holds."""
    return Summary(
        id=manifest.id,
        stack=manifest.stack,
        created=manifest.created,
        trigger=manifest.trigger,
        actor=manifest.actor,
        authentik=manifest.software.authentik,
        components=tuple(each.name for each in manifest.components),
        recipients=manifest.recipients,
        digest=digest_of(document),
        label=manifest.label,
        warnings=manifest.warnings,
        rekeyed_from=manifest.rekeyed_from,
    )


def digest_of(document: bytes) -> str:
    """What tells one manifest from any other."""
    return hashlib.sha256(document).hexdigest()
