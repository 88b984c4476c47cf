"""What of a tar stream passes, however it is cut into pieces."""

import io
import tarfile

import pytest

from bot.domain.errors import IntegrityError
from bot.domain.manifest import ArchiveCount
from bot.domain.tar_sieve import Link, TarSieve
from tests.fakes_stack import tar_of

LONG = "ö" * 120 + "/" + "x" * 120
FILES = {"a": b"a" * 5000, "empty": b"", LONG: b"long", ".hidden": b"h", "größe": b"g" * 512}


def sieved(data: bytes, *, strict: bool = True, step: int = 700) -> bytes:
    sieve = TarSieve(strict=strict)
    out = b"".join(sieve.feed(data[start : start + step]) for start in range(0, len(data), step))
    sieve.finish()
    return out


def archive(*members: tarfile.TarInfo, form: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as tar:
        root = tarfile.TarInfo("media")
        root.type = tarfile.DIRTYPE
        for each in (root, *members):
            tar.addfile(each, io.BytesIO(b"x" * each.size))
    return packed.getvalue()


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


@pytest.mark.parametrize("step", [1, 511, 512, 513, 100_000])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_an_honest_archive_passes_byte_for_byte(step: int, form: int) -> None:
    packed = archive(
        *(member(f"media/{name}", size=len(content)) for name, content in FILES.items()),
        member("media/link", tarfile.SYMTYPE, "../etc/passwd"),
        member("media/absolute", tarfile.SYMTYPE, "/etc/passwd"),
        member("media/same", tarfile.LNKTYPE, "media/a"),
        member("media/pipe", tarfile.FIFOTYPE),
        form=form,
    )

    assert sieved(packed, step=step) == packed


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_it_counts_all_that_is_not_left_out(strict: bool, form: int) -> None:  # noqa: FBT001
    packed = archive(
        member(f"media/{LONG}", size=700),
        member("media/empty"),
        member("media/sub", tarfile.DIRTYPE),
        member("media/near", tarfile.SYMTYPE, "a"),
        member("media/out", tarfile.SYMTYPE, "/etc"),
        member("media/same", tarfile.LNKTYPE, "media/empty"),
        member("media/.akbot-1/old", size=5000),
        *([] if strict else [member("media/null", tarfile.CHRTYPE)]),
        form=form,
    )

    sieve = TarSieve(strict=strict)
    for start in range(0, len(packed), 700):
        sieve.feed(packed[start : start + 700])

    assert sieve.count == ArchiveCount(entries=7, size=700)


def test_its_own_folders_are_left_out_with_all_that_is_in_them() -> None:
    own = [
        member("media/.akbot-1", tarfile.DIRTYPE),
        member(f"media/.akbot-1/old/{LONG}", size=3000),
        member("media/.akbot-1/link", tarfile.SYMTYPE, "/" + "x" * 200),
    ]
    kept = [member(f"media/{LONG}", size=700), member("media/sub/.akbot-1", size=3)]

    for strict in (False, True):
        passed = sieved(archive(kept[0], *own, kept[1]), strict=strict)
        assert passed.rstrip(b"\0") == archive(*kept).rstrip(b"\0")


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_links_that_climb_out_are_made_last(form: int) -> None:
    folder, long = member("media/sub", tarfile.DIRTYPE), "../" * 40 + "ö"
    near = member("media/near", tarfile.SYMTYPE, "../../x")
    far = member("media/sub/far", tarfile.SYMTYPE, long)
    far.uid, far.gid = 7, 2**31
    packed = archive(near, folder, far, member("media/a", size=3), form=form)

    sieve = TarSieve(strict=True)
    passed = sieve.feed(packed)
    sieve.finish()

    kept = archive(folder, member("media/a", size=3), form=form)
    assert passed.rstrip(b"\0") == kept.rstrip(b"\0")
    assert sieve.links_out == [
        Link(b"media/near", b"../../x", 0, 0),
        Link(b"media/sub/far", long.encode(), 7, 2**31),
    ]
    assert sieved(packed, strict=False) == packed


def test_memory_for_links_that_climb_out_has_a_bound() -> None:
    long = "../" * 200_000
    many = [member(f"media/{number}", tarfile.SYMTYPE, long) for number in range(14)]

    with pytest.raises(IntegrityError, match="too many links"):
        sieved(archive(*many))


def test_a_backup_leaves_out_devices_which_nobody_could_unpack() -> None:
    device = member("media/null", tarfile.CHRTYPE)
    disk = member(f"media/{LONG}", tarfile.BLKTYPE)
    kept = member("media/a", size=3)

    passed = sieved(archive(device, disk, kept), strict=False)

    assert passed.rstrip(b"\0") == archive(kept).rstrip(b"\0")
    assert sieved(passed) == passed


@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        (member("/etc/passwd", size=1), "leads out"),
        (member("media/../../x", size=1), "leads out"),
        (member("..", tarfile.DIRTYPE), "leads out"),
        (member("media/" + "../" * 80 + "x", size=1), "leads out"),
        (member("other/x", size=1), "second root"),
        (member("media/x", tarfile.CHRTYPE), "device"),
        (member("media/x", tarfile.BLKTYPE), "device"),
        (member("media/x", b"V"), "device or unknown"),
        (member("media/x", tarfile.LNKTYPE, "/etc/passwd"), "link out of it"),
        (member("media/x", tarfile.LNKTYPE, "media/not-there"), "link out of it"),
    ],
)
def test_what_would_be_unpacked_elsewhere_does_not_pass(
    hostile: tarfile.TarInfo, words: str
) -> None:
    with pytest.raises(IntegrityError, match=words):
        sieved(archive(hostile))


