"""What a restore asks of the stack while its server is away; fakes are in tests/fakes_restore.py.

Whatever changes something can be done again after it was cut off anywhere, and then has the same
effect as if it had been done once.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from bot.domain.compose_edit import FileChange
from bot.domain.contents import Contents
from bot.domain.gate import Observation
from bot.domain.image_layers import Pulled, to_nobody
from bot.domain.manifest import DatabaseFacts, VersionRow
from bot.domain.restore import Folder, Site, TagChange
from bot.domain.restore_recovery import FolderState
from bot.domain.restore_room import DatabaseRoom, Place
from bot.domain.stack import Stack

AS_THEY_ARE: Mapping[str, bytes] = MappingProxyType({})
"""Compose files that stay."""


class DatabaseAdmin(Protocol):
    """The stack's PostgreSQL, whose databases are made, loaded, renamed and dropped."""

    async def version(self) -> str:
        """The server's."""

    async def client_version(self) -> str:
        """That of the `pg_restore` which will read the archive."""

    async def names(self) -> frozenset[str]:
        """All databases."""

    async def room(self) -> DatabaseRoom | None:
        """How much there is where its data and its log lie; None where that cannot be told."""

    async def create(self, name: str, like: str) -> None:
        """An empty database with owner, encoding, locale, settings, grants, comment of *like*.

        Without that one it is Authentik's role's, else like PostgreSQL's own. One that is there
        already by that name, left by an earlier try, is dropped first.
        """

    async def load(
        self, name: str, archive: AsyncIterator[bytes], like: str, *, grants: bool = True
    ) -> None:
        """Load a custom-format dump into it, as the role that owns Authentik's tables in *like*.

        Without that one as Authentik's role. Raises RoleMissingError where *grants* are wanted and
        one is to nobody who is there, IntegrityError with the first words of `pg_restore` when it
        cannot read the dump, PortError when the server cannot take it.
        """

    async def facts(self, name: str) -> DatabaseFacts:
        """What it holds, counted as a backup's snapshot is."""

    async def glance(self, name: str) -> tuple[DatabaseFacts, Contents]:
        """Likewise, and what a person would look for first, of a database in use.

        Raises PortError where that takes long, because somebody keeps a table to himself, say.
        """

    async def copy(self, live: str, name: str) -> None:
        """Make *name* a whole copy of *live*, to which nobody is connected, its grants included.

        One that is there already by that name, left by an earlier try, is dropped first.
        """

    async def delete_versions(self, name: str, rows: Sequence[VersionRow]) -> None:
        """Forget that these versions were ever started on it."""

    async def empty_queue(self, name: str) -> int:
        """Forget the tasks that wait in it; how many there were."""

    async def analyze(self, name: str) -> None:
        """Collect what the planner needs."""

    async def fence(self, *names: str) -> None:
        """Let nobody connect to them, and end all sessions; one that is not there is no error."""

    async def is_open(self, name: str) -> bool:
        """Whether it is there and people may connect to it."""

    async def unfence(self, name: str) -> None:
        """Let people connect to it."""

    async def swap(self, live: str, outgoing: str, incoming: str) -> None:
        """Rename *live* to *outgoing* and *incoming* to *live*, both or neither.

        Both are fenced.
        """

    async def rename(self, old: str, new: str) -> None:
        """Rename a database to which nobody is connected; one that is renamed already stays so."""

    async def drop(self, name: str) -> None:
        """Drop it with whatever is connected to it; one that is gone is no error."""

    async def end_sessions(self) -> None:
        """End what this job's programs left running."""


class StackControl(Protocol):
    """Images, containers and the tag, by Docker and Compose."""

    async def tag_change(
        self, image: str, texts: Mapping[str, bytes] = AS_THEY_ARE
    ) -> TagChange | None:
        """What to write into `.env` so that server and worker become *image*; None for nothing.

        *texts*: the compose files by path, where they will be others by then.
        Raises RefusedError where Compose would not take the image from there.
        """

    async def pull(self, image: str, digest: str | None, pulled: Pulled = to_nobody) -> None:
        """Have *image* on this host, of that *digest* where one is known; *pulled* hears of it.

        Raises PortError where it is not here and cannot be pulled.
        """

    async def pull_outposts(self, change: TagChange) -> None:
        """Have on this host what the project's outposts become with that tag."""

    async def name_image(self, image: str, image_id: str, digest: str | None) -> None:
        """Let *image* mean *image_id* again, whatever was pulled under that name since.

        One that was deleted is pulled again, by its *digest* where that is known. Raises PortError
        where it cannot be had.
        """

    async def image_id(self, image: str) -> str:
        """What *image* means on this host. Raises PortError where it is not here."""

    async def drop_image(self, image_id: str) -> None:
        """Remove it with its names, unless a container uses it; one that is gone is no error."""

    async def remove(self, *, hurry: bool = False) -> None:
        """Stop and remove server, worker and outposts, so that nothing starts them but us.

        In a *hurry* they get a second or two to stop by themselves.
        """

    async def write_tag(self, change: TagChange) -> None:
        """Make the change, whole or not at all; every other byte, owner and mode stay."""

    async def start(self) -> None:
        """Have Compose create and start them as the project's own files say.

        It waits until Docker's own checks say that what they depend on is well.
        """

    async def create(self) -> None:
        """Likewise, but nothing is started yet."""

    async def start_created(self) -> None:
        """Start what was created, all at once; what they depend on is well."""

    async def start_service(self, service: str) -> None:
        """Likewise another *service* of the project, and wait until it is healthy."""

    async def drop_service(self, service: str) -> None:
        """Stop and remove its container; one that is gone is no error. Its data stays."""


