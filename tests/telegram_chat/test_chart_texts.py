"""The caption says what the picture shows."""

from datetime import UTC, datetime, timedelta

from bot.domain.charts import BackupDot, Figures, MemorySample, MemoryUse, Outage
from bot.entrypoints.telegram import chart_texts
from bot.entrypoints.telegram.markup import strip_tags, units

NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
MB = 1_000_000
DOTS = (
    BackupDot(NOW - timedelta(days=12), 198 * MB, 48),
    BackupDot(NOW - timedelta(days=6), 205 * MB, None),
    BackupDot(NOW, 215 * MB, 21),
)


def use(service: str, *used: int, limit: int | None = None, restarts: int = 0) -> MemoryUse:
    samples = tuple(MemorySample(NOW, each * MB) for each in used)
    return MemoryUse(service, samples, limit and limit * MB, restarts)


def test_each_panel_is_a_line() -> None:
    whole = Figures(
        DOTS,
        (
            use("postgresql", 96),
            use("server", 702, 612, limit=1024),
            use("worker", 960, limit=1024, restarts=3),
        ),
        (
            Outage(NOW - timedelta(days=4), "update failed", 148, bad=True),
            Outage(NOW - timedelta(days=2), "restore", 12.4),
        ),
    )

    assert chart_texts.caption(whole).splitlines() == [
        "Backup size: 215.0 MB on 24 Nov, 198.0 MB on 12 Nov; 3 backups",
        "Backup duration: 21 s on 24 Nov, the longest 48 s on 12 Nov",
        (
            "Memory: postgresql 96.0 MB; server 612.0 MB of 1.0 GB (60%), 702.0 MB at most;"
            " worker 960.0 MB of 1.0 GB (94%), nearly full, restarted 3 times"
        ),
        "Nobody could log in: 20 Nov update failed, 2 min 28 s; 22 Nov restore, 12 s",
    ]


def test_what_is_not_known_is_left_out() -> None:
    dots = (DOTS[0], DOTS[1])

    assert chart_texts.caption(Figures(dots)) == (
        "Backup size: 205.0 MB on 18 Nov, 198.0 MB on 12 Nov; 2 backups"
    )


def test_hostile_names_are_escaped_and_long_ones_cut() -> None:
    services = tuple(use(f"<b>&{number}" + "x" * 5000, 1) for number in range(40))

    text = chart_texts.caption(Figures(DOTS, services))

    assert units(strip_tags(text)) <= 1024
    assert "<b>" not in text
    assert "(cut)" in text
