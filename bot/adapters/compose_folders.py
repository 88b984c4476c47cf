"""Folders of the host that are renamed for a hop, and back; by a throw-away container.

Beside the folder lies akbot's own, `.akbot-<key>`, from before the first rename until `discard`:
`made` in it says that the folder which now holds the other did not exist.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath

from bot.adapters.chores import Chores, place_of
from bot.adapters.engine_api import EngineApi
from bot.adapters.throwaway import remove_throw_aways
from bot.domain.compose_wants import FolderMove
from bot.domain.errors import PortError, RefusedError
from bot.domain.tar_sieve import OWN

_REFUSED = 9
_TOOLS = """
set -eu
own=$1/$2 folder=$1/$3 around=$1/$4 moved=$1/$4/$5
refuse() { echo "$1" >&2; exit 9; }
copy_mode() { # FROM TO: owner and mode of the folder itself
  chown "$(stat -c %u:%g "$1")" "$2"
  chmod "$(stat -c %a "$1")" "$2"
}
"""
_MOVE = """
if [ ! -d "$own" ]; then
  if [ -L "$folder" ] || [ ! -d "$folder" ]; then refuse "it is no folder"; fi
  [ "$(stat -c %d "$folder")" = "$(stat -c %d "$1")" ] || refuse "it is a disk of its own"
  if [ -L "$around" ]; then refuse "$4 beside it is a link"; fi
  if [ -e "$moved" ]; then refuse "there is one in $4 already"; fi
  mkdir -m 700 "$own"
fi
if [ ! -e "$moved" ]; then
  if [ ! -d "$around" ]; then
    mkdir -p "$own/made" "$own/new"
    copy_mode "$folder" "$own/new"
    mv "$own/new" "$around"
  fi
  mv "$folder" "$moved"
fi
sync
"""
# Compose makes an empty folder where one that it mounts is away; what is in such a one is kept.
_MOVE_BACK = """
if [ -d "$own" ]; then
  if [ -e "$moved" ]; then
    if [ -e "$folder" ] && ! rmdir "$folder" 2>/dev/null; then
      mv "$folder" "$folder.kept-$6"
      echo "$3.kept-$6"
    fi
    mv "$moved" "$folder"
  fi
  if [ -d "$own/made" ]; then rmdir "$around" 2>/dev/null || echo "$4"; fi
  rm -rf "$own"
fi
sync
"""
_DISCARD = """
rm -rf "$own"
sync
"""


class HostFolders:
    """Renames for the hop *key*, by containers of *image_id*, which is there already."""

    def __init__(self, engine: EngineApi, image_id: str, key: str) -> None:
        self._engine = engine
        self._chores = Chores(engine, image_id, key)
        self._key = key

    async def move(self, moves: Sequence[FolderMove]) -> None:
        """Rename each; one that is renamed already stays so.

        Raises RefusedError where one is in the way; those before it are moved all the same.
        """
        await self._end_leftover(moves)
        for each in moves:
            await self._run(each, _MOVE)

    async def move_back(self, moves: Sequence[FolderMove]) -> list[str]:
        """Undo `move`; the folders in which something is kept that came there meanwhile."""
        await self._end_leftover(moves)
        return [
            f"{PurePosixPath(each.source).parent}/{name}"
            for each in reversed(moves)
            for name in await self._run(each, _MOVE_BACK)
        ]

    async def discard(self, moves: Sequence[FolderMove]) -> None:
        """Forget the way back."""
        await self._end_leftover(moves)
        for each in moves:
            await self._run(each, _DISCARD)

    async def _end_leftover(self, moves: Sequence[FolderMove]) -> None:
        """A container outlives an akbot that is killed, and would go on beside ours."""
        if moves:
            await remove_throw_aways(self._engine, self._key)

    async def _run(self, move: FolderMove, script: str) -> list[str]:
        source, target = PurePosixPath(move.source), PurePosixPath(move.target)
        words = (
            *(place_of(0), f"{OWN}{self._key}", source.name, target.parent.name, target.name),
            self._key,
        )
        done = await self._chores.run([str(source.parent)], _TOOLS + script, *words)
        if done.exit_code == _REFUSED:
            raise RefusedError(
                f'move "{source}" to "{target}": {done.stderr}',
                hint="Nothing was changed. Look at both folders, and move it by hand.",
            )
        if done.exit_code != 0:
            raise PortError(
                f'move "{source}": {done.stderr or f"exit code {done.exit_code}"}',
                hint="Is it mounted by something else, or the disk read-only?",
            )
        return done.stdout.decode().splitlines()
