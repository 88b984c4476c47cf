"""The few questions of a set-up; what is answered is tried at once."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.domain.errors import BotError
from bot.services.setup_ports import ChatTrial, Questions, Writer

STORE, RECIPIENTS = "AKBOT_STORE", "AKBOT_RECIPIENTS"
KEY_NAME, KEY_SECRET = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
TOKEN, ADMINS = "AKBOT_TELEGRAM_TOKEN", "AKBOT_TELEGRAM_ADMINS"
_STORE_QUESTION = (
    "Where shall the backups lie? s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION, or",
    "  Enter for a folder of this machine, which dies with it. It can be changed later.",
)
_KEY_QUESTION = (
    "Who can open the backups? Give a public key (age1…) whose private key you keep elsewhere, or",
    "  Enter to have a key made here, which you then take along on the recovery kit.",
)
_TOKEN_QUESTION = (
    "A chat in Telegram? Give the token that @BotFather told you, or Enter for none.",
)
_WITHIN = 300.0  # seconds for a /start


@dataclass(frozen=True)
class Interview:
    """Asks *questions*; *check* tries settings, *try_store* the store that they name.

    *chat* is Telegram for settings that have a token. All of them raise BotError.
    """

    questions: Questions
    check: Callable[[Mapping[str, str]], None]
    try_store: Callable[[Mapping[str, str]], Awaitable[None]]
    chat: Callable[[Mapping[str, str]], ChatTrial]

    async def run(
        self, known: Mapping[str, str], *, is_first: bool, has_keys: bool
    ) -> dict[str, str]:
        """What was answered, by the setting's name; *known* is what needs no question.

        Where it is not the *first* set-up what is not set was left out on purpose.
        """
        answers: dict[str, str] = {}
        if is_first and STORE not in known:
            answers |= await self._until_it_works(known, self._store)
        if is_first and RECIPIENTS not in known and not has_keys:
            answers |= await self._until_it_works(known, self._key)
        if is_first and TOKEN not in known:
            answers |= await self._until_it_works(known, self._token)
        known = {**known, **answers}
        if TOKEN in known and ADMINS not in known:
            answers |= await self._until_it_works(known, self._admins)
        return answers

    async def _until_it_works(
        self,
        known: Mapping[str, str],
        question: Callable[[Mapping[str, str]], Awaitable[dict[str, str]]],
    ) -> dict[str, str]:
        """A person who mistyped may try again; Ctrl-C ends it, with nothing written."""
        while True:
            try:
                return await question(known)
            except BotError as error:
                self.questions.tell(f"That does not work: {error.in_full()}", "")

    async def _store(self, known: Mapping[str, str]) -> dict[str, str]:
        self.questions.tell(*_STORE_QUESTION)
        url = await self.questions.ask("Store: ")
        if not url:
            return {}
        answers = {STORE: url}
        self.check({**known, **answers})
        if url.startswith("s3:") and KEY_NAME not in known and "profile=" not in url:
            answers[KEY_NAME] = await self.questions.ask("Name of its access key: ")
            answers[KEY_SECRET] = await self.questions.secret("Its secret (not shown): ")
        answers = {name: value for name, value in answers.items() if value}
        self.check({**known, **answers})
        await self.try_store({**known, **answers})
        return answers

    async def _key(self, known: Mapping[str, str]) -> dict[str, str]:
        self.questions.tell(*_KEY_QUESTION)
        key = await self.questions.ask("Public key: ")
        if not key:
            return {}
        self.check({**known, RECIPIENTS: key})
        return {RECIPIENTS: key}

    async def _token(self, known: Mapping[str, str]) -> dict[str, str]:
        self.questions.tell(*_TOKEN_QUESTION)
        token = await self.questions.secret("Token (not shown): ")
        if not token:
            return {}
        answers = {TOKEN: token}
        self.check({**known, **answers})
        await self.chat({**known, **answers}).name()
        return answers

    async def _admins(self, known: Mapping[str, str]) -> dict[str, str]:
        chat = self.chat(known)
        self.questions.tell(f"Now send /start to @{await chat.name()} in Telegram. Waiting …")
        writers = await chat.writers(_WITHIN)
        self.questions.tell(*map(who, writers))
        usual = str(writers[0].id) if len({each.id for each in writers}) == 1 else ""
        offered = f", or Enter for {usual}" if usual else ""
        typed = await self.questions.ask(f"User ids that may do all, with commas{offered}: ")
        answers = {ADMINS: typed or usual}
        self.check({**known, **answers})
        return answers if answers[ADMINS] else await self._admins(known)


def who(writer: Writer) -> str:
    """Somebody who has written, in a line."""
    return f"{writer.name} (user id {writer.id}, in the chat {writer.chat})"
