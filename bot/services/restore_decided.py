"""A restore that is decided: what will be done, and what a person is shown of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.components import REDIS
from bot.domain.manifest import Manifest
from bot.domain.restore import Folder, RestorePlan, SessionsDo, Site, TagChange
from bot.domain.restore_plan import NEVER_LOADED, Choice, Preview
from bot.services.restore_compose import PastFiles


def untouched_by(choice: Choice, manifest: Manifest) -> tuple[str, ...]:
    """What is in the backup and stays as it is; a Redis that is emptied does not."""
    changed = {each.name for each in choice.components}
    changed |= {REDIS} if choice.sessions is not SessionsDo.LEAVE else set()
    names = (each.name for each in manifest.components)
    return tuple(name for name in names if name not in changed | NEVER_LOADED)


@dataclass(frozen=True)
class Decided:
    """*past* where the backup's compose files come with it."""

    choice: Choice
    preview: Preview
    past: PastFiles | None

    @property
    def from_nothing(self) -> bool:
        """Whether the database comes and none goes."""
        return bool(self.preview.absent)

    @property
    def texts(self) -> Mapping[str, bytes]:
        """The compose files by then, none where they stay."""
        return self.past.texts if self.past else {}

    @property
    def images(self) -> Mapping[str, str | None]:
        """What must be on this host by then, and its digest where one is known."""
        comes = self.past.past.swap.comes if self.past else None
        own = {self.choice.image: self.choice.image_digest} if self.choice.database else {}
        return own | ({comes.image: None} if comes else {})

    def plan(self, manifest: Manifest, site: Site, job: str, tag: TagChange | None) -> RestorePlan:
        """What is written down before anything is made."""
        choice, swap = self.choice, self.past.past.swap if self.past else None
        emptied = tuple(Folder("", source) for source in swap.emptied) if swap else ()
        return RestorePlan(
            job=job,
            backup=manifest.id,
            site=site,
            database=choice.database,
            folders=(*choice.folders, *emptied),
            sessions=choice.sessions,
            image=choice.image,
            version=manifest.software.authentik if choice.database else site.version,
            tag=tag,
            compose=swap,
            from_nothing=self.from_nothing,
        )
