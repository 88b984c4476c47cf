from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.errors import ConfigError
from bot.domain.store_url import DirectoryLocation, S3Location, parse_store_url

MINIO = "https://minio.example:9000"


@pytest.mark.parametrize(
    ("text", "location"),
    [
        pytest.param("s3://backups", S3Location("backups"), id="bucket alone"),
        pytest.param("s3://backups/", S3Location("backups"), id="slash at the end"),
        pytest.param("s3://b-1.x/a/b_c/", S3Location("b-1.x", "a/b_c"), id="prefix"),
        pytest.param("s3://My_Old_Bucket", S3Location("My_Old_Bucket"), id="name of an old bucket"),
        pytest.param(
            f"s3://backups?endpoint={MINIO}",
            S3Location("backups", endpoint=MINIO, path_style=True),
            id="an endpoint means path style",
        ),
        pytest.param(
            f"s3://backups?endpoint={MINIO}&path_style=false",
            S3Location("backups", endpoint=MINIO, path_style=False),
            id="unless told otherwise",
        ),
        pytest.param(
            "s3://backups?endpoint=https%3A%2F%2Fx.example%2Fstorage%2Fv1%2Fs3",
            S3Location("backups", endpoint="https://x.example/storage/v1/s3", path_style=True),
            id="endpoint with a path, quoted",
        ),
        pytest.param(
            "s3://backups/p?region=eu-central-1&profile=night&path_style=true&ca=/etc/ca.pem",
            S3Location(
                "backups",
                "p",
                region="eu-central-1",
                profile="night",
                path_style=True,
                ca_file=Path("/etc/ca.pem"),
            ),
            id="all other options",
        ),
        pytest.param(
            "file:///var/backups/", DirectoryLocation(Path("/var/backups")), id="directory"
        ),
        pytest.param(
            "file://localhost/a%20b", DirectoryLocation(Path("/a b")), id="quoted blank, localhost"
        ),
        pytest.param("file:///a@b", DirectoryLocation(Path("/a@b")), id="at sign in a path"),
    ],
)
def test_urls_that_are_understood(text: str, location: S3Location | DirectoryLocation) -> None:
    assert parse_store_url(text) == location


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its value is neither an s3:// nor a file:// URL"),
        ("/var/backups", "its value is neither an s3:// nor a file:// URL"),
        ("https://h.example:9000/b", '"https://h.example:9000/b" is neither an s3:// nor'),
        ("s3://", '"s3://" names no bucket'),
        ("s3:///prefix", '"s3:///prefix" names no bucket'),
        ("s3://ab", '"ab" cannot be the name of a bucket'),
        ("s3://a..b", '"a..b" cannot be the name of a bucket'),
        ("s3://minio:9000/backups", '"minio:9000" cannot be the name of a bucket'),
        ("s3://backups/a//b", '"a//b" cannot be a prefix'),
        ("s3://backups/../x", '"../x" cannot be a prefix'),
        ("s3://backups/a%2Fb", '"a%2Fb" cannot be a prefix'),
        ("s3://backups#x", '"s3://backups?…" holds a "#"'),
        ("s3://backups?tls=no", 'there is no option "tls"'),
        ("s3://backups?region", "what follows the ? is not NAME=VALUE"),
        ("s3://backups?region=a&region=b", 'option "region" is given twice'),
        ("s3://backups?region=", 'region is ""'),
        ("s3://backups?profile=", 'profile is ""'),
        ("s3://backups?path_style=yes", 'path_style is "yes"'),
        ("s3://backups?ca=ca.pem", 'ca is "ca.pem"'),
        ("s3://backups?endpoint=minio:9000", 'endpoint is "minio:9000"'),
        ("s3://backups?endpoint=ftp://h", 'endpoint is "ftp://h"'),
        ("s3://backups?endpoint=https://", 'endpoint is "https://"'),
        ("s3://backups?endpoint=https://h:99999", 'endpoint is "https://h:99999"'),
        ("s3://backups?endpoint=https://[h", 'endpoint is "https://[h"'),
        ("s3://backups?endpoint=https://h%0aX", 'endpoint is "https://h�X"'),
        ("s3://[", '"s3://[" is not a URL'),
        ("s3://back\nups", '"s3://back�ups" has blanks around it, or control characters'),
        (" s3://backups", '" s3://backups" has blanks'),
        ("file://backups", '"file://backups" is not an absolute path'),
        ("file:backups", '"file:…" is not an absolute path'),
        ("file:///a?b=c", '"file:///a?…" is not an absolute path'),
        ("file:///", '"file:///" does not name a folder'),
        ("file:///a/../b", '"file:///a/../b" does not name a folder'),
        ("file:///a%00b", '"file:///a%00b" does not name a folder'),
        ("s3://" + "x" * 100, '"' + "x" * 79 + '…" cannot be the name of a bucket'),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_store_url(text)

    assert str(caught.value).startswith("AKBOT_STORE: " + message)
    assert "\n" not in str(caught.value)
    assert caught.value.hint.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "s3://AKIA1:hunter2@backups",
        "s3://AKIA1:x/hunter2@backups",
        "s3://AKIA1:hunter2",
        "AKIA1:hunter2",
        "hunter2@backups",
        "https://AKIA1:x/hunter2@h.example",
        "s3://backups?secret_access_key=hunter2",
        "s3://backups?hunter2",
        "s3://backups?endpoint=https://AKIA1:hunter2@h.example",
        "s3://backups?endpoint=https://AKIA1:x/hunter2@h.example",
        "s3://back\nups?secret=hunter2",
        "s3://[?secret=hunter2",
        "file://AKIA1:hunter2@host/a",
    ],
)
def test_credentials_are_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_store_url(text)

    assert "hunter2" not in str(caught.value) + caught.value.hint


@given(
    st.one_of(
        st.text(),
        st.text(st.characters(codec="ascii")).map("s3://".__add__),
        st.text().map("s3://backups?endpoint=".__add__),
        st.text().map("file://".__add__),
    )
)
@example("s3://\u2177@x")
@example("s3://backups?endpoint=https://h:\uff11")
def test_nothing_but_config_error_is_raised(text: str) -> None:
    try:
        shown = str(parse_store_url(text))
    except ConfigError as error:
        shown = str(error)
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("location", "words"),
    [
        (S3Location("bucket"), "s3://bucket"),
        (S3Location("bucket", "home/X"), "s3://bucket/home/X"),
        (S3Location("bucket", "a", "https://x"), "s3://bucket/a at https://x"),
        (S3Location("bucket", endpoint="https://x"), "s3://bucket at https://x"),
    ],
)
def test_how_a_store_is_named(location: S3Location, words: str) -> None:
    assert str(location) == words
