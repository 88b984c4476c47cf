import gzip
import io
import tarfile
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.components import Encoding, Format, encoding_of
from bot.domain.errors import IntegrityError
from bot.domain.integrity import RdbCheck, StreamCheck
from tests.fakes_stack import DUMP, ROLES, rdb_of, tar_of

WHOLE = {
    Format.ARCHIVE: DUMP,
    Format.SQL: ROLES,
    Format.RDB: rdb_of(bytes(range(256)) * 50),
    Format.TAR: tar_of({"media/a": b"a" * 5000, "media/b": b""}),
}


def run(check: StreamCheck, data: bytes, cuts: list[int]) -> None:
    for start, end in pairwise([0, *sorted(cuts), len(data)]):
        check.update(data[start:end])
    check.finish()


@given(format_=st.sampled_from(list(Format)), cuts=st.lists(st.integers(0, 12_000), max_size=8))
def test_whole_files_pass_however_they_are_cut_into_chunks(
    format_: Format, cuts: list[int]
) -> None:
    data = WHOLE[format_]
    run(Encoding(format_, compressed=False).new_check(), data, [min(c, len(data)) for c in cuts])


def test_the_magic_of_a_dump_may_come_in_pieces() -> None:
    run(Encoding(Format.ARCHIVE, compressed=False).new_check(), DUMP, [2, 4])


@given(
    format_=st.sampled_from([Format.RDB, Format.TAR]),
    length=st.integers(0, 12_000),
    cuts=st.lists(st.integers(0, 12_000), max_size=4),
)
def test_a_cut_file_is_noticed(format_: Format, length: int, cuts: list[int]) -> None:
    data = WHOLE[format_].rstrip(b"\0") if format_ is Format.TAR else WHOLE[format_]
    cut = data[: min(length, len(data) - 1)]

    with pytest.raises(IntegrityError):
        run(Encoding(format_, compressed=False).new_check(), cut, [min(c, len(cut)) for c in cuts])


@given(position=st.integers(9, len(WHOLE[Format.RDB]) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_of_an_rdb_is_noticed(position: int, bit: int) -> None:
    data = bytearray(WHOLE[Format.RDB])
    data[position] ^= 1 << bit

    with pytest.raises(IntegrityError):
        run(RdbCheck(), bytes(data), [])


def test_an_rdb_without_checksum_is_taken_as_redis_was_told() -> None:
    run(RdbCheck(), rdb_of(b"x")[:-8] + bytes(8), [])


@pytest.mark.parametrize(
    ("format_", "data"),
    [
        (Format.ARCHIVE, b""),
        (Format.ARCHIVE, b"PGDM"),
        (Format.ARCHIVE, gzip.compress(DUMP)),
        (Format.SQL, ROLES[:-20]),
        (Format.SQL, b""),
        (Format.RDB, b""),
        (Format.RDB, b"REDIS"),
        (Format.TAR, b""),
        (Format.TAR, bytes(1023)),
    ],
)
def test_what_is_something_else_is_noticed(format_: Format, data: bytes) -> None:
    with pytest.raises(IntegrityError):
        run(Encoding(format_, compressed=False).new_check(), data, [])


def test_a_tar_of_an_empty_folder_is_whole() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w"):
        pass
    run(Encoding(Format.TAR, compressed=False).new_check(), packed.getvalue(), [])


@pytest.mark.parametrize(
    ("key", "encoding"),
    [
        ("a/b/postgres.dump.age", Encoding(Format.ARCHIVE, compressed=False)),
        ("a/b/data-certs.v1.tar.zst.age", Encoding(Format.TAR, compressed=True)),
        ("redis.rdb.zst.age", Encoding(Format.RDB, compressed=True)),
    ],
)
def test_a_key_says_how_its_bytes_are_wrapped(key: str, encoding: Encoding) -> None:
    assert encoding_of(key) == encoding
    stem = key.rpartition("/")[2].partition(f".{encoding.format}")[0]
    assert key.endswith(encoding.file_name(stem))


def test_a_key_of_another_kind_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="exe"):
        encoding_of("postgres.exe.age")
