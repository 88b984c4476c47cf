"""What libpq is told of a database outside of the project, and what its role may do."""

import pytest

from bot.domain.database_rights import DatabaseRights, judge_rights
from bot.domain.outside_database import (
    Connection,
    DatabaseSettings,
    connection_of,
    password_file,
    password_in,
)

TOLD = {
    "HOST": "db.example.org",
    "PORT": "6432",
    "USER": "idp",
    "NAME": "sso",
    "PASSWORD": "pa:ss\\word",
}


def server(**changes: str) -> dict[str, str]:
    return {f"AUTHENTIK_POSTGRESQL__{name}": value for name, value in {**TOLD, **changes}.items()}


def test_it_is_reached_as_the_server_reaches_it() -> None:
    assert connection_of(server()) == Connection(
        "db.example.org", "6432", "idp", "sso", "pa:ss\\word"
    )
    assert connection_of({}) == Connection("localhost", "5432", "authentik", "authentik")


def test_what_a_person_said_goes_before() -> None:
    given = DatabaseSettings("10.0.0.9", "5432", "backup", "idp", "other")

    assert connection_of(server(), given) == Connection(
        "10.0.0.9", "5432", "backup", "idp", "other"
    )


@pytest.mark.parametrize(
    ("value", "password", "file"),
    [
        pytest.param("file:///run/secrets/pw", "", "/run/secrets/pw", id="a file"),
        pytest.param("file:///run/secrets/pw?none", "", "/run/secrets/pw", id="and a fallback"),
        pytest.param("env://DB_PASS", "from there", "", id="another variable"),
        pytest.param("env://MISSING?fallback", "fallback", "", id="one that is not there"),
        pytest.param("env://MISSING", "", "", id="and without a fallback"),
        pytest.param("http://no/reference", "http://no/reference", "", id="a password"),
    ],
)
def test_a_password_that_is_elsewhere(value: str, password: str, file: str) -> None:
    found = connection_of({**server(PASSWORD=value), "DB_PASS": "from there"})

    assert (found.password, found.password_file) == (password, file)


def test_tls_is_kept_as_authentik_has_it() -> None:
    found = connection_of(
        server(SSLMODE="verify-full", SSLROOTCERT="/certs/ca.pem", SSLCERT="/c", SSLKEY="/k")
    )

    assert found.variables == {"PGSSLMODE": "verify-full"}
    assert found.files == {
        "PGSSLROOTCERT": "/certs/ca.pem",
        "PGSSLCERT": "/c",
        "PGSSLKEY": "/k",
    }
    assert connection_of(server(SSLROOTCERT="system")).variables == {"PGSSLROOTCERT": "system"}


def test_a_password_is_never_shown_and_written_as_libpq_reads_it() -> None:
    assert TOLD["PASSWORD"] not in repr(connection_of(server()))
    assert "other" not in repr(DatabaseSettings(password="other"))
    assert password_file("pa:ss\\word") == b"*:*:*:*:pa\\:ss\\\\word\n"
    assert password_in(b"secret word \r\n") == "secret word "


@pytest.mark.parametrize(
    ("may_create", "owns", "words"),
    [
        (True, True, ""),
        (False, True, 'the role "idp" may not create databases'),
        (True, False, 'the role "idp" does not own Authentik\'s'),
        (False, False, 'the role "idp" may not create databases and does not own Authentik\'s'),
    ],
)
def test_a_role_that_cannot_make_and_rename_databases(
    words: str, *, may_create: bool, owns: bool
) -> None:
    rights = DatabaseRights("idp", is_superuser=False, may_create=may_create, owns=owns)
    finding = judge_rights(rights)

    assert rights.lacking == words
    assert (finding.message if finding else "") == (
        f"{words}: backups work, restore and update are refused" if words else ""
    )
    assert finding is None or ("CREATEDB" in finding.remedy) is not may_create
