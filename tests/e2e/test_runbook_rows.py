"""The runbook's chapters for one row and one table, on the real stack."""

from pathlib import Path

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.recovery import State, opened
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.docker

ROW = "A row that was deleted"
TABLE = "A table that was deleted"
KEPT = "authentik_before_20261123t033000z_k3f9"
CHAPTERS = (ROW, TABLE)


def test_a_deleted_row(stack: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    member = "(SELECT user_id FROM authentik_core_user_ak_groups ORDER BY 1 LIMIT 1)"
    [[number, name]] = stack.psql(
        f"SELECT id, username FROM authentik_core_user WHERE id = {member}"
    )
    before = State.of(stack)
    reader = opened(stack, akbot, tmp_path)
    referring = stack.psql("""
        SELECT conrelid::regclass, attname FROM pg_constraint JOIN pg_attribute
          ON attrelid = conrelid AND attnum = conkey[1]
        WHERE contype = 'f' AND confrelid = 'authentik_core_user'::regclass ORDER BY 1, 2
    """)
    lost = [f"authentik_core_user|username = '{name}'"]
    lost += [f"{table}|{column} = {number}" for table, column in referring]
    deleting = [f"DELETE FROM {each.replace('|', ' WHERE ')};" for each in reversed(lost)]
    stack.psql(f"BEGIN; {' '.join(deleting)} COMMIT;")
    damaged = State.of(stack)
    gone = sum(rows for rows, _ in before.tables.values())
    assert gone - sum(rows for rows, _ in damaged.tables.values()) >= 2

    reader = reader.with_values(SCHEMA="public", LOST="\n".join(lost), KEPT=KEPT)
    reader.follow(ROW, "Load only those tables into a side database")
    stack.psql(f'ALTER DATABASE authentik_side RENAME TO "{KEPT}"')
    stack.psql(f'ALTER DATABASE "{KEPT}" ALLOW_CONNECTIONS false')
    reader.follow(ROW, "Or: from the copy that an update has kept")
    stack.psql(f'DROP DATABASE "{KEPT}"')
    assert name in reader.follow(ROW, "Look")
    assert State.of(stack) == damaged
    reader.follow(ROW, "Bring them back")
    assert State.of(stack) == before
    assert "duplicate key" in reader.fails(ROW, "Bring them back")
    assert State.of(stack) == before
    reader.follow(ROW, "The way back")
    assert State.of(stack) == damaged
    reader.follow(ROW, "Bring them back", "Tidy up")
    assert reader.left(ROW) == []


def schema(sandbox: Sandbox) -> list[str]:
    """All that pg_dump says of the schema, but for the order and its one-time word."""
    text = sandbox.docker(
        "exec", "authentik-postgresql", "pg_dump", "-s", "-U", "authentik", "authentik"
    )
    return sorted(line for line in text.splitlines() if not line.startswith("\\"))


def test_a_deleted_table(stack: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    before, built = State.of(stack), schema(stack)
    reader = opened(stack, akbot, tmp_path).with_values(TABLE="public.authentik_flows_flow")
    stack.psql("DROP TABLE authentik_flows_flow CASCADE")
    damaged = State.of(stack)

    said = reader.follow(TABLE, "Load the backup into a side database", "What is missing")
    assert "r|authentik_flows_flow" in said
    assert "i|authentik_flows_flow_pkey" in said
    assert "v|" not in said
    reader.follow(TABLE, "Bring it back")
    assert (State.of(stack), schema(stack)) == (before, built)
    assert reader.follow(TABLE, "What is missing") == ""
    reader.follow(TABLE, "The way back")
    assert State.of(stack) == damaged
    reader.follow(TABLE, "Bring it back", "Tidy up")
    assert (State.of(stack), schema(stack)) == (before, built)
    assert reader.left(TABLE) == []
