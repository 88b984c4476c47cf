"""What happened while the bot was away: all of it comes, in order, and merged where it can be."""

from bot.domain.incident import Closed, Opened
from bot.domain.jobs import Job, JobState, Trigger
from bot.domain.messages import RunBackup
from bot.services.journal_ports import Message
from tests.bot_api.chats import Chat
from tests.fakes_charts import PNG
from tests.telegram_chat.test_burst import is_written
from tests.telegram_chat.test_late import CRASH
from tests.telegram_chat.world import ANNA, NOW, World

FILE = ("x.txt", "all of it")
TEN_HOURS = 36_000
FAILURES, WITH_DOCUMENT = 130, 26  # far more than a page of the journal, and every so many of them


async def written(world: World, *messages: Message) -> None:
    for message in messages:
        assert await world.outbox.put(message, world.clock.now())


def text(name: str) -> Message:
    return Message(key=name, chat=ANNA, text=name)


def told(chat: Chat) -> list[str]:
    """All that was said, the captions as well, line by line."""
    return "\n".join(chat.texts).splitlines()


async def test_documents_and_pictures_come_where_they_stand(world: World) -> None:
    await written(world, *map(text, ("no 0", "no 1", "no 2")))
    await written(world, Message(key="document", chat=ANNA, text="a document", document=FILE))
    await written(world, *map(text, ("no 3", "no 4")))
    await written(world, Message(key="picture", chat=ANNA, text="a picture", picture=PNG))
    await written(world, text("no 5"))
    world.clock.advance(hours=3)
    async with world.talking():
        await world.said("no 5")
        await world.all_sent()

    wanted = [*(f"no {number}" for number in range(6)), "a document", "a picture"]
    order = [line for line in told(world.anna.chat) if line in wanted]
    assert order == ["no 0", "no 1", "no 2", "a document", "no 3", "no 4", "a picture", "no 5"]
    heads = [each.partition(":\n")[0] for each in world.anna.chat.texts]
    mark = "🕰 From 12:00 (3 h ago)"
    assert heads == [
        "6 things happened while I was away (1 to 3)",
        f"{mark}\na document",
        "6 things happened while I was away (4 to 5)",
        f"{mark}\na picture",
        f"{mark}\nno 5",
    ]
    labels = [each.labels for each in world.anna.chat.from_bot]
    assert labels == [[], [], ["Status", "Jobs"], [], []], "below the last that several came as"


async def test_a_change_of_what_has_come_before_parts_nothing(world: World) -> None:
    """It is an edit in its own place, which nobody reads in a row with what is new."""
    await written(world, text("before"))
    async with world.talking():
        await world.said("before")
        await world.all_sent()
    await written(world, *map(text, ("no 0", "no 1", "no 2", "no 3", "no 4", "no 5")))
    await world.outbox.change("before", "before, and changed")
    world.clock.advance(hours=3)
    async with world.talking():
        await world.said("6 things happened while I was away:")
        await world.all_sent()

    assert len(world.anna.chat.from_bot) == 2
    assert world.anna.chat.texts[0] == "before, and changed"


async def fails(world: World) -> str:
    """A backup of which Anna is to hear; returns the key of what she is told."""
    world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
    job = world.operations.end(JobState.FAILED, f"failed at {world.clock.now():%H:%M}")
    key = f"outcome:{job.id}@{ANNA}"
    await is_written(world, key)
    return key


async def is_tried(world: World, key: str) -> None:
    """In vain, that is: Telegram is away."""

    async def tried() -> bool:
        found = await world.outbox.find(key)
        return found is not None and found.attempted

    await world.until(tried, 1)


async def test_an_incident_of_the_absence_comes_where_it_happened(world: World) -> None:
    async with world.talking() as chat:
        world.telegram.down()
        await fails(world)
        world.clock.advance(hours=2.5)
        await chat.incidents.opened(Opened(CRASH))
        world.clock.advance(hours=2.5)
        await fails(world)
        world.clock.advance(hours=2.5)
        await chat.incidents.closed(Closed(CRASH, NOW, "x", frozenset()))
        world.clock.advance(hours=2.5)
        world.telegram.up()
        await world.said("well again")
        await world.all_sent()

    words = ("failed at 12:00", "worker has crashed", "failed at 17:00", "worker is well again")
    assert len(world.anna.chat.texts) == len(words)
    for text, word in zip(world.anna.chat.texts, words, strict=True):
        assert word in text


async def test_what_is_new_when_an_absence_ends_comes_after_what_is_old(world: World) -> None:
    async with world.talking() as chat:
        world.telegram.down()
        keys = []
        for _ in range(7):
            keys.append(await fails(world))
            world.clock.advance(hours=1)
        await chat.incidents.opened(Opened(CRASH))
        world.clock.advance(360)
        await is_tried(world, keys[-1])  # else what is on its way as the absence ends lacks it
        world.telegram.up()
        await world.said("has crashed")
        await world.all_sent()

    together, alarm = world.anna.chat.texts
    assert together.startswith("7 things happened while I was away")
    assert "worker has crashed" in alarm


async def test_of_ten_hours_nothing_is_lost_however_much_it_was(world: World) -> None:
    jobs: list[Job] = []
    for number in range(FAILURES):
        world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
        reason = f"attempt {number} failed"
        is_long = number % WITH_DOCUMENT == 0
        jobs.append(world.operations.end(JobState.FAILED, reason + is_long * " in the end" * 99))
        world.clock.advance(TEN_HOURS / FAILURES)
    async with world.talking():
        for person in (world.anna, world.boris):
            await world.said(f"attempt {FAILURES - 1} failed", person.chat)
        await world.all_sent()

    for person in (world.anna, world.boris):
        chat = person.chat
        said = "\n".join(chat.texts)
        counts = [said.count(f"attempt {number} failed") for number in range(FAILURES)]
        assert counts == [1] * FAILURES
        places = [said.index(f"attempt {number} failed") for number in range(FAILURES)]
        assert places == sorted(places)
        for number in range(0, FAILURES, WITH_DOCUMENT):
            [at] = [at for at, each in enumerate(chat.texts) if f"attempt {number} failed" in each]
            after = chat.from_bot[at + 1]
            assert after.file
            assert f"All that was said about {jobs[number].id}" in after.text
        assert len(chat.from_bot) < FAILURES / 3
