"""How a backup's configuration differs from the one that is in place; no value is ever shown."""

import difflib
import io
import tarfile
from collections.abc import Mapping

from bot.domain.env_text import names_in
from bot.domain.errors import IntegrityError

MOST_BYTES = 4 * 1024 * 1024
_MEANINGS = {
    "PG_PASS": "the database keeps its own password",
    "AUTHENTIK_SECRET_KEY": "sessions and links that it had signed end",
}


def read_config(packed: bytes) -> dict[str, bytes]:
    """The files of a `config` component by name. Raises IntegrityError where it is none."""
    if len(packed) > MOST_BYTES:
        raise IntegrityError("the configuration in the backup is implausibly large")
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as archive:
            members = archive.getmembers()
            if any(each.issparse() for each in members):
                raise IntegrityError("the configuration in the backup has a file with holes")
            return {
                member.name: content.read()
                for member in members
                if member.isreg() and (content := archive.extractfile(member))
            }
    except tarfile.TarError as error:
        raise IntegrityError(f"read the configuration in the backup: {error}") from error


def compare_configs(then: Mapping[str, bytes], now: Mapping[str, bytes], tag: str) -> list[str]:
    """What is another than it was, in sentences; the setting *tag* is the restore's own to set."""
    found: list[str] = []
    for name in sorted(then.keys() | now.keys()):
        if name not in now:
            found.append(f"{name} was there, and is not now")
        elif name not in then:
            found.append(f"{name} is new since")
        elif then[name] == now[name]:
            continue
        elif name.endswith(".env"):
            found += _compare_settings(name, names_in(then[name]), names_in(now[name]), tag)
        else:
            changed = _changed_lines(then[name], now[name])
            found.append(f"{name} differs in {changed} lines; the one in place stays")
    return found


def without_compose(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """All but the compose files."""
    return {name: text for name, text in files.items() if not name.endswith((".yml", ".yaml"))}


def _compare_settings(
    file: str, then: Mapping[str, str], now: Mapping[str, str], tag: str
) -> list[str]:
    found: list[str] = []
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) == now.get(name) or name == tag:
            continue
        meaning = _MEANINGS.get(name)
        more = f" ({meaning})" if meaning else ""
        found.append(f"{name} in {file} is another one now; the one in place stays{more}")
    return found


def _changed_lines(then: bytes, now: bytes) -> int:
    before, after = (text.decode("utf-8", "replace").split("\n") for text in (then, now))
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    same = sum(block.size for block in blocks)
    return len(before) + len(after) - 2 * same
