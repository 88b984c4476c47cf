"""What a drill found, as lines of text. Pure, like `render`."""

from datetime import datetime

from bot.domain.drill import DrillReport
from bot.domain.durations import duration
from bot.domain.printable import one_line
from bot.entrypoints.render import age_of


def report_lines(report: DrillReport, now: datetime) -> list[str]:
    """What came back, by which a person knows that it is theirs, and how long it took."""
    lines = [f"Backup {report.backup_id} came back whole: {one_line(', '.join(report.components))}"]
    if report.rows is not None:
        lines.append(f"  rows          {report.rows:,}, each table as many as were backed up")
    contents = report.contents
    if contents and contents.users is not None:
        lines.append(f"  users         {contents.users:,}")
    if contents and contents.applications is not None:
        lines.append(f"  applications  {contents.applications:,}")
    if contents and contents.newest_event:
        event = contents.newest_event
        lines.append(f"  newest event  {event:%Y-%m-%d %H:%M} UTC, {age_of(event, now)}")
    if report.keys is not None:
        lines.append(f"  Redis         {report.keys:,} keys")
    if report.boot_seconds is not None:
        took = duration(report.boot_seconds)
        lines.append(f"  Authentik     started on the copy, served its login page after {took}")
    lines.append(f"A real restore reads and loads for about {duration(report.load_seconds or 0)}.")
    return lines
