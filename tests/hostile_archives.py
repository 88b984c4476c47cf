"""Tar archives that would be written elsewhere, or are read in several ways; whoever signed them.

Each is an archive of the mount "media", made by `hostile` against a folder outside of it. A file
that one of them would write there, or anywhere else, is called "attacked".
"""

import tarfile
from dataclasses import dataclass

OUT = "/OUT"  # stands for the folder outside


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0, **pax: str
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, link, size, 0o755
    info.pax_headers = {name.replace("_", "."): value for name, value in pax.items()}
    return info


def with_long_name(name: str, info: tarfile.TarInfo) -> bytes:
    """The member once more, below a name that only GNU's header has."""
    text = name.encode() + b"\0"
    long = member("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=len(text))
    return long.tobuf(tarfile.GNU_FORMAT) + text.ljust(512, b"\0") + packed(info)


def packed(info: tarfile.TarInfo, content: bytes = b"") -> bytes:
    content = content or b"x" * info.size
    return info.tobuf(tarfile.PAX_FORMAT) + content.ljust(-(-len(content) // 512) * 512, b"\0")


def gnu_sparse(name: str, real_size: int) -> bytes:
    """In GNU's old form: a file of *real_size*, of which not a byte is there."""
    header = bytearray(member(name, tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
    header[386:398] = b"%011o " % real_size  # where the only piece begins, and then its length
    header[398:410] = b"%011o " % 0
    header[483:495] = b"%011o " % real_size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


ROOT = member("media", tarfile.DIRTYPE)
REAL_SIZE = 2**33 - 1  # bytes; the most that GNU's old form can say


@dataclass(frozen=True)
class Attack:
    """What follows the root, or with *bare* is all of it; *words* are part of the reason."""

    words: str
    parts: tuple[tarfile.TarInfo | bytes, ...]
    bare: bool = False


HOLES = member(
    "media/huge",
    size=512,
    GNU_sparse_major="1",
    GNU_sparse_minor="0",
    GNU_sparse_name="media/huge",
    GNU_sparse_realsize=str(2**50),
)
NO_PIECE = b"0\n".ljust(512, b"\0")  # of a file that is a hole all through
ATTACKS = {
    "absolute": Attack("leads out", (member(f"{OUT}/attacked", size=1),)),
    "parent": Attack("leads out", (member("media/../../../../attacked", size=1),)),
    "long name": Attack("leads out", (member("media/" + "../" * 60 + "tmp/attacked", size=1),)),
    "second root": Attack("second root", (member("other/attacked", size=1),)),
    "through a link": Attack(
        "through a link",
        (member("media/out", tarfile.SYMTYPE, OUT), member("media/out/attacked", size=1)),
    ),
    "over a link": Attack(
        "through a link",
        (member("media/out", tarfile.SYMTYPE, f"{OUT}/attacked"), member("media/out", size=1)),
    ),
    "over the folder of a link": Attack(
        "through a link",
        (
            member("media/sub/attacked", tarfile.SYMTYPE, "../../../x"),
            member("media/sub", tarfile.SYMTYPE, OUT),
        ),
    ),
    "hard link": Attack("link out of it", (member("media/out", tarfile.LNKTYPE, "/etc/passwd"),)),
    "link as root": Attack(
        "does not begin with its folder",
        (member("media", tarfile.SYMTYPE, OUT), member("media/attacked", size=1)),
        bare=True,
    ),
    "device": Attack("device or unknown", (member("media/disk", tarfile.BLKTYPE),)),
    "character device": Attack("device or unknown", (member("media/mem", tarfile.CHRTYPE),)),
    "two names": Attack(
        "more than once",
        (
            with_long_name(
                "media/../../attacked", member("media/harmless", size=1, path="media/harmless")
            ),
        ),
    ),
    "holes": Attack("holes", (packed(HOLES, NO_PIECE),)),
    "old holes": Attack("makes no sense", (gnu_sparse("media/huge", REAL_SIZE),)),
}


def hostile(attack: Attack, out: str = "/nowhere") -> bytes:
    """The archive, against the folder *out*."""
    parts = attack.parts if attack.bare else (ROOT, *attack.parts)
    whole = b"".join(
        each if isinstance(each, bytes) else packed(_meant(each, out)) for each in parts
    )
    return whole + bytes(1024)


def _meant(info: tarfile.TarInfo, out: str) -> tarfile.TarInfo:
    copy = member(info.name.replace(OUT, out), info.type, info.linkname.replace(OUT, out))
    copy.size, copy.pax_headers = info.size, info.pax_headers
    return copy
