"""A program in the place of `docker compose`, for what needs neither Compose nor an Engine."""

from pathlib import Path

from bot.adapters.compose_program import ComposeProgram


def program_that_says(script: str, project: Path, env: bytes) -> ComposeProgram:
    """Compose is *script* there; the folder *project* has *env* as its `.env`."""
    folder = project / "bin"
    folder.mkdir()
    (folder / "docker").write_text(script)
    (folder / "docker").chmod(0o755)
    (project / ".env").write_bytes(env)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(project)}
    return ComposeProgram(environment, project / "compose.lock")
