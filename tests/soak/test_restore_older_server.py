"""What a newer PostgreSQL has dumped, on a stack with an older one. Not part of `tests/run`.

Two stacks are brought up for it: tests/run tests/soak/test_restore_older_server.py    two minutes
"""

from pathlib import Path

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.conftest import akbot, filled
from tests.e2e.test_restore import assert_untouched, containers, files, rows, to_folder
from tests.e2e.test_restore_dump import dumped
from tests.sandbox.fixture import Sandbox, engine, sandbox

__all__ = ["akbot", "engine", "filled", "sandbox", "to_folder"]

pytestmark = pytest.mark.docker


def test_it_is_refused_and_what_serves_is_untouched(
    sandbox: Sandbox, to_folder: Akbot, tmp_path: Path
) -> None:
    backup_id = to_folder.backup()["id"]
    dump = dumped(tmp_path, "-Fc")
    older = sandbox.fresh("--postgres", "15")
    try:
        assert to_folder.backup()["software"]["postgresql"].startswith("15.")
        before = rows(older), files(older), containers(older)

        ended = to_folder("restore", backup_id, "--yes")
        assert_untouched(older, ended, 3, "is older than the backup's 17.", "Nothing was changed.")

        ended = to_folder("restore", "--dump", str(dump), "--yes")
        assert_untouched(older, ended, 1, "pg_restore cannot load", "nothing that serves was")

        assert (rows(older), files(older), containers(older)) == before
    finally:
        sandbox.fresh()
