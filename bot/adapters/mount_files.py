"""Mounts whose content is swapped by renames for what lies beside it, in `.akbot-<job>/`.

Inside that folder: `in` is what is being unpacked, `new` what is staged, `moving` the old content
while it is on its way, `old` the old content once all of it is out. So a swap that was cut off
anywhere can be told, and undone. `links` are those that are made once all else is unpacked.
"""

import string
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import PurePosixPath

from bot.adapters.chores import Chores, place_of
from bot.adapters.disk_told import TELL, disk_in
from bot.adapters.engine_api import EngineApi
from bot.adapters.engine_upload import upload, upload_files
from bot.domain.errors import PortError
from bot.domain.restore import Folder
from bot.domain.restore_recovery import FolderState
from bot.domain.restore_room import Place
from bot.domain.tar_sieve import OWN, Link, TarSieve

# Names that begin with a dot, too; an empty folder has none of either.
_TOOLS = """
set -eu
move_all() { # FROM TO: all but akbot's own folders
  for each in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    case ${each##*/} in .akbot-*) continue ;; esac
    if [ -e "$each" ] || [ -L "$each" ]; then mv -- "$each" "$2/"; fi
  done
}
copy_mode() { # FROM TO: owner and mode of the folder itself
  chown "$(stat -c %u:%g "$1")" "$2"
  chmod "$(stat -c %a "$1")" "$2"
}
job=$1
shift
for place in "$@"; do
own=$place/$job
"""
_END = """
done
sync
"""
_PREPARE = 'rm -rf "$own"; mkdir -m 700 "$own" "$own/in"'
_NOTHING = """
if [ ! -d "$own/old" ]; then
  rm -rf "$own"
  mkdir -m 700 "$own"
  mkdir "$own/new"
  copy_mode "$place" "$own/new"
fi
"""
_LINKS = "links"
_MAKE_LINKS = f"""
while read -r owner name target; do
  name=$(printf '%b.' "$name") target=$(printf '%b.' "$target")
  ln -s -- "${{target%.}}" "$own/in/${{name%.}}"
  chown -h "$owner" "$own/in/${{name%.}}"
done <"$own/{_LINKS}"
rm "$own/{_LINKS}"
"""
_UNPACKED = 'mv -- "$own/in/$AKBOT_ROOT" "$own/new"; rmdir "$own/in"'
_SWAP = """
if [ -d "$own/new" ] && [ ! -d "$own/old" ]; then
  mkdir -p "$own/moving"
  copy_mode "$place" "$own/moving"
  move_all "$place" "$own/moving"
  mv "$own/moving" "$own/old"
fi
if [ -d "$own/old" ]; then
  copy_mode "$own/new" "$place"
  move_all "$own/new" "$place"
fi
"""
_SWAP_BACK = """
if [ -d "$own/old" ]; then
  move_all "$place" "$own/new"
  mv "$own/old" "$own/moving"
fi
if [ -d "$own/moving" ]; then
  move_all "$own/moving" "$place"
  copy_mode "$own/moving" "$place"
  rmdir "$own/moving"
fi
"""
_STATES = """
if [ -d "$own/old" ]; then echo swapped
elif [ -d "$own/moving" ]; then echo moving
elif [ -d "$own/new" ]; then echo staged
else echo none
fi
"""
_PLACES = f'if [ -d "$place" ]; then echo folder; else echo file; fi; {TELL}'
_CLAIM = """
from=$place/$other
if [ -d "$from/old" ]; then
  [ -d "$own" ] || mkdir -m 700 "$own"
  mv "$from/old" "$own/new"
fi
"""
_GIVE_BACK = """
from=$place/$other
if [ -d "$own/new" ] && [ -d "$from" ]; then mv "$own/new" "$from/old"; fi
"""
_DISCARD = 'rm -rf "$own" "$own.rdb" "$own.rdb.part" "$own.new.rdb" "$own.new.rdb.part"'


