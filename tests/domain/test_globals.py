"""Roles of another server, as statements that can be run twice."""

import pytest

from bot.domain.globals import role_statements, tablespaces_in

DUMP = r"""--
-- PostgreSQL database cluster dump
--
\restrict abc
SET default_transaction_read_only = off;
--
-- Roles
--
CREATE ROLE authentik;
ALTER ROLE authentik WITH SUPERUSER LOGIN PASSWORD 'SCRAM-SHA-256$4096:a;b''c--d';
CREATE ROLE "a ""reader";
COMMENT ON ROLE "a ""reader" IS 'two
lines; -- and a dash';
ALTER ROLE authentik SET search_path TO 'a';
CREATE TABLESPACE fast OWNER authentik LOCATION '/mnt/fast';
GRANT ALL ON TABLESPACE fast TO authentik;
GRANT pg_monitor TO "a ""reader" WITH INHERIT TRUE GRANTED BY authentik;
--
-- PostgreSQL database cluster dump complete
--
\unrestrict abc
"""


def test_only_what_is_about_roles_is_run_and_each_role_is_made_once() -> None:
    made, altered, reader, comment, setting, member = role_statements(DUMP)

    assert made == (
        "DO 'BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ''authentik'') THEN"
        " EXECUTE ''CREATE ROLE authentik''; END IF; END';"
    )
    assert altered.endswith("PASSWORD 'SCRAM-SHA-256$4096:a;b''c--d';")
    assert "rolname = ''a \"reader''" in reader
    assert comment.endswith("IS 'two\nlines; -- and a dash';")
    assert setting == "ALTER ROLE authentik SET search_path TO 'a';"
    assert member.startswith("GRANT pg_monitor TO")


def test_tablespaces_are_named() -> None:
    assert tablespaces_in(DUMP) == ["fast"]
    assert tablespaces_in("CREATE TABLESPACE \"Fast X\" LOCATION '/mnt/fast';") == ["Fast X"]


def test_what_stands_before_the_first_role_changes_nothing() -> None:
    [plain] = role_statements("CREATE ROLE a;")

    assert role_statements("\\restrict x\n-- a\nCREATE ROLE a;") == [plain]


@pytest.mark.parametrize("text", ["", "--", "CREATE ROLE x", "'", '"'])
def test_what_has_no_statement_has_none(text: str) -> None:
    assert role_statements(text) == []


@pytest.mark.parametrize("statement", ["DROP ROLE x;", "SELECT 1;", "\\! id\n", "CREATE USER x;"])
def test_nothing_else_is_run(statement: str) -> None:
    assert role_statements(statement) == []
