"""Packages from npm, fetched once into the sandbox's cache and never committed."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.age import programs

CACHE = Path(__file__).parents[1] / "sandbox" / ".cache"


def tarball(name: str, version: str) -> Path:
    """Return the package as `npm pack` fetches it, without its dependencies."""
    path = CACHE / name / f"{name}-{version}.tgz"
    if not path.exists():
        with _draft() as draft:
            _npm("pack", "--silent", "--pack-destination", draft, f"{name}@{version}")
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(draft, path.name), path)
    return path


def package(name: str, version: str) -> Path:
    """Return the folder of the installed package; its dependencies are where node finds them."""
    folder = CACHE / "npm" / f"{name}-{version}"
    if not folder.exists():
        with _draft() as draft:
            _npm("install", "--silent", "--ignore-scripts", "--prefix", draft, f"{name}@{version}")
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(draft, folder.with_suffix(".part"), dirs_exist_ok=True)
            folder.with_suffix(".part").replace(folder)
    return folder / "node_modules" / name


def _draft() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="akbot-npm-")


def _npm(*arguments: str) -> None:
    done = subprocess.run(
        [programs.find("npm"), *arguments], check=False, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        programs.missing(f"npm {arguments[0]} failed: {done.stderr.strip()[-300:]}")
