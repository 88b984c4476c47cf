"""Pictures as they are drawn: by a child process, of the size of a phone, and never for ever."""

import asyncio
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from bot.adapters.painter import ChildPainter
from bot.domain.charts import BackupDot, Figures, MemorySample, MemoryUse, Outage
from bot.domain.errors import PortError
from bot.entrypoints.drawing_canvas import Canvas

NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
MB = 1_000_000


def dots(count: int, *, seconds: float | None = 21, size: int = 215 * MB) -> tuple[BackupDot, ...]:
    return tuple(
        BackupDot(NOW - timedelta(days=count - each), size, seconds) for each in range(count)
    )


def use(service: str, *used: int, limit: int | None = None, restarts: int = 0) -> MemoryUse:
    return MemoryUse(service, tuple(MemorySample(NOW, each) for each in used), limit, restarts)


FULL = Figures(
    dots(21),
    (use("server", 700 * MB, 600 * MB), use("worker", 950 * MB, limit=1000 * MB, restarts=3)),
    (Outage(NOW, "update failed", 148, bad=True), Outage(NOW, "restore", 12)),
)
SPARE = Figures(dots(2, seconds=None))
ODD = Figures(
    (BackupDot(NOW, 0, 0.0), BackupDot(NOW, 0, 0.0)),
    (use("x" * 500 + "🦊", 0, limit=1),),
    (Outage(NOW, "x" * 500, 0),),
)


@pytest.mark.parametrize("figures", [FULL, SPARE, ODD], ids=["full", "spare", "odd"])
async def test_a_picture_fits_a_phone(figures: Figures) -> None:
    picture = await ChildPainter().draw(figures)

    image = Image.open(io.BytesIO(picture))
    assert image.format == "PNG"
    assert image.width == 1080
    assert image.width / 3 < image.height <= image.width * 2
    assert len(picture) < 300_000


async def test_many_backups_are_drawn_within_a_blink() -> None:
    before = os.times().children_user
    await ChildPainter().draw(Figures(dots(60)))

    assert 0 < os.times().children_user - before < 20


def python(program: str, within: float = 300) -> ChildPainter:
    return ChildPainter((sys.executable, "-c", program), within=within)


@pytest.mark.parametrize(
    ("painter", "words"),
    [
        (python("import time; time.sleep(600)", within=1), "takes more than 1 s"),
        (python("raise SystemExit('no memory')"), "exit code 1: no memory"),
        (python("import os; os.kill(os.getpid(), 9)"), "exit code -9"),
        (python("pass"), "it has 0 bytes"),
        (python("print('x' * 1_000_000)"), "it has 1000001 bytes"),
        (ChildPainter(("/no/such/program",)), "No such file"),
    ],
    ids=["hangs", "fails", "killed", "silent", "large", "absent"],
)
async def test_what_goes_wrong_in_the_child_is_an_error_of_the_port(
    painter: ChildPainter, words: str
) -> None:
    with pytest.raises(PortError, match=words):
        await painter.draw(SPARE)


async def test_the_child_inherits_nothing() -> None:
    """Tokens and keys may stand in the environment, and a folder may hold modules of any name."""
    tell = "import os; print(os.getcwd(), *os.environ)"

    folder, *names = (await python(tell).draw(SPARE)).decode().split()

    assert folder == "/"
    assert set(names) <= {"LC_CTYPE"}  # which Python sets itself


async def test_a_child_is_gone_with_whoever_waits_for_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    drawing = asyncio.create_task(ChildPainter((sys.executable, "-c", program)).draw(SPARE))
    while not note.exists() or not note.read_text():  # noqa: ASYNC110 - another process's file
        await asyncio.sleep(0.01)

    drawing.cancel()
    async with asyncio.timeout(300):
        with pytest.raises(asyncio.CancelledError):
            await drawing

    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_a_child_is_killed_with_its_parent() -> None:
    """Its stdin stays open all the while, so that it is not the end of that which ends it."""
    stdin, held = os.pipe()
    parent = (
        "import subprocess, sys\n"
        "child = [sys.executable, '-I', '-m', 'bot.entrypoints.drawing']\n"
        "process = subprocess.Popen(child, stdin=0)\n"
        "print(process.pid, flush=True)\n"
        "process.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=stdin, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        os.write(held, b" " * 4 * PIPE)  # it returns once the child has read most of that
        process.kill()
    until(lambda: not Path(f"/proc/{child}").exists() or state_of(child) == "Z")
    os.close(held)
    os.close(stdin)


def test_a_name_that_is_too_long_is_cut_where_its_figure_begins() -> None:
    canvas = Canvas(100)

    assert canvas.write(0, 0, "x" * 500, size=40, within=300) <= 300
    assert canvas.write(0, 0, "worker", size=40, within=300) < 200


PIPE = 64 * 1024


def state_of(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def until(condition: Callable[[], bool]) -> None:
    for _ in range(15_000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


def imported(modules: Sequence[str]) -> set[str]:
    """What a process has loaded, once it has imported *modules*."""
    script = f"import sys\nfrom importlib import import_module\nfor each in {list(modules)!r}:\n"
    script += "    import_module(each)\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_the_daemon_never_loads_what_draws() -> None:
    loaded = imported(["bot.service", "bot.entrypoints.telegram.chat", "bot.adapters.painter"])

    assert "bot.entrypoints.telegram.pictures" in loaded
    assert not loaded & {"PIL", "bot.entrypoints.drawing"}