class ProjectFiles(Protocol):
    """The project's compose files, swapped for others that lie beside them in this job's name."""

    async def texts(self) -> Mapping[str, bytes]:
        """What is in them, by path, in Compose's order."""

    async def config(self, texts: Mapping[str, bytes]) -> Mapping[str, Any]:
        """What Compose would make of such files. Raises PortError where it does not take them."""

    async def kept(self, changes: Sequence[FileChange], job: str) -> Mapping[str, bytes]:
        """What *job* has put out of their place. Raises RefusedError where it is gone."""

    async def stage(self, changes: Sequence[FileChange], texts: Mapping[str, bytes]) -> None:
        """Lay the new texts beside, and the old ones.

        Raises RefusedError, with nothing laid, where a file is not that of the plan any more.
        """

    async def swap(self, changes: Sequence[FileChange]) -> None:
        """Let what is staged take the files' places.

        Raises RefusedError where somebody has edited one meanwhile.
        """

    async def swap_back(self, changes: Sequence[FileChange]) -> Sequence[str]:
        """Put the old texts back, from wherever it was.

        What somebody else has changed meanwhile is kept beside: a sentence for each.
        """

    async def discard(self, changes: Sequence[FileChange], job: str) -> None:
        """Remove what *job* has laid beside."""


class MountFiles(Protocol):
    """The content of mounts, swapped for what lies beside it in a folder of the job's own."""

    async def places(self, sources: Sequence[str]) -> Mapping[str, Place]:
        """What each is and on which disk; a single file that is mounted cannot be swapped."""

    async def stage(self, folder: Folder, archive: AsyncIterator[bytes]) -> None:
        """Unpack a tar stream beside the content; owners and modes kept.

        Raises IntegrityError, with nothing written but there, when it would write elsewhere.
        """

    async def stage_nothing(self, sources: Sequence[str]) -> None:
        """Stage an empty folder, of the same owner and mode."""

    async def claim(self, sources: Sequence[str], job: str) -> None:
        """Stage what another *job* has moved out of these mounts."""

    async def give_back(self, sources: Sequence[str], job: str) -> None:
        """Undo `claim`."""

    async def swap(self, sources: Sequence[str]) -> None:
        """Move the content out and what is staged in; the mount's own owner and mode too."""

    async def swap_back(self, sources: Sequence[str]) -> None:
        """Undo a swap, from wherever it was; what is not swapped stays as it is."""

    async def states(self, sources: Sequence[str]) -> Mapping[str, FolderState]:
        """How far each is."""

    async def discard(self, sources: Sequence[str]) -> None:
        """Remove the job's own folder with all that is in it, and a snapshot of Redis beside it."""

    async def remove_empty(self, sources: Sequence[str]) -> None:
        """Remove those of the folders, which nothing has mounted, that are empty."""


class Sessions(Protocol):
    """The stack's Redis, what it held before, and what it shall hold.

    All but `discard` start it where it does not run, and raise PortError where it cannot.
    """

    async def start(self) -> None:
        """Let it run and answer, whatever state an earlier process left it in."""

    async def keep(self) -> None:
        """Keep what it holds in a file of its own, beside it; what is kept already stays so."""

    async def stage(self, rdb: AsyncIterator[bytes]) -> None:
        """Lay a snapshot beside it. Raises IntegrityError where Redis cannot read it."""

    async def claim(self, job: str) -> None:
        """Stage what another *job* has kept."""

    async def give_back(self, job: str) -> None:
        """Undo `claim`."""

    async def flush(self) -> None:
        """Forget all keys."""

    async def load_staged(self) -> None:
        """Stop it, let it hold what is staged, start it, and wait until it answers."""

    async def put_back(self) -> None:
        """Likewise with what was kept; where nothing was kept, only see that it runs."""

    async def discard(self) -> None:
        """Remove what was kept or staged."""


class StackProbe(Protocol):
    """Server and worker, seen from outside."""

    async def look(self) -> Observation:
        """How they are at this moment. Raises nothing for a stack that does not answer."""


@dataclass(frozen=True)
class Tools:
    """Hands on one stack, for one job; *sessions* is None where it has no Redis."""

    databases: DatabaseAdmin
    control: StackControl
    files: MountFiles
    sessions: Sessions | None
    probe: StackProbe
    project: ProjectFiles


class Workplace(Protocol):
    """Where tools are had."""

    async def survey(self, stack: Stack) -> Site:
        """All that must be remembered of *stack* while its server is away."""

    async def outposts(self, stack: Stack) -> tuple[str, ...]:
        """The services of *stack*'s project that are outposts of Authentik and run: others stay."""

    async def tools(self, site: Site, job: str) -> Tools:
        """Tools for the stack as it is now, its server there or not.

        Raises PortError where Docker or PostgreSQL's container is away.
        """
