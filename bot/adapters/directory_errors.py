"""What the system's errors in a directory store mean to a person."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.domain.errors import ConfigError, ObjectExistsError, ObjectNotFoundError, PortError
from bot.domain.store_url import SETTING

_NO_FOLDER = {errno.ENOTDIR, errno.EEXIST, errno.ELOOP}
_DENIED = 'permission denied in "{root}"'
_OWN_IT = "Give that folder to the user that the bot runs as."
_IN_THE_WAY = 'a symbolic link or a file is in the way in "{root}"'
_MOVE_IT = "Move away what is not a folder there."
_CAUSES = {
    errno.ENOSPC: ('no space left on "{root}"', "Free space there, or keep fewer backups."),
    errno.EDQUOT: ('the quota of "{root}" is used up', "Raise it, or keep fewer backups."),
    errno.EACCES: (_DENIED, _OWN_IT),
    errno.EPERM: (_DENIED, _OWN_IT),
    errno.EROFS: ('"{root}" is read-only', "Mount it writable, or name another folder."),
    errno.ELOOP: (_IN_THE_WAY, _MOVE_IT),
    errno.ENOTDIR: (_IN_THE_WAY, _MOVE_IT),
    errno.EIO: ('the disk under "{root}" fails', "Look at the kernel's log; replace the disk."),
}


@contextmanager
def directory_errors(doing: str, root: Path) -> Iterator[None]:
    """Raise the system's errors as PortError, so that none crosses the port."""
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectNotFoundError(f"{doing}: not found") from error
    except FileExistsError as error:
        raise ObjectExistsError(f"{doing}: exists already") from error
    except OSError as error:
        cause, hint = _CAUSES.get(error.errno or 0, (str(error.strerror), ""))
        raise PortError(f"{doing}: {cause.format(root=root)}", hint=hint) from error


@contextmanager
def root_errors(root: Path) -> Iterator[None]:
    """Raise ConfigError where *root* is no folder nor can become one; blocks, so for a thread."""
    try:
        yield
    except OSError as error:
        way = (root, *root.parents)
        for each in way if error.errno in _NO_FOLDER else ():
            if os.path.lexists(each) and not each.is_dir():  # a file, or a link to nothing
                raise ConfigError(
                    f'{SETTING}: "{each}" is not a folder',
                    hint="Name another folder there, or move that file away.",
                ) from error
        raise
