"""What an update has to know of registry and stack before it decides."""

from dataclasses import dataclass, replace

from bot.domain.errors import UpToDateError
from bot.domain.findings import Level
from bot.domain.jobs import ALL_JOBS
from bot.domain.kept_moved import undo_ends
from bot.domain.messages import RunUpdate
from bot.domain.restore import Site
from bot.domain.stack import Stack
from bot.domain.update import UNTOUCHED
from bot.domain.update_gate import Baseline
from bot.domain.update_outlook import HopOutlook, Outlook
from bot.domain.update_preview import UpdatePreview, require_fit
from bot.domain.updated import predict_away
from bot.services.compose_ports import ComposeFiles
from bot.services.journal_ports import JobJournal
from bot.services.outage import before_the_way
from bot.services.ports import Engine
from bot.services.preflight import Preflight
from bot.services.restore_ports import Tools, Workplace
from bot.services.update_ports import Gates


@dataclass(frozen=True)
class Gathered:
    """All that is known before anything is done."""

    stack: Stack
    site: Site
    tools: Tools
    outlook: Outlook
    baseline: Baseline
    preview: UpdatePreview
    left_behind: tuple[str, ...]

    def image(self, hop: HopOutlook) -> str:
        """As Compose will name it: what runs, with another tag."""
        name = self.stack.server.image.partition("@")[0]
        repository, colon, tag = name.rpartition(":")
        return f"{repository if colon and '/' not in tag else name}:{hop.version}"


@dataclass(frozen=True)
class UpdateLook:
    """Looks, and changes nothing."""

    engine: Engine
    preflight: Preflight
    workplace: Workplace
    gates: Gates
    project: ComposeFiles
    journal: JobJournal

    async def gather(self, command: RunUpdate, key: str) -> Gathered:
        """All that is known, by the tools of *key*.

        Raises UpToDateError where nothing newer is wanted, RefusedError where the stack is not fit.
        """
        stack = await self.engine.find_stack()
        with before_the_way():
            ahead = await self.preflight.look_ahead(
                command.tag, rehearse=command.rehearse, apply_compose=command.apply_compose
            )
        outlook, findings = ahead.outlook, ahead.findings
        if outlook.up_to_date:
            raise UpToDateError(f"{outlook.current} runs, and nothing newer is wanted. {UNTOUCHED}")
        require_fit(outlook, findings, named=bool(command.tag))
        site = await self.workplace.survey(stack)
        site = replace(site, outposts=await self.workplace.outposts(stack))
        tools = await self.workplace.tools(site, key)
        baseline = await self.gates.of(site).baseline()
        change = None
        if command.apply_compose:
            change = await self.project.plan(site, outlook.current.family, outlook.target.family)
        jobs = await self.journal.jobs(ALL_JOBS)
        preview = UpdatePreview(
            place=outlook.place,
            current=str(outlook.current),
            target=str(outlook.target),
            hops=outlook.hops,
            warnings=(
                *(each for each in findings if each.level is Level.WARNING),
                *undo_ends(jobs, change.change if change else None),
            ),
            rehearse=command.rehearse,
            diff=change.diff if change else "",
            not_checked=baseline.unchecked,
            away=predict_away(jobs, len(outlook.hops)),
        )
        return Gathered(stack, site, tools, outlook, baseline, preview, ahead.left_behind)
