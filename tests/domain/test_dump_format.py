"""What a file is by its first bytes, and what a person is told of those that are not taken."""

import pytest

from bot.domain.dump_format import HEAD, DumpFormat, recognise
from bot.domain.errors import RefusedError


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (b"PGDMP\x01\x10\x00", DumpFormat.CUSTOM),
        (b"--\n-- PostgreSQL database dump\n--\n", DumpFormat.TEXT),
        (b"\r\n--\r\n", DumpFormat.TEXT),
        (b"\x1f\x8b\x08\x00", DumpFormat.GZIP),
        (b"\x28\xb5\x2f\xfd\x04", DumpFormat.ZSTD),
        (b"age-encryption.org/v1\n-> X25519", DumpFormat.AGE),
    ],
)
def test_dumps_and_what_they_are_wrapped_in_are_known(head: bytes, wanted: DumpFormat) -> None:
    assert recognise(head) is wanted


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"toc.dat".ljust(257, b"\0") + b"ustar\x0000", "pg_dump -Fc"),
        (b"\xfd7zXZ\0\0", '"xz -d"'),
        (b"BZh91AY", '"bunzip2"'),
        (b"PK\x03\x04\x14\0", '"unzip"'),
        (b"7z\xbc\xaf\x27\x1c", '"7z x"'),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n", '"akbot decrypt"'),
        ("-- PostgreSQL".encode("utf-16"), "docker cp"),
        (b"\xef\xbb\xbf--\n", "PowerShell"),
        (b"", "is empty"),
        (b"\x7fELF\x02\x01\x01\0", "is no dump"),
    ],
)
def test_what_is_not_taken_says_what_to_do(head: bytes, words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        recognise(head[:HEAD])

    assert words in caught.value.in_full()
    assert "Nothing was changed." in caught.value.hint
