"""A backup's own compose files, put in the place of today's for a restore to another layout.

They are taken as they were, and not made from today's by going the changes of an update backwards:
what such a change has cut, a Redis with its image, its password and its volume, stands nowhere
else. What a person has changed in them since is lost with it, and so shown before.
"""

from dataclasses import dataclass

from bot.domain.compose_edit import FileChange


@dataclass(frozen=True)
class Service:
    """A service that is in one set of files only."""

    name: str
    image: str


@dataclass(frozen=True, kw_only=True)
class ComposeSwap:
    """What changes with the files, for the journal: it holds no text of theirs.

    *comes* and *goes* are the Redis of the new and of the old ones, where only one has it. Sources
    of mounts: *emptied* hold what is in another place then, *made* are mounted by the new files
    only, *left* by the old ones only, for which akbot had made them.
    """

    files: tuple[FileChange, ...]
    comes: Service | None = None
    goes: Service | None = None
    emptied: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def back(self, files: tuple[FileChange, ...]) -> "ComposeSwap":
        """The swap that undoes this one, with the *files* as they are by then."""
        return ComposeSwap(
            files=files, comes=self.goes, goes=self.comes, made=self.left, left=self.made
        )
