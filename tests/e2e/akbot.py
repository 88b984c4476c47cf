"""The installed `akbot` as a person runs it: a process, its output, its exit code."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

PROGRAM = Path(sys.executable).with_name("akbot")
PATIENCE = 300


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Akbot:
    """`akbot` with its own state folder and settings, away from any settings file."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def state(self) -> Path:
        return Path(self.environment["AKBOT_STATE"])

    @property
    def identity(self) -> Path:
        return self.state / "identity.txt"

    def with_settings(self, **changes: str) -> "Akbot":
        return Akbot(self.folder, {**self.environment, **changes})

    def start(self, *arguments: str, output: TextIO | None = None) -> subprocess.Popen[str]:
        """Start it; what it writes goes into *output*, or into pipes of its own."""
        return subprocess.Popen(
            [PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=output or subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=dict(self.environment),
        )

    def __call__(self, *arguments: str) -> Ended:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE)
        return Ended(process.returncode, out, err)

    def ok(self, *arguments: str) -> str:
        ended = self(*arguments)
        assert ended.code == 0, ended.err
        return ended.out

    def backup(self, *arguments: str) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.ok("backup", "--json", *arguments))
        return manifest
