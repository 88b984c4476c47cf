"""`deploy/demo` from its first line to its last, where no stack of the sandbox runs: minutes.

tests/run tests/soak/test_demo.py
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.sandbox.fixture import HERE, STATE, engine, script

__all__ = ["engine"]

pytestmark = pytest.mark.docker

DEMO = HERE.parents[1] / "deploy/demo"
CHART = "akbot-demo.png"
WIDEST = 100
STEPS = 10
PATIENCE = 3600  # the first time fetches and builds


@pytest.mark.usefixtures("engine")
def test_the_whole_story_is_as_told_and_leaves_nothing(tmp_path: Path) -> None:
    script("standins", "goauthentik/demo:2025.2.1", "goauthentik/demo:2025.4.4")
    script("down", "--stack")

    ended = subprocess.run(
        [DEMO],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )

    said = ended.stdout
    assert ended.returncode == 0, said
    lines = said.replace(str(tmp_path), "/tmp").splitlines()  # as its place is called by a person
    assert [each for each in lines if len(each) > WIDEST] == []
    assert len(re.findall(r"^\d+\. ", said, re.MULTILINE)) == STEPS
    assert said.count("ada logs in") == 3
    assert said.count("ada CANNOT log in") == 1
    assert "2025.4.4 serves again on the database as it was before" in " ".join(said.split())
    assert (tmp_path / CHART).read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / CHART) in said
    assert not (STATE / "project").exists()