class MountFolders:
    """Port `MountFiles`, for the job whose name *chores* carry."""

    def __init__(self, engine: EngineApi, chores: Chores) -> None:
        self._engine = engine
        self._chores = chores

    async def places(self, sources: Sequence[str]) -> Mapping[str, Place]:
        lines = (await self._said(_PLACES, sources)).splitlines()
        found = [
            Place(kind == "folder", disk_in(line))
            for kind, line in zip(lines[::2], lines[1::2], strict=True)
        ]
        return dict(zip(sources, found, strict=True))

    async def stage(self, folder: Folder, archive: AsyncIterator[bytes]) -> None:
        sources, sieve = [folder.source], TarSieve(strict=True)
        await self._run(_PREPARE, sources)
        async with (
            self._chores.container(sources) as name,
            aclosing(_through(sieve, archive)) as tar,
        ):
            path = f"{place_of(0)}/{self._own}/in"
            doing = f'unpack "{folder.component}"'
            await upload(self._engine, name, path, tar, doing=doing)
            if sieve.links_out:
                links = {_LINKS: b"".join(map(_line, sieve.links_out))}
                beside = str(PurePosixPath(path).parent)
                await upload_files(self._engine, name, beside, links, doing=doing)
        root = f"AKBOT_ROOT={_shell_word(sieve.root)}\n"
        make_links = _MAKE_LINKS if sieve.links_out else ""
        await self._run(root + make_links + _UNPACKED, sources)

    async def stage_nothing(self, sources: Sequence[str]) -> None:
        await self._run(_NOTHING, sources)

    async def claim(self, sources: Sequence[str], job: str) -> None:
        await self._run(f"other={_shell_word(OWN + job)}\n{_CLAIM}", sources)

    async def give_back(self, sources: Sequence[str], job: str) -> None:
        await self._run(f"other={_shell_word(OWN + job)}\n{_GIVE_BACK}", sources)

    async def swap(self, sources: Sequence[str]) -> None:
        await self._run(_SWAP, sources)

    async def swap_back(self, sources: Sequence[str]) -> None:
        await self._run(_SWAP_BACK, sources)

    async def states(self, sources: Sequence[str]) -> Mapping[str, FolderState]:
        answers = await self._run(_STATES, sources)
        return dict(zip(sources, map(FolderState, answers), strict=True))

    async def discard(self, sources: Sequence[str]) -> None:
        await self._run(_DISCARD, sources)

    async def remove_empty(self, sources: Sequence[str]) -> None:
        for each in map(PurePosixPath, sources):
            if each.is_absolute():  # else it is a volume, whose folder is the Engine's
                script = 'rmdir "$1/$2" 2>/dev/null || true'
                await self._chores.run([str(each.parent)], script, place_of(0), each.name)

    @property
    def _own(self) -> str:
        return f"{OWN}{self._chores.job}"

    async def _run(self, act: str, sources: Sequence[str]) -> list[str]:
        """Do *act* for each mount in turn; the words that it printed."""
        return (await self._said(act, sources)).split()

    async def _said(self, act: str, sources: Sequence[str]) -> str:
        if not sources:
            return ""
        places = [place_of(number) for number in range(len(sources))]
        script = f"{_TOOLS}{act}{_END}"
        done = await self._chores.run(sources, script, self._own, *places)
        if done.exit_code != 0:
            raise PortError(
                f"work on the stack's folders: {done.stderr or f'exit code {done.exit_code}'}",
                hint="Is the disk full, or a folder another mount?",
            )
        return done.stdout.decode(errors="replace")


async def _through(sieve: TarSieve, archive: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    async for block in archive:
        if passed := sieve.feed(block):
            yield passed
    sieve.finish()


def _line(link: Link) -> bytes:
    words = f"{link.owner}:{link.group}".encode(), _escaped(link.name), _escaped(link.target)
    return b" ".join(words) + b"\n"


def _escaped(text: bytes) -> bytes:
    """One word without blanks, as `printf %b` reads it."""
    return b"".join(bytes([each]) if each in _PLAIN else b"\\0%03o" % each for each in text)


_PLAIN = frozenset(string.ascii_letters.encode() + string.digits.encode() + b"/._")


def _shell_word(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
