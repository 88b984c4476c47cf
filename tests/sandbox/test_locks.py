"""The lock files hold what pyproject.toml asks for, by hash, and name no place of any machine."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
RUNTIME = REPO / "deploy" / "requirements.lock"
TESTS = REPO / "tests" / "requirements.lock"


def pins(lock: Path) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        pytest.param(RUNTIME, PROJECT["dependencies"], id="runtime"),
        pytest.param(
            TESTS, PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"], id="tests"
        ),
    ],
)
def test_a_lock_satisfies_the_project(lock: Path, asked: list[str]) -> None:
    locked = pins(lock)
    wanted = [Requirement(line) for line in asked]

    assert [
        str(one)
        for one in wanted
        if not one.specifier.contains(locked.get(canonicalize_name(one.name), "0"))
    ] == []


def test_tests_run_with_the_versions_that_the_product_runs_with() -> None:
    assert pins(RUNTIME).items() <= pins(TESTS).items()


@pytest.mark.parametrize("lock", [RUNTIME, TESTS], ids=lambda path: path.parent.name)
def test_a_lock_names_no_place_and_hashes_everything(lock: Path) -> None:
    text = lock.read_text()

    assert not re.search(r"://|^-|@ ", text, re.MULTILINE)
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\S)", text.strip()))
