"""A restore on an empty host for people: what it would do, and how to go on after it. Pure."""

import shlex
from typing import Any

from bot.domain.bootstrap import BootstrapPreview
from bot.domain.durations import duration
from bot.domain.printable import one_line
from bot.entrypoints.render import size
from bot.services.bootstrap import Bootstrapped

_NEW_KIT = "It signs its backups with a key of its own: print a new recovery kit (akbot kit)."
_BOT_BESIDE = (
    "The bot is no service of this stack, so that none was given a key.",
    "Before one beside it starts put the private key into its state folder, AKBOT_STATE_DIR,",
    "  as identity.txt, unless akbot.env names recipients: else it makes itself a new one.",
    "Its schedules and its chat are paused. Once the old host is off, from akbot's folder:",
    "  docker compose -f deploy/compose.bot.yml exec bot akbot resume",
    _NEW_KIT,
)


def preview_lines(preview: BootstrapPreview) -> list[str]:
    """What will be laid onto the host, from which backup, and what should be known."""
    manifest, project, layout = preview.manifest, preview.project, preview.layout
    made = f"{manifest.created:%Y-%m-%d %H:%M} UTC, {size(manifest.stored_size)}"
    version = one_line(manifest.software.authentik or "?")
    files = ", ".join(one_line(each.name) for each in project.files)
    services = ", ".join(layout.services.values())
    folders = ", ".join(one_line(each.source) for each in layout.folders)
    lines = [
        f'Backup {manifest.id} of "{manifest.stack}", {made}, Authentik {version}, is to serve.',
        f"Written into {project.place}: {files}.",
        f'Made for the project "{layout.name}": {services}, and {folders}.',
    ]
    lines += [f"  changed: {one_line(each)}" for each in project.changes]
    lines += [f"  warning: {one_line(each)}" for each in preview.warnings]
    lines.append("The bot's schedules and chat stay paused: the old host may still live.")
    return lines


def preview_value(preview: BootstrapPreview) -> dict[str, Any]:
    """The same as data; what is in the files is nobody's business."""
    return {
        "backup": preview.manifest.id,
        "stack": preview.manifest.stack,
        "project": preview.layout.name,
        "place": preview.project.place,
        "files": [each.name for each in preview.project.files],
        "folders": [each.source for each in preview.layout.folders],
        "changes": preview.project.changes,
        "warnings": preview.warnings,
    }


def done_lines(done: Bootstrapped) -> list[str]:
    """What serves now, what does not, and how to go on."""
    version = f" with Authentik {done.version}" if done.version else ""
    place = shlex.quote(done.place)
    lines = [
        f"Backup {done.backup} serves on this host{version}, after {duration(done.seconds)}.",
        f"The rest of the stack starts with: cd {place} && {done.command} up -d",
    ]
    if done.has_bot:
        lines += [
            "Its schedules and its chat are paused. Once the old host is off:",
            f"  cd {place} && {done.command} exec bot akbot resume",
            _NEW_KIT,
        ]
    else:
        lines += _BOT_BESIDE
    return lines
