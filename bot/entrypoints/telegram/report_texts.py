"""What is told of a span of time: the report, and the line of a day. Pure, like `texts`."""

import re
from collections.abc import Sequence

from bot.domain.findings import Finding, Level
from bot.domain.report import LONGEST_DAYS, Report
from bot.entrypoints.render_report import daily_words, report_rows
from bot.entrypoints.telegram.local_times import local
from bot.entrypoints.telegram.markup import LONGEST_TEXT, bold, code, fitting, plain
from bot.entrypoints.telegram.texts import Wall

_LONGEST_WORDS = 400
# As a terminal is told it; the chat has the same by these names, which a phone can press.
_COMMAND = re.compile(r'"akbot ((?:backup|backups|drill|jobs|resume|status|update)(?: \w[\w-]*)?)"')
_SIGNS = {Level.FAILURE: "🆘", Level.WARNING: "⚠️"}


def report(made: Report, wall: Wall) -> str:
    """All of it; what needs somebody stands first, since a phone shows the beginning."""
    days = round((made.end - made.begin).total_seconds() / 86_400)
    span = "day" if days == 1 else f"{days} days"
    lines = [f"📋 <b>The last {span}</b>, until {wall.time(made.end)}"]
    lines += _needs(made.needs, wall) or ["✅ Nothing needs you."]
    lines.append("")
    lines += [
        f"{bold(name)}: {plain(local(words, wall), _LONGEST_WORDS)}"
        for name, words in report_rows(made)
    ]
    return fitting("\n".join(lines), LONGEST_TEXT)


def daily(made: Report, wall: Wall) -> str:
    """A day in a line; below it what needs somebody."""
    words = plain(local(daily_words(made), wall), _LONGEST_WORDS)
    head = f"✅ <b>All is well</b>: {words}."
    if not made.is_well:
        head = f"⚠️ <b>The last day</b>: {words}."
    return fitting("\n".join([head, *_needs(made.needs, wall)]), LONGEST_TEXT)


def _needs(found: Sequence[Finding], wall: Wall) -> list[str]:
    return [
        f"{_SIGNS[each.level]} {_sentence(local(each.message, wall))}"
        f" {plain(_pressed(local(each.remedy, wall)))}"
        for each in found
    ]


def _pressed(remedy: str) -> str:
    return _COMMAND.sub(r"/\1", remedy)


def _sentence(words: str) -> str:
    return f"{plain(words[:1].upper() + words[1:], _LONGEST_WORDS).rstrip('.')}."


def report_what(words: str) -> str:
    """The answer to /report with words that are no number of days."""
    return (
        f"I do not know what {code(words)} means. Send {code('/report')} for the last seven days,"
        f" or {code('/report 30')} for more, up to {LONGEST_DAYS}."
    )
