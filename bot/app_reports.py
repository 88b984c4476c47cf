"""The part of the composition root that builds what makes reports and their picture."""

from bot.adapters.gauge import DockerGauge
from bot.adapters.painter import ChildPainter
from bot.app import App
from bot.domain.drill import DrillReport
from bot.domain.report_facts import Expected
from bot.domain.surroundings_subjects import needed_for_login
from bot.services.charts import Charts
from bot.services.drill_history import DrillHistory
from bot.services.reports import Reports


def build_reports(app: App) -> Reports:
    """`akbot report`, and what the chat tells by itself."""
    settings, now = app.settings, app.clock.now()
    history = DrillHistory(app.stores, app.keys.trusted)

    async def newest_drill() -> DrillReport | None:
        return await history.newest(await app.whereabouts.name())

    return Reports(
        app.journal.jobs,
        app.journal.incidents.since,
        app.catalogue,
        newest_drill,
        app.updates.check.run if settings.plan_of_update_checks else None,
        app.pause,
        app.folder.made_at,
        Expected(
            backup_within=settings.longest_without_backup(now),
            drills=settings.plan_of_drills,
            catch_up=settings.catch_up + settings.delay,
        ),
        needed_for_login(settings.service_names()),
        app.clock,
    )


def build_charts(app: App) -> Charts:
    """The picture under a report, and of the status in the chat."""
    gauge = DockerGauge(app.engine.api, app.clock)
    return Charts(
        app.journal.jobs.jobs,
        app.journal.incidents.since,
        needed_for_login(app.settings.service_names()),
        app.clock,
        gauge,
        ChildPainter(),
        app.settings.zone,
    )
