"""File systems of a few MiB, to be filled and made read-only."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

MIB = 1024 * 1024


def run(*command: str) -> str:
    """Run it, and say what it complained about if it failed."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stderr.strip() or "it failed" if done.returncode else ""


@contextmanager
def disk_of(mib: int, mount: Path) -> Iterator[Path]:
    """A file system of its own at *mount*."""
    mount.mkdir()
    if failure := run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "akbot-test", str(mount)):
        pytest.skip(f"no file system can be mounted here: {failure}")
    try:
        yield mount
    finally:
        run("umount", "--lazy", str(mount))


def fill(disk: Path) -> Path:
    """Leave no room; return the file that takes it."""
    file = disk / "filler"
    with suppress(OSError), file.open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    return file
