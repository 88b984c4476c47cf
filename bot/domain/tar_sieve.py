"""What of a tar stream may pass, decided member by member while it streams by.

Nothing is unpacked here. What passes can be unpacked into an empty folder without writing anywhere
else, by whatever program: it has one folder at its root, and no name in it leads out of that. What
programs read in several ways is taken for damage: another name might be meant than was judged.
"""

import posixpath
import tarfile
from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.errors import IntegrityError
from bot.domain.manifest import ArchiveCount

_BLOCK = 512
_AS_BYTES = ("utf-8", "surrogateescape")
_FOLLOWED = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE)
_GLOBAL = tarfile.XGLTYPE
_KNOWN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE)
_PIPE = tarfile.FIFOTYPE
_USTAR = b"ustar\x0000"
_TYPE, _MAGIC, _PREFIX = slice(156, 157), slice(257, 265), slice(345, 500)
_MOST_DIGITS = 19  # of a size or a length; more are none of a file that there is
_LONGEST_HEADER = 1024 * 1024  # bytes of one extended header: a path, a link, some attributes
_DEVICES = (tarfile.CHRTYPE, tarfile.BLKTYPE)
_MOST_LINK_BYTES = 8 * 1024 * 1024  # of all the links that lead out, which are kept in memory
OWN = ".akbot-"
"""How the names of akbot's own folders inside a mount begin."""


@dataclass(frozen=True)
class Link:
    """A symbolic link: *name* begins with the archive's root, both as the bytes that they are."""

    name: bytes
    target: bytes
    owner: int
    group: int


