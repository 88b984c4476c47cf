"""Compose's env file, the differences of a configuration, and which `pg_restore` is too old."""

import io
import lzma
import tarfile

import pytest

from bot.domain.client_patches import judge_client
from bot.domain.config_diff import MOST_BYTES, compare_configs, read_config, without_compose
from bot.domain.env_text import names_in, value_in, with_setting, with_value, without_value
from bot.domain.errors import IntegrityError
from tests.fakes_stack import tar_of

NAME = "AUTHENTIK_TAG"
NO_LINE_ENDS = dict.fromkeys("\r\x1c\x1d\x1e\x85\u2028\u2029", "") | {"\v": "\v", "\f": "\f"}
"""What other readers end a line at, and Compose does not, with what it takes for blanks."""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"AUTHENTIK_TAG=1\n", b"AUTHENTIK_TAG=2.0\n"),
        (b"A=1\r\nAUTHENTIK_TAG=1\r\nB=2\r\n", b"A=1\r\nAUTHENTIK_TAG=2.0\r\nB=2\r\n"),
        (b"AUTHENTIK_TAG='1' # ours\n", b"AUTHENTIK_TAG='2.0' # ours\n"),
        (b'export AUTHENTIK_TAG = "1"\n\n# end', b'export AUTHENTIK_TAG = "2.0"\n\n# end'),
        (b"#AUTHENTIK_TAG=1\n", b"#AUTHENTIK_TAG=1\nAUTHENTIK_TAG=2.0\n"),
        (b"A=1", b"A=1\nAUTHENTIK_TAG=2.0\n"),
        (b"", b"AUTHENTIK_TAG=2.0\n"),
        (b"AUTHENTIK_TAG=0\nAUTHENTIK_TAG=1", b"AUTHENTIK_TAG=0\nAUTHENTIK_TAG=2.0"),
        (b"AUTHENTIK_TAG=\n", b"AUTHENTIK_TAG=2.0\n"),
        (b"MY_AUTHENTIK_TAG=1\n", b"MY_AUTHENTIK_TAG=1\nAUTHENTIK_TAG=2.0\n"),
        (b"P='a\xff#$x'\nAUTHENTIK_TAG=1 \n", b"P='a\xff#$x'\nAUTHENTIK_TAG=2.0 \n"),
        (b"AUTHENTIK_TAG=1 of ours#2 # old\nB=2\n", b"AUTHENTIK_TAG=2.0 # old\nB=2\n"),
        (b"AUTHENTIK_TAG=#1\n", b"AUTHENTIK_TAG=2.0\n"),
        *(
            (
                f"A=1{mark}AUTHENTIK_TAG=0\n{start}AUTHENTIK_TAG=1{mark}B=2\nC=3{mark}".encode(),
                f"A=1{mark}AUTHENTIK_TAG=0\n{start}AUTHENTIK_TAG=2.0\nC=3{mark}".encode(),
            )
            for mark, start in NO_LINE_ENDS.items()
        ),
    ],
)
def test_one_value_is_set_and_every_other_byte_stays(before: bytes, after: bytes) -> None:
    assert with_value(before, NAME, "2.0") == after
    assert value_in(after, NAME) == "2.0"


def test_what_was_appended_is_taken_away_again() -> None:
    text = b"A=1\n# AUTHENTIK_TAG=0\n"

    assert without_value(with_value(text, NAME, "2"), NAME) == text
    assert without_value(text, NAME) == text
    assert without_value(b"AUTHENTIK_TAG=1\r\nB=2\r\n", NAME) == b"B=2\r\n"


@pytest.mark.parametrize("mark", NO_LINE_ENDS, ids=ascii)
def test_a_value_goes_on_where_only_others_see_the_end_of_a_line(mark: str) -> None:
    then, now = (f"P=a{mark}B={value}\nQ=b\n".encode() for value in "12")

    assert names_in(then) == {"P": f"a{mark}B=1", "Q": "b"}
    assert value_in(then, "B") is None
    assert without_value(then, "P") == b"Q=b\n"
    assert compare_configs({".env": then}, {".env": now}, NAME) == [
        "P in .env is another one now; the one in place stays"
    ]


def test_lines_that_end_otherwise_differ() -> None:
    then, now = b"a:\n  b: 1\n", b"a:\r\n  b: 1\r\n"

    assert compare_configs({"c.yml": then}, {"c.yml": now}, NAME) == [
        "c.yml differs in 4 lines; the one in place stays"
    ]


def test_a_tag_that_is_none_is_not_written() -> None:
    with pytest.raises(ValueError, match="letters"):
        with_value(b"", NAME, "1\nPG_PASS=x")


def test_a_setting_that_would_mean_something_else_is_not_written() -> None:
    with pytest.raises(ValueError, match="an env file gives a meaning"):
        with_setting(b"", "A", "$HOME")