def test_nothing_is_written_through_a_link_that_was_made_before() -> None:
    link = member("media/out", tarfile.SYMTYPE, "/etc")

    for through in ("media/out/passwd", "media/out", "media/./out//passwd"):
        with pytest.raises(IntegrityError, match="through a link"):
            sieved(archive(link, member(through, size=1)))


def test_an_archive_begins_with_its_folder() -> None:
    with pytest.raises(IntegrityError, match="does not begin"):
        sieved(tar_of({"media/a": b"a"}))


@pytest.mark.parametrize("cut", [1, 512, 1024, 2000, 9000])
def test_half_an_archive_is_none(cut: int) -> None:
    with pytest.raises(IntegrityError, match="ends before"):
        sieved(archive(member("media/a", size=5000))[:cut])


def test_a_pax_header_may_not_name_another_file() -> None:
    info = member("media/harmless", size=1)
    info.pax_headers = {"path": "/etc/passwd"}

    with pytest.raises(IntegrityError, match="leads out"):
        sieved(archive(info))


def test_files_with_holes_and_headers_for_all_do_not_pass() -> None:
    sparse = member("media/x", size=512)
    sparse.pax_headers = {"GNU.sparse.major": "1"}
    with pytest.raises(IntegrityError, match="holes"):
        sieved(archive(sparse))

    packed = io.BytesIO()
    with tarfile.open(
        fileobj=packed, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"path": "/etc/passwd"}
    ) as tar:
        tar.addfile(member("media/a"))
    with pytest.raises(IntegrityError, match="header for all"):
        sieved(packed.getvalue())


def block(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    return member(name, kind, link).tobuf(tarfile.USTAR_FORMAT)


def pax(*records: tuple[str, str]) -> bytes:
    """One extended header, in the words of the standard."""
    data = b"".join(record(*each) for each in records)
    header = member("x", tarfile.XHDTYPE, size=len(data)).tobuf(tarfile.USTAR_FORMAT)
    return header + data.ljust(-(-len(data) // 512) * 512, b"\0")


def record(name: str, value: str) -> bytes:
    """It begins with its own length, that length included."""
    rest = f" {name}={value}\n".encode()
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def gnu(name: str, kind: bytes = tarfile.GNUTYPE_LONGNAME) -> bytes:
    text = name.encode() + b"\0"
    info = member("././@LongLink", kind, size=len(text))
    return info.tobuf(tarfile.GNU_FORMAT) + text.ljust(512, b"\0")


def with_size(header: bytes, size: bytes) -> bytes:
    return signed(header[:124] + size.ljust(12, b"\0") + header[136:])


def signed(header: bytes) -> bytes:
    """With the checksum that it should have."""
    blank = header[:148] + b" " * 8 + header[156:]
    return header[:148] + b"%06o\0 " % sum(blank) + header[156:]


FOLDER = block("media", tarfile.DIRTYPE)
OUT = block("media/out", tarfile.SYMTYPE, "/etc")
VICTIM = block("media/out/victim")


@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        (gnu("media/out/victim") + pax(("path", "media/ok")) + block("media/a"), "more than once"),
        (pax(("path", "media/ok")) + gnu("media/out/victim") + block("media/a"), "more than once"),
        (pax(("path", "media/ok")) + pax(("comment", "c")) + VICTIM, "more than once"),
        (gnu("media/ok") + gnu("media/out/victim") + block("media/a"), "more than once"),
        (gnu("media/ok\0/victim") + block("media/a"), "makes no sense"),
        (signed(block("media/a")[:345] + b"media/out".ljust(167, b"\0")), "through a link"),
        (signed(block("media/ok")[:257] + b"ustar  \0" + VICTIM[265:345] + b"x".ljust(167, b"\0")),
         "makes no sense"),
        (with_size(block("media/a"), b"\xff" * 12), "makes no sense"),
        (with_size(pax(("path", "media/a"))[:512], b"\xff" * 12), "makes no sense"),
        (with_size(block("media/a"), b"-0000000001"), "makes no sense|damaged"),
        (pax(("size", "9" * 5000)) + block("media/a"), "size is no number"),
        (pax(("path", "media/f/")) + signed(block("media/f")[:156] + b"\0" + block("x")[157:]),
         "makes no sense"),
    ],
)  # fmt: skip
def test_what_programs_read_in_several_ways_does_not_pass(hostile: bytes, words: str) -> None:
    with pytest.raises(IntegrityError, match=words):
        sieved(FOLDER + OUT + hostile + bytes(1024))


def test_a_length_of_five_thousand_digits_is_none() -> None:
    text = b"9" * 5000 + b" path=x\n"
    header = member("x", tarfile.XHDTYPE, size=len(text)).tobuf(tarfile.USTAR_FORMAT)

    with pytest.raises(IntegrityError, match="not whole"):
        sieved(FOLDER + header + text.ljust(5120 + 512, b"\0")[: -(-len(text) // 512) * 512])


def test_a_long_name_and_a_long_link_go_together() -> None:
    long = "x" * 150
    packed = archive(member(f"media/{long}", tarfile.SYMTYPE, "y" * 150), form=tarfile.GNU_FORMAT)

    assert sieved(packed) == packed
