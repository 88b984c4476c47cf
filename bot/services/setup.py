"""Set akbot up beside a stack that runs: look, do the next step that is missing, look again.

Before anything is written store and chat are tried with what was given. Every step is whole or not
at all and shows in what is there afterwards, so the same call goes on after a kill, and changes
nothing once all is done.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.errors import BotError, RefusedError
from bot.domain.setup import SetUp, Step, recommended, remaining
from bot.services.keyring import fingerprint
from bot.services.kit import KitKeys, KitService
from bot.services.ports import Clock, KitLog
from bot.services.setup_ports import BotContainer, ChatTrial, FirstJobs, Proof, SetupFiles
from bot.services.setup_trial import try_stores
from bot.services.stores import Stores


@dataclass(frozen=True)
class SetUpDone:
    """What this call has *done*, and what is *left* for a person."""

    done: tuple[Step, ...] = ()
    left: tuple[Step, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetupService:
    """`akbot setup`; *chat* is None without a token.

    *wanted* is what akbot.env is to say, *place* what the bot's own compose file is told: nothing
    where the stack's has the bot.
    """

    files: SetupFiles
    keys: KitKeys
    kit: KitService
    kit_log: KitLog
    jobs: FirstJobs
    bot: BotContainer
    proof: Proof
    stores: Stores
    chat: ChatTrial | None
    clock: Clock
    wanted: Mapping[str, str]
    place: Mapping[str, str]
    tell: Callable[[str], object]

    async def run(self) -> SetUpDone:
        """Do all that is still to be done.

        Raises:
            ConfigError: what was given does not work; nothing was written.
            BotError: a step failed; those before it stay, and the same call goes on with it.
        """
        await self.try_out()
        done: list[Step] = []
        left: list[Step] = []
        while step := await self._next({*left}):
            if step in done:
                raise BotError(
                    f"{step}: that was done, and does not show", hint="Run the set-up once more."
                )
            self.tell(f"{step} …")
            (done if await self._do(step) else left).append(step)
        if not left and (advice := recommended(await self.files.settings())):
            self.tell(advice)
        return SetUpDone(tuple(done), tuple(left))

    async def try_out(self) -> None:
        """Use store and token once, for real. Raises ConfigError; what works is told."""
        for line in await try_stores(self.stores, self.clock):
            self.tell(line)
        if self.chat:
            self.tell(f"Telegram: the token is that of @{await self.chat.name()}")

    async def gather(self) -> SetUp:
        """What there is."""
        facts = await asyncio.to_thread(self.keys.facts)
        held = await asyncio.to_thread(self.keys.identities)
        confirmed = (await self.kit_log.read()).confirmed
        said = await self.files.settings()
        placed = await self.files.place()
        return SetUp(
            settings_written=await self.files.is_private() and _says(said, self.wanted),
            place_written=_says(placed, self.place),
            has_keys=bool(facts.recipients),
            kit_confirmed=confirmed is not None and confirmed.counts_for(facts.recipients),
            has_backup=await self.jobs.has_backup(),
            has_drill=await self.jobs.has_drill(),
            can_drill=any(fingerprint(each.recipient()) in facts.recipients for each in held),
            settings_changed=await self.files.changed_at(),
            bot=await self.bot.look(),
        )

    async def _next(self, left: set[Step]) -> Step | None:
        steps = remaining(await self.gather())
        return next((step for step in steps if step not in left), None)

    async def _do(self, step: Step) -> bool:
        """Whether it is done; false where a person has to do something first."""
        match step:
            case Step.SETTINGS:
                await self.files.write_settings(self.wanted)
            case Step.PLACE:
                await self.files.write_place(self.place)
            case Step.KEYS:
                await asyncio.to_thread(self.keys.keyring)
            case Step.KIT:
                return await self._prove_the_key()
            case Step.BACKUP:
                self.tell(f"backup {await self.jobs.backup()} is good")
            case Step.DRILL:
                self.tell(await self.jobs.drill())
            case Step.BOT:
                await self.bot.start()
        return True

    async def _prove_the_key(self) -> bool:
        """See a test message opened with the key that a person keeps."""
        if self.proof.typed:
            return await self._accepts(self.proof.typed)
        facts = await asyncio.to_thread(self.keys.facts)
        sheet = ""
        if facts.identity_is_only_here:
            sheet = await self.files.write_sheet(await self.kit.make(with_key=True))
        challenge = (await self.kit.challenge()).decode()
        while answer := await self.proof.answer(challenge, sheet):
            try:
                return await self._accepts(answer)
            except RefusedError as error:
                if not self.proof.patient:
                    raise
                self.tell(error.in_full())
        return False

    async def _accepts(self, answer: str) -> bool:
        await self.kit.answer(answer)
        self.tell("the private key is kept: it has opened the test message")
        return True

    async def undo(self, *, with_keys: bool) -> Sequence[str]:
        """Take away what a set-up has made, but no backup; the keys only where that was said."""
        told = ["the bot's container is removed"] if await self.bot.remove() else []
        told += await self.files.take_back()
        await self.files.remove_sheet()
        if with_keys:
            told += await self.files.remove_keys()
        if told and not self.place:  # the stack's own file has the bot: it stays, with what is left
            await self.bot.start()
        return told


def _says(said: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(said.get(name) == value for name, value in wanted.items())