def test_a_value_of_other_bytes_than_utf_8_can_be_read() -> None:
    assert value_in(b"A=\xff", "A") == names_in(b"A=\xff")["A"] == "\udcff"


def test_all_names_are_found() -> None:
    assert names_in(b"A=1\n#B=2\nexport C='x y'\nnot a line\nD=\n") == {
        "A": "1",
        "C": "x y",
        "D": "",
    }


THEN = {
    ".env": b"PG_PASS=old-secret\nAUTHENTIK_TAG=1\nGONE=x\nSAME=1\n",
    "docker-compose.yml": b"a\nb\nc\n",
    "override.yml": b"x",
}
NOW = {
    ".env": b"PG_PASS=new-secret\nAUTHENTIK_TAG=2\nSAME=1\n",
    "docker-compose.yml": b"a\nB\nc\n",
    "akbot.env": b"y",
}


PASSWORD = "(the database keeps its own password)"


def test_differences_are_named_and_no_value_is() -> None:
    found = compare_configs(THEN, NOW, NAME)

    assert found == [
        "GONE in .env is another one now; the one in place stays",
        f"PG_PASS in .env is another one now; the one in place stays {PASSWORD}",
        "akbot.env is new since",
        "docker-compose.yml differs in 2 lines; the one in place stays",
        "override.yml was there, and is not now",
    ]
    assert "secret" not in str(found)
    assert compare_configs(NOW, NOW, NAME) == []


@pytest.mark.parametrize(
    ("then", "now", "lines"),
    [
        pytest.param(b"a\nb\n", b"a\nc\n", 2, id="another"),
        pytest.param(b"a\nb\n", b"a\nb\nc\nd\n", 2, id="more"),
        pytest.param(b"---\na\n", b"a\n", 1, id="a separator is gone"),
        pytest.param(b"a\n", b"++ b\na\n", 1, id="it looks like the head of a difference"),
        pytest.param(b"a\n\xff\n", b"a\n\xfe\xfe\n", 2, id="not UTF-8"),
        pytest.param(b"a\n" * 300, b"b\n" + b"a\n" * 300, 1, id="one line over and over"),
    ],
)
def test_the_lines_of_a_file_that_differ_are_counted(then: bytes, now: bytes, lines: int) -> None:
    [told] = compare_configs({"x.yml": then}, {"x.yml": now}, NAME)

    assert told == f"x.yml differs in {lines} lines; the one in place stays"


def test_what_is_the_same_hides_nothing_after_it() -> None:
    then = {"a.yml": b"same", "b.env": b"A=1\n", "c.env": b"B=1\n"}
    now = {"a.yml": b"same", "b.env": b"A=2\n", "c.env": b"B=2\n"}

    assert compare_configs(then, now, NAME) == [
        "A in b.env is another one now; the one in place stays",
        "B in c.env is another one now; the one in place stays",
    ]


def test_a_compose_file_ends_in_yml_or_yaml() -> None:
    files = {".env": b"A=1", "compose.yml": b"", "override.yaml": b"", "yml": b""}

    assert without_compose(files) == {".env": b"A=1", "yml": b""}


def test_a_configuration_is_read() -> None:
    packed = tar_of({".env": b"A=1"})
    assert read_config(packed) == {".env": b"A=1"}
    assert read_config(packed.ljust(MOST_BYTES, b"\0")) == {".env": b"A=1"}
    with pytest.raises(IntegrityError):
        read_config(b"x" * 2000)
    with pytest.raises(IntegrityError, match="large"):
        read_config(bytes(5 * 2**20))


def test_a_small_configuration_that_would_be_a_large_one_is_none() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        holes = tarfile.TarInfo(".env")
        holes.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": ".env",
            "GNU.sparse.realsize": str(2**31),
        }
        holes.size = 512
        archive.addfile(holes, io.BytesIO(b"0\n".ljust(512, b"\0")))

    with pytest.raises(IntegrityError, match="holes"):
        read_config(packed.getvalue())
    with pytest.raises(IntegrityError, match="read the configuration"):
        read_config(lzma.compress(tar_of({".env": b"A=1"})))


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("17.12", ""), ("17.13", ""), ("17.11", "17.12"), ("16.4", "16.16"), ("16.16", ""),
        ("15.20", ""), ("15.19", "15.20"), ("14.24", "14.25"), ("13.99", "14.25"), ("18.6", "18.7"),
        ("18.7", ""), ("19.0", ""), ("unknown", ""),
    ],
)  # fmt: skip
def test_a_client_older_than_its_patch_is_told_with_the_remedy(version: str, wanted: str) -> None:
    words = judge_client(version)

    assert bool(words) is bool(wanted)
    assert wanted in words
