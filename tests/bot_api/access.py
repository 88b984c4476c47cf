"""Which chat, topic and message a request means, and whether the bot may write there."""

from tests.bot_api.chats import Chat, Message
from tests.bot_api.errors import ApiError, bad_request, forbidden, too_many_requests
from tests.bot_api.request import Request
from tests.bot_api.world import World


def chat_of(world: World, request: Request) -> Chat:
    """Return the chat, in which the bot may be unable to write.

    Raises:
        ApiError: There is no such chat, as far as this bot knows.
    """
    sent = request.text("chat_id")
    if not sent:
        raise bad_request("chat_id is empty")
    chat = world.chats.get(request.number("chat_id"))
    if chat is None:
        raise bad_request("chat not found")
    return chat


def writable_chat(world: World, request: Request) -> Chat:
    """Return the chat, in which the bot may write.

    Raises:
        ApiError: It may not.
    """
    chat = chat_of(world, request)
    require_unmoved(chat)
    if refusal := _refusal(chat):
        raise refusal
    return chat


def require_unmoved(chat: Chat) -> None:
    """Raises ApiError, with the new number, where the chat has become a supergroup."""
    if chat.upgraded_to is not None:
        why = "group chat was upgraded to a supergroup chat"
        raise bad_request(why, migrate_to_chat_id=chat.upgraded_to)


def admit(world: World, chat: Chat) -> None:
    """Count a message against the limits, if there are any.

    Raises:
        ApiError: The bot is too fast.
    """
    if world.limits is None:
        return
    group = chat.type != "private"
    if seconds := world.limits.retry_after(chat.id, world.now(), group=group):
        raise too_many_requests(seconds)


def thread_of(request: Request, chat: Chat) -> int | None:
    """Return the topic to write to, None for the chat itself."""
    thread = request.number("message_thread_id")
    if not thread:
        return None
    if thread not in chat.topics or thread in chat.deleted_topics:
        raise bad_request("message thread not found")
    return thread


def message_of(request: Request, chat: Chat, what: str) -> Message:
    """Return the message that *what*, such as "message to edit", means."""
    if not request.text("message_id"):
        raise bad_request("message identifier is not specified")
    message = chat.find(request.number("message_id"))
    if message is None:
        raise bad_request(f"{what} not found")
    return message


def _refusal(chat: Chat) -> ApiError | None:
    match chat.bot:
        case "blocked":
            return forbidden("bot was blocked by the user")
        case "never started":
            return forbidden("bot can't initiate conversation with a user")
        case "kicked":
            return forbidden(f"bot was kicked from the {chat.type} chat")
        case "left":
            return forbidden(f"bot is not a member of the {chat.type} chat")
        case _:
            return None