class TarSieve:
    """Bytes in, those of the members that pass out; *root* is known once `finish` was called.

    *count* is of what was not left out, links that are made later included.

    Own folders (`OWN`) right below the root are left out, whatever is in them, and so are devices
    where it is not *strict*: a backup of them could never be unpacked. With *strict*, what is
    dangerous to unpack raises IntegrityError before a byte of it has passed; and links that climb
    out of the root's folder do not pass but are *links_out*, to be made when all else is there: to
    make one harms nobody, but the Engine refuses an archive that holds any.
    """

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._pending = bytearray()  # not yet a whole header
        self._held = b""  # extended headers of the member that follows
        self._kinds: set[bytes] = set()  # theirs
        self._extended: dict[str, str] = {}
        self._left = 0  # bytes of the member's content, with padding
        self._take: Callable[[bytes], None] | None = None
        self._passes = True
        self._out = bytearray()
        self._links: set[str] = set()
        self._files: set[str] = set()
        self._above: set[str] = set()  # the folders above links that lead out
        self._link_bytes = 0
        self._empty_blocks = 0
        self._entries, self._size = 0, 0
        self.links_out: list[Link] = []
        self.root = ""
        self.root_is_folder = False

    @property
    def count(self) -> ArchiveCount:
        return ArchiveCount(self._entries, self._size)

    def feed(self, block: bytes) -> bytes:
        """Pass on what may; raises IntegrityError."""
        self._out = bytearray()
        view = memoryview(block)
        while view:
            if self._left:
                view = self._content(view)
            else:
                missing = _BLOCK - len(self._pending)
                self._pending += view[:missing]
                view = view[missing:]
                if len(self._pending) == _BLOCK:
                    header, self._pending = bytes(self._pending), bytearray()
                    self._header(header)
        return bytes(self._out)

    def finish(self) -> None:
        """Raise IntegrityError unless the archive was whole."""
        if self._left or self._pending or not self._empty_blocks:
            raise IntegrityError("the tar archive ends before its closing blocks")

    def _content(self, view: memoryview) -> memoryview:
        piece, rest = view[: self._left], view[self._left :]
        self._left -= len(piece)
        if self._take:
            self._take(bytes(piece))
        elif self._passes:
            self._out += piece
        return rest

    def _header(self, header: bytes) -> None:
        if header == bytes(_BLOCK):
            self._empty_blocks += 1
            self._out += header
            return
        if self._empty_blocks:
            raise IntegrityError("the tar archive goes on after its end")
        try:
            member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.TarError as error:
            raise IntegrityError(f"the tar archive is damaged: {error}") from error
        if member.size < 0 or (any(header[_PREFIX]) and header[_MAGIC] != _USTAR):
            raise IntegrityError("the tar archive is damaged: a header makes no sense")
        self._take = None
        if member.type == _GLOBAL:
            raise IntegrityError("the tar archive has a header for all of its members")
        if member.type in _FOLLOWED:
            self._extension(header, member)
        else:
            self._member(header, member)

    def _extension(self, header: bytes, member: tarfile.TarInfo) -> None:
        if member.size > _LONGEST_HEADER:
            raise IntegrityError("a header of the tar archive is too long")
        with_others = self._kinds and tarfile.XHDTYPE in {member.type, *self._kinds}
        if member.type in self._kinds or with_others:
            raise IntegrityError("the tar archive names one member more than once")
        self._kinds.add(member.type)
        self._held += header
        collected = bytearray()
        padded = _padded(member.size)

        def take(piece: bytes) -> None:
            collected.extend(piece)
            if len(collected) == padded:
                self._held += bytes(collected)
                self._extended |= _read_extension(member.type, bytes(collected[: member.size]))

        self._left, self._take = padded, take

    def _member(self, header: bytes, member: tarfile.TarInfo) -> None:
        extended, self._extended = self._extended, {}
        held, self._held = self._held, b""
        self._kinds = set()
        if any(name.startswith("GNU.sparse") for name in extended):
            raise IntegrityError("the tar archive has a file with holes")
        name = extended.get("path", member.name)
        link = extended.get("linkpath", member.linkname)
        size = _number(extended.get("size"), member.size)
        was_folder = member.type == tarfile.DIRTYPE or name.endswith("/")
        if "\0" in name + link or (header[_TYPE] == tarfile.AREGTYPE and was_folder):
            raise IntegrityError("the tar archive is damaged: a name makes no sense")
        parts = _parts(name)
        self._passes = not (len(parts) > 1 and parts[1].startswith(OWN))
        if self._passes and self._strict:
            self._judge(member.type, parts, link)
            if member.type == tarfile.SYMTYPE and _climbs_out(parts, link):
                self._keep_aside(parts, link, extended, member)
                self._passes = False
        elif member.type in _DEVICES:
            self._passes = False
        if self._passes:
            self._out += held + header
            self._entries += 1
        has_content = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
        if has_content and self._passes:
            self._size += size
        self._left = _padded(size) if has_content or member.type not in (*_KNOWN, _PIPE) else 0

    def _keep_aside(
        self, parts: list[str], link: str, extended: dict[str, str], member: tarfile.TarInfo
    ) -> None:
        name, target = ("/".join(parts)).encode(*_AS_BYTES), link.encode(*_AS_BYTES)
        self._link_bytes += len(name) + len(target)
        if self._link_bytes > _MOST_LINK_BYTES:
            raise IntegrityError("too many links of the tar archive lead out of its folder")
        owner = _number(extended.get("uid"), member.uid)
        group = _number(extended.get("gid"), member.gid)
        self.links_out.append(Link(name, target, owner, group))
        self._entries += 1
        self._above.update("/".join(parts[:length]) for length in range(1, len(parts)))

    def _judge(self, kind: bytes, parts: list[str], link: str) -> None:
        name = "/".join(parts)
        self._require_inside(kind, parts, name)
        if kind not in (*_KNOWN, _PIPE):
            raise IntegrityError(f'"{name[:80]}" in the tar archive is a device or unknown')
        through = any(
            "/".join(parts[:length]) in self._links for length in range(1, len(parts) + 1)
        )
        if through or (kind != tarfile.DIRTYPE and name in self._above):
            raise IntegrityError(f'the tar archive writes through a link: "{name[:80]}"')
        if kind == tarfile.SYMTYPE:
            self._links.add(name)
        elif kind != tarfile.DIRTYPE:
            if kind == tarfile.LNKTYPE and "/".join(_parts(link)) not in self._files:
                raise IntegrityError(f'"{name[:80]}" in the tar archive is a link out of it')
            self._files.add(name)

    def _require_inside(self, kind: bytes, parts: list[str], name: str) -> None:
        if not parts or ".." in parts or parts[0] == "":
            raise IntegrityError(f'the tar archive leads out of its folder: "{name[:80]}"')
        if not self.root:
            if len(parts) > 1 or kind == tarfile.SYMTYPE:
                raise IntegrityError("the tar archive does not begin with its folder")
            self.root, self.root_is_folder = parts[0], kind == tarfile.DIRTYPE
        elif parts[0] != self.root:
            raise IntegrityError(f'the tar archive has a second root: "{name[:80]}"')


def _parts(name: str) -> list[str]:
    """The parts of a name; an absolute one begins with an empty part."""
    absolute = [""] if name.startswith("/") else []
    return absolute + [part for part in name.split("/") if part not in {"", "."}]


def _climbs_out(parts: list[str], link: str) -> bool:
    """By its words alone, an absolute one taken as one within its folder: so the Engine judges."""
    target = posixpath.normpath("/".join([*parts[:-1], link]))
    return target == ".." or target.startswith("../")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _number(text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        raise IntegrityError("the tar archive is damaged: a size is no number")
    return int(text)


def _read_extension(kind: bytes, data: bytes) -> dict[str, str]:
    text = data.rstrip(b"\0").decode("utf-8", "surrogateescape")
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {"path": text}
    if kind == tarfile.GNUTYPE_LONGLINK:
        return {"linkpath": text}
    return _read_records(data)


def _read_records(data: bytes) -> dict[str, str]:
    r"""PAX records: `LENGTH NAME=VALUE\n`, the length counting all of it."""
    records: dict[str, str] = {}
    rest = data
    while rest:
        digits, space, _ = rest.partition(b" ")
        is_length = space and digits.isdigit() and len(digits) <= _MOST_DIGITS
        if not is_length or not len(digits) + 2 < int(digits) <= len(rest):
            raise IntegrityError("the tar archive is damaged: a header is not whole")
        record, rest = rest[len(digits) + 1 : int(digits) - 1], rest[int(digits) :]
        name, _, value = record.partition(b"=")
        records[name.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
    return records
