"""Commands whose whole work is their answer: a value for JSON, and the lines that say the same."""

import argparse
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.app import App
    from bot.domain.incident import Incident
    from bot.domain.messages import RunRestore

_SHOWN = 20

Answer = Callable[["App", argparse.Namespace], Awaitable[tuple[Any, Sequence[str]]]]


async def backups(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot backups`."""
    from bot.domain.catalogue import choose  # noqa: PLC0415 - "--help" needs none of it
    from bot.entrypoints import render  # noqa: PLC0415

    catalogue = (await app.catalogue()).require_an_answer()
    records = catalogue.records
    if args.id:
        record = choose(records, args.id)
        manifest = await app.manifest(record) if record.summary else None
        value = {**asdict(record), "manifest": asdict(manifest) if manifest else None}
        return value, render.manifest_lines(record, manifest)
    if args.json:
        return [asdict(each) for each in records], ()
    lines = render.backup_lines(records, app.clock.now(), places=app.stores.several)
    return None, [*lines, *render.silent_lines(catalogue.silent)]


async def jobs(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot jobs`."""
    from bot.domain.jobs import (  # noqa: PLC0415
        ALL_JOBS,
        choose_job,
        read_jobs_words,
        require_unsettled,
    )
    from bot.entrypoints import render  # noqa: PLC0415

    settle, wanted = read_jobs_words(args.words)
    if not wanted:
        newest = await app.orders.among(await app.standing.jobs(_SHOWN), _SHOWN)
        return [asdict(each) for each in newest], render.jobs_lines(newest, app.settings.zone)
    chosen = choose_job(await app.standing.jobs(ALL_JOBS), wanted)
    if not settle:
        return asdict(chosen), render.job_lines(chosen, app.settings.zone)
    require_unsettled(chosen)
    job = await app.jobs.settle(chosen)
    return asdict(job), [f"Job {job.id} is settled: nothing of it is tried any more."]


async def prune(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot prune`."""
    import getpass  # noqa: PLC0415 - "--help" needs none of it

    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunPrune  # noqa: PLC0415
    from bot.entrypoints import render_prune  # noqa: PLC0415

    if args.dry_run:
        plans, now = await app.upkeep.plan_prune(), app.clock.now()
        return render_prune.by_store(
            plans, render_prune.plan_value, lambda plan: render_prune.plan_lines(plan, now)
        )
    pruned = await app.upkeep.prune(RunPrune(trigger=Trigger.CLI, actor=getpass.getuser()))
    return render_prune.by_store(
        pruned.by_store, render_prune.pruned_value, render_prune.pruned_lines
    )


async def delete(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot delete`."""
    import getpass  # noqa: PLC0415 - "--help" needs none of it

    from bot.domain.errors import RefusedError  # noqa: PLC0415
    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunDelete  # noqa: PLC0415
    from bot.entrypoints import render_prune  # noqa: PLC0415
    from bot.entrypoints.confirmation import Confirmation  # noqa: PLC0415

    command = RunDelete(
        trigger=Trigger.CLI,
        actor=getpass.getuser(),
        backup=args.id,
        store=args.store or "",
        force=args.force,
    )
    doomed = await app.upkeep.plan_delete(command)
    if not await Confirmation(agreed=args.yes).delete(doomed):
        raise RefusedError(
            "the deletion was not confirmed", hint="Nothing was deleted. --yes confirms it."
        )
    deleted = await app.upkeep.delete(command, doomed)
    return asdict(deleted), render_prune.deleted_lines(deleted)


async def copy(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:  # noqa: ARG001
    """`akbot copy`."""
    import getpass  # noqa: PLC0415 - "--help" needs none of it

    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunCopy  # noqa: PLC0415

    copied = await app.upkeep.copy(RunCopy(trigger=Trigger.CLI, actor=getpass.getuser()))
    done = [{"id": each.record.id, "store": each.target} for each in copied.done]
    lines = [f"copied  {each.record.id} to {each.target}" for each in copied.done]
    return done, lines or ["No store that answers lacks a backup."]


async def drill(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot drill`."""
    import getpass  # noqa: PLC0415

    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunDrill  # noqa: PLC0415
    from bot.entrypoints import render_drill  # noqa: PLC0415

    command = RunDrill(trigger=Trigger.CLI, actor=getpass.getuser(), backup=args.id, boot=args.boot)
    report = await app.proofs.drill(command)
    return asdict(report), render_drill.report_lines(report, app.clock.now())


async def restore(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot restore`."""
    import getpass  # noqa: PLC0415 - "--help" needs none of it

    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunRestore  # noqa: PLC0415
    from bot.domain.signature import parse_public_key  # noqa: PLC0415

    command = RunRestore(
        trigger=Trigger.CLI,
        actor=getpass.getuser(),
        backup=args.id,
        components=frozenset(args.component),
        trust=parse_public_key(args.trust, "--trust") if args.trust else None,
        allow_unsigned=args.allow_unsigned,
        with_redis=args.with_redis,
        keep_queue=args.keep_queue,
        apply_compose=args.apply_compose,
        safety_backup=not args.no_safety_backup,
        undo=args.undo,
        dump=args.dump or "",
    )
    if args.bootstrap:
        return await _bootstrap(app, args, command)
    if args.from_url or args.identity:
        from bot.app_elsewhere import Elsewhere, reading_from  # noqa: PLC0415

        elsewhere = Elsewhere(args.from_url or "", args.identity, args.stack or "")
        async with reading_from(app, elsewhere):
            return await _restored(app, args, command)
    return await _restored(app, args, command)


async def _restored(
    app: "App", args: argparse.Namespace, command: "RunRestore"
) -> tuple[Any, Sequence[str]]:
    from bot.entrypoints import render_restore  # noqa: PLC0415
    from bot.entrypoints.confirmation import Confirmation  # noqa: PLC0415

    if args.dry_run:
        preview = await app.restores.preview(command)
        return asdict(preview), render_restore.preview_lines(preview)
    restored = await app.restore(command, Confirmation(agreed=args.yes))
    return asdict(restored), render_restore.restored_lines(restored)


async def _bootstrap(
    app: "App", args: argparse.Namespace, command: "RunRestore"
) -> tuple[Any, Sequence[str]]:
    from bot.app_bootstrap import Bootstraps  # noqa: PLC0415
    from bot.entrypoints import render_bootstrap  # noqa: PLC0415
    from bot.entrypoints.confirmation import Confirmation  # noqa: PLC0415

    bootstraps = Bootstraps(app, args.wanted)
    if args.dry_run:
        preview = await bootstraps.preview(command)
        return render_bootstrap.preview_value(preview), render_bootstrap.preview_lines(preview)
    try:
        done = await bootstraps.run(command, Confirmation(agreed=args.yes).bootstrap)
    finally:
        args.has_laid = await bootstraps.has_laid()
    return asdict(done), render_bootstrap.done_lines(done)


async def pin(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot pin`."""
    from bot.cli_orders import carry_out  # noqa: PLC0415
    from bot.domain.orders import OrderKind  # noqa: PLC0415
    from bot.entrypoints import render_prune  # noqa: PLC0415

    kind = OrderKind.UNPIN if args.remove else OrderKind.PIN
    pin = partial(app.upkeep.pin, args.id, not args.remove)
    record = await carry_out(app, kind, args.id, pin, lambda pinned: pinned.id)
    return asdict(record), render_prune.pin_lines(record)


async def rekey(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot rekey`."""
    import getpass  # noqa: PLC0415 - "--help" needs none of it

    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunRekey  # noqa: PLC0415
    from bot.entrypoints import render_rekey  # noqa: PLC0415

    if args.dry_run:
        plan = await app.upkeep.plan_rekey(args.id)
        return render_rekey.plan_value(plan), render_rekey.plan_lines(plan)
    command = RunRekey(trigger=Trigger.CLI, actor=getpass.getuser(), backup=args.id)
    done = await app.upkeep.rekey(command)
    return asdict(done), render_rekey.done_lines(done)


def _incident_value(incident: "Incident") -> dict[str, str]:
    return {
        "subject": incident.root,
        "trouble": incident.trouble,
        "detail": incident.detail,
        "began": incident.began.isoformat(),
    }


async def status(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:  # noqa: ARG001
    """`akbot status`."""
    from bot.domain.incident import AROUND  # noqa: PLC0415
    from bot.domain.jobs import JobState, describe  # noqa: PLC0415
    from bot.domain.printable import one_line  # noqa: PLC0415
    from bot.entrypoints import render  # noqa: PLC0415

    stack = await app.whereabouts.find()
    catalogue = await app.catalogue()
    records = catalogue.records
    jobs = await app.standing.jobs(_SHOWN)
    running = [job for job in jobs if job.state is JobState.RUNNING]
    now = app.clock.now()
    found = await app.pause.read()
    pause = found if found and found.holds(now) else None
    around = [each for each in await app.journal.incidents.open_ones() if each.trouble in AROUND]
    value = {
        "containers": [asdict(each) for each in stack.containers],
        "around": [_incident_value(each) for each in around],
        "backups": [
            {"id": each.id, "state": each.state, "stores": each.stores, "lacking": each.lacking}
            for each in records
        ],
        "running": [asdict(job) for job in running],
        "paused": asdict(pause) if pause else None,
    }
    lines = render.status_lines(stack.containers, records, now, around)
    lines += render.silent_lines(catalogue.silent)
    lines += [f"Running now: {one_line(describe(job))}" for job in running]
    if pause:
        lines.append(one_line(f"Paused: {pause.words}. {pause.remedy}"))
    return value, lines
