"""The recovery kit as plain text for paper: 78 columns, two pages, a little more with more stores.

It is read by somebody whose server is gone and who may never have heard of akbot, so it takes
nothing for granted but a new machine with Docker. Commands begin in the first column; only an
address that is longer than a line makes one longer.
"""

from collections.abc import Callable, Iterator, Sequence
from textwrap import wrap

from bot.domain import kit_commands
from bot.domain.kit import Kit, show_code
from bot.domain.kit_commands import WIDTH
from bot.domain.signature import PublicKey, signer_comment
from bot.domain.store_url import DirectoryLocation, S3Location

_INDENT = 3
_LONGEST_KEY = WIDTH - _INDENT
_BLANK = "_" * 40

Draw = Callable[[str], Sequence[str]]
"""Draws a text as a QR code, in lines."""


def kit_sheet(kit: Kit, draw: Draw) -> str:
    """The whole text."""
    lines = [
        f'RECOVERY KIT of the Authentik stack "{kit.stack}"',
        f"Printed {kit.printed:%Y-%m-%d %H:%M} UTC by akbot {kit.version}",
        "=" * WIDTH,
        *_purpose(kit),
        *_title("1  Where the backups are"),
        *_stores(kit),
        *_title("2  The keys"),
        *_public_keys(kit),
        *(_private_keys(kit, draw) if kit.keys else _where_the_key_is(kit)),
        *_title("3  Restore with akbot"),
        *_with_akbot(kit),
        *_title("4  Restore by hand, with stock programs"),
        *_by_hand(kit),
    ]
    return "\n".join(lines) + "\n"


def _purpose(kit: Kit) -> Iterator[str]:
    yield from _prose(
        "With this sheet, a new machine and Docker the stack comes back from its backups when the"
        " host is lost.",
        indent=0,
    )
    if kit.keys:
        yield from _prose(
            "WHOEVER HOLDS THIS SHEET CAN READ EVERY BACKUP. Keep it as you keep a passport:"
            " away from the host, and better in two places than in one.",
            indent=0,
        )


def _stores(kit: Kit) -> Iterator[str]:
    if len(kit.stores) > 1:
        yield from _prose("Each of these places has backups; any one of them is enough.")
    for number, store in enumerate(kit.stores, start=1):
        if len(kit.stores) > 1:
            yield f"   {number}. {store.name}"
        yield from _store(store.location)
    yield f"   Stack     {kit.stack}/"
    yield "             with a folder for each backup, named by its time in UTC"


def _store(store: S3Location | DirectoryLocation) -> Iterator[str]:
    if isinstance(store, DirectoryLocation):
        yield f"   Folder    {store.path}"
        yield from _prose(
            "This is a folder of the host itself, as the bot sees it (inside its container, where"
            " it has one), and lost with the host unless it lies on another machine or disk."
            f" Kept there: {_BLANK}"
        )
    else:
        yield f"   Bucket    {kit_commands.place(store)}"
        yield f"   Service   {kit_commands.service(store)}"
        yield from _prose(
            "To read it you need an S3 access key: two values, which are not on this sheet. Make"
            f" a new one in the service's console, with leave to list and read"
            f' "{store.bucket}". The account there: {_BLANK}'
        )
        if store.ca_file:
            yield from _prose(
                "The service's certificate is signed by a private CA, which the programs below"
                f" must be told of; on the old host it was {store.ca_file}."
            )


def _public_keys(kit: Kit) -> Iterator[str]:
    yield "   Backups are sealed for (public):"
    for each in kit.recipients:
        text = each.recipient
        if len(text) > _LONGEST_KEY:  # a hybrid key, of two thousand characters
            text = f"{text[:60]}… (age-keygen -y)"
        yield f"   {text}"
        yield f"      {each.fingerprint}"
    yield "   Their manifests are signed by (public):"
    yield from (f"   {signer}" for signer in kit.signers)


