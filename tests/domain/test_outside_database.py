"""What libpq is told of a database outside of the project, and what its role may do."""

import pytest

from bot.domain.database_rights import (
    DatabaseRights,
    judge_rights,
    require_rights,
)
from bot.domain.errors import RefusedError
from bot.domain.outside_database import (
    Connection,
    DatabaseSettings,
    connection_of,
    password_file,
    password_in,
    role_of,
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
    assert password_in(b"\xff") == "\ufffd"


@pytest.mark.parametrize(("told", "role"), [("idp", "idp"), ("", ""), ("file:///run/user", "")])
def test_which_role_the_server_names(told: str, role: str) -> None:
    assert role_of(server(USER=told)) == role


def rights(**changes: bool) -> DatabaseRights:
    may = {"may_create": True, "owns": True, "may_work_from": True, **changes}
    return DatabaseRights("idp", is_superuser=False, maintenance="postgres", **may)


@pytest.mark.parametrize(
    ("lacks", "words", "remedy"),
    [
        ("may_create", "may not create databases", 'ALTER ROLE "idp" CREATEDB'),
        ("owns", "does not own Authentik's", 'ALTER DATABASE … OWNER TO "idp"'),
        ("may_work_from", 'cannot work from the database "postgres"', "AKBOT_MAINTENANCE_DATABASE"),
    ],
)
def test_a_role_that_cannot_go_the_way_back(lacks: str, words: str, remedy: str) -> None:
    without = rights(**{lacks: False})
    finding = judge_rights(without)

    assert finding
    assert finding.message == (
        f'the role "idp" {words}: backups work, restore and update are refused'
    )
    assert remedy in finding.remedy
    with pytest.raises(RefusedError, match=words) as caught:
        require_rights(without)
    assert remedy in caught.value.in_full()


def test_what_it_has_is_not_given_to_it_again() -> None:
    assert rights().remedy == ""
    assert rights(may_create=False).remedy == 'Give it that: ALTER ROLE "idp" CREATEDB.'
    assert rights(owns=False).remedy == 'Give it that: ALTER DATABASE … OWNER TO "idp".'
    assert rights(may_work_from=False).remedy == ("Name one it may in AKBOT_MAINTENANCE_DATABASE.")


def test_one_that_lacks_all_is_told_all_at_once() -> None:
    lacking = rights(may_create=False, owns=False, may_work_from=False).lacking

    assert lacking == (
        'the role "idp" may not create databases and does not own Authentik\'s and'
        ' cannot work from the database "postgres"'
    )


def test_one_that_may_all_is_no_finding() -> None:
    assert judge_rights(rights()) is None
    require_rights(rights())
