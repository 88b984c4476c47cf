"""Programs that tests compare with, and what to do where one is missing."""

import os
import shutil
from typing import NoReturn

import pytest


def find(name: str) -> str:
    """Return the path of a program; without it the test is skipped, or fails on the CI server."""
    path = shutil.which(name)
    if path is None:
        missing(f"the program {name} is not installed")
    return path


def missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true forbids to skip")
    pytest.skip(reason, allow_module_level=True)