def _private_keys(kit: Kit, draw: Draw) -> Iterator[str]:
    yield from _prose(
        "The private key. Type these lines into a file identity.txt, each on one line; a mistyped"
        " key is noticed. The QR code holds the line that begins with AGE-SECRET-KEY."
    )
    yield ""
    yield from _identity_lines(kit.signers)
    for key in kit.keys:
        yield f"# {key.fingerprint}" + ("" if key.code else ", old: for earlier backups only")
        yield key.text
    for key in kit.keys:
        if key.code:
            yield from draw(key.text)
            yield f"   Check code   {show_code(key.code)}   (of {key.fingerprint})"
    yield from _prose(
        'When this sheet is where it belongs, and again whenever "akbot check" asks, give the'
        ' check code to "akbot kit --confirm" on the host: it shows that this sheet still exists.'
    )


def _where_the_key_is(kit: Kit) -> Iterator[str]:
    where = "nor on the host, by intention"
    if kit.identity_path:
        where = f"but on the host, where the bot sees it as {kit.identity_path}"
    yield from _prose(
        f"The private key, without which no backup opens, is not on this sheet, {where}."
        f" It is kept: {_BLANK}"
    )
    yield from _prose(
        "Get it as a file identity.txt, and put on top of that file, where it is missing:"
    )
    yield ""
    yield from _identity_lines(kit.signers)


def _identity_lines(signers: Sequence[PublicKey]) -> Iterator[str]:
    """The comments by which akbot knows whose backups to trust."""
    return map(signer_comment, signers)


def _with_akbot(kit: Kit) -> Iterator[str]:
    yield from _prose(
        f"a. See to it that the old host is off. Get akbot's folder, version {kit.version} or"
        f" newer, onto the new machine. It is kept: {_BLANK}"
    )
    yield from _prose(
        "b. Copy identity.txt into it (chmod 600), and there, as root, with your own values for …,"
        " the last one an empty folder for the stack's settings:"
    )
    yield ""
    yield from kit_commands.bootstrap(kit)
    yield ""
    yield from _prose(
        "Cut off, it goes on when it is given once more. Then lead the stack's DNS name to the new"
        ' machine, say "akbot resume" as it tells, and print a new kit.'
    )


def _by_hand(kit: Kit) -> Iterator[str]:
    hybrid = any(each.recipient.startswith("age1pq1") for each in kit.recipients)
    yield from _prose(
        f"Needs bash, age{' 1.3 or newer' if hybrid else ''}, zstd, tar, openssl"
        f"{', an S3 client (here: aws)' if kit_commands.credentials(kit) else ''} and"
        " Docker. deploy/RUNBOOK.md in akbot's folder has more of this: one table, one component,"
        " the way back. In a new folder that holds identity.txt:"
    )
    yield ""
    yield from _prose(
        "a. Fetch a backup: its folder's name stands for ID. It is complete if there is a"
        " manifest.json in it."
    )
    yield from kit_commands.credentials(kit)
    for number, store in enumerate(kit.stores):
        if number:
            yield from _prose(f"or from {store.name}:")
        yield from kit_commands.fetch(kit, store.location)
    yield ""
    yield from _prose(
        'b. Is it yours? Go on only after "Signature Verified Successfully" and an OK for each'
        " file: what others wrote can run commands in the database."
    )
    yield from kit_commands.check(kit.signers)
    yield ""
    yield from _prose("c. Open it.")
    yield from kit_commands.OPEN
    yield ""
    yield from _prose(
        "d. Put compose files and .env into place, make the folders that they mount, and unpack"
        " the other archives there; media.tar holds the folder media, and so on."
    )
    yield from kit_commands.unpack(kit)
    yield ""
    yield from _prose(
        "e. Load the database, before Authentik starts. (redis.rdb may be left out: people log in"
        " again. globals.sql is for roles of your own.)"
    )
    yield from kit_commands.load(kit)
    yield ""
    yield from _prose(
        "f. Start. If the bot is part of the stack and had its key on the host, put identity.txt"
        " into its state folder first: without it, it makes a new one."
    )
    yield "docker compose up -d"


def _title(text: str) -> Sequence[str]:
    return ("", text, "-" * len(text))


def _prose(text: str, *, indent: int = _INDENT) -> Sequence[str]:
    """Wrapped; what follows "a. " hangs behind it."""
    hanging = indent + (3 if text[1:3] == ". " else 0)
    return wrap(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
