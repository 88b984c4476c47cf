"""The installed `akbot` on a host without Docker."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

PROGRAM = Path(sys.executable).with_name("akbot")


def environment(folder: Path, **settings: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AKBOT_STATE": str(folder / "state"),
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
        **settings,
    }


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`akbot` in *folder*, with these settings and no others."""
    return run_into(folder, *arguments, settings=settings)


def run_into(
    folder: Path,
    *arguments: str,
    settings: Mapping[str, str],
    stdout: IO[bytes] | int = subprocess.PIPE,
    stderr: IO[bytes] | int = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """The same, with its output elsewhere."""
    return subprocess.run(
        [PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        check=False,
        cwd=folder,
        env=environment(folder, **settings),
        timeout=600,
    )
