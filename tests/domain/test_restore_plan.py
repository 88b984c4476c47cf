"""What of a backup fits the stack, what becomes of the rest, and what refuses it."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.errors import BotError, ConfigError, RefusedError
from bot.domain.jobs import Trigger
from bot.domain.manifest import Component, Manifest
from bot.domain.messages import RunRestore
from bot.domain.restore import Folder, SessionsDo
from bot.domain.restore_plan import (
    Choice,
    Found,
    choose_components,
    family_of,
    fits_layout,
    repository_of,
    require_redis,
    require_room_for,
)
from bot.domain.restore_room import DatabaseRoom, Disk, Room
from tests.domain.test_manifest import MANIFEST as STORED

DIGEST = f"sha256:{'d' * 64}"
OURS = "ghcr.io/goauthentik/server"
MIB = 2**20


def room(free: int, **folders: Disk) -> Room:
    disk = Disk("data", free)
    database = DatabaseRoom(data=disk, log=disk, most_log=2**30)
    return Room(database=database, folders={f"/srv/{name}": each for name, each in folders.items()})


def component(name: str) -> Component:
    return Component(name, f"authentik/x/{name}", 10, 20, "b" * 64, 1.5)


POSTGRES, MEDIA, REDIS = component("postgres"), component("media"), component("redis")
ALL = (POSTGRES, component("globals"), REDIS, MEDIA, component("config"))
MANIFEST = replace(
    STORED,
    components=ALL,
    software=replace(STORED.software, image_digest=DIGEST, postgresql="16.4"),
)
assert MANIFEST.database
MEDIA_HERE, CERTS_HERE = Folder("media", "/srv/media"), Folder("certs", "/srv/certs")
FOUND = Found(
    folders=(MEDIA_HERE, CERTS_HERE),
    single_files=frozenset(),
    has_redis=True,
    postgresql="16.4",
    image=f"{OURS}:2025.4.1",
    room=room(138_331_649),
    mounted=frozenset({"/srv/media", "/srv/certs"}),
)
KEPT = '"certs" is not in the backup and stays as it is'


def command(**changes: Any) -> RunRestore:
    return RunRestore(trigger=Trigger.CHAT, actor="ada", **changes)


def of_software(**changes: Any) -> Manifest:
    return replace(MANIFEST, software=replace(MANIFEST.software, **changes))


WHOLE = Choice(
    components=(POSTGRES, MEDIA),
    folders=(MEDIA_HERE,),
    database=True,
    sessions=SessionsDo.FLUSH,
    image=f"{OURS}:2025.2.1",
    image_digest=DIGEST,
    room=FOUND.room,
    warnings=(KEPT,),
)
FILES = replace(
    WHOLE,
    components=(MEDIA,),
    database=False,
    sessions=SessionsDo.LEAVE,
    image=FOUND.image,
    image_digest=None,
)


@pytest.mark.parametrize(
    ("manifest", "found", "asked", "choice"),
    [
        pytest.param(MANIFEST, {}, {}, WHOLE, id="all that a running stack takes"),
        pytest.param(
            replace(MANIFEST, warnings=("it is small",)),
            {},
            {},
            replace(WHOLE, warnings=("it is small", KEPT)),
            id="its warnings are told",
        ),
        pytest.param(
            MANIFEST,
            {"single_files": frozenset({"certs"})},
            {},
            replace(
                WHOLE, warnings=('"certs" is a single file that is mounted and stays as it is',)
            ),
            id="a single file here",
        ),
        pytest.param(
            MANIFEST,
            {},
            {"components": frozenset({"media"})},
            replace(FILES, warnings=()),
            id="only files, which asks for no warning",
        ),
        pytest.param(
            MANIFEST,
            {},
            {"components": frozenset({"postgres"})},
            replace(WHOLE, components=(POSTGRES,), folders=(), warnings=()),
            id="only the database",
        ),
        pytest.param(
            MANIFEST,
            {},
            {"with_redis": True},
            replace(WHOLE, components=(POSTGRES, MEDIA, REDIS), sessions=SessionsDo.LOAD),
            id="Redis as well",
        ),
        pytest.param(
            MANIFEST,
            {},
            {"components": frozenset({"redis"}), "with_redis": True},
            replace(FILES, components=(REDIS,), folders=(), sessions=SessionsDo.LOAD, warnings=()),
            id="Redis alone, asked for twice",
        ),
        pytest.param(
            of_software(authentik="2025.10.1", image=f"{OURS}:2025.10.1"),
            {"has_redis": False},
            {},
            replace(WHOLE, sessions=SessionsDo.LEAVE, image=f"{OURS}:2025.10.1"),
            id="a family without Redis",
        ),
        pytest.param(
            MANIFEST,
            {"has_redis": False},
            {"components": frozenset({"media"})},
            replace(FILES, warnings=()),
            id="files need no Redis",
        ),
        pytest.param(
            MANIFEST,
            {"image": "registry.example.org:5000/mirror/server:2025.4.1@sha256:x"},
            {},
            replace(
                WHOLE,
                image="registry.example.org:5000/mirror/server:2025.2.1",
                image_digest=None,
            ),
            id="a mirror, where the digest says nothing",
        ),
        pytest.param(
            of_software(image=f"{OURS}:2025.2.1@{DIGEST}"), {}, {}, WHOLE, id="a digest behind it"
        ),
        pytest.param(
            of_software(image="registry.example.org:5000/server:2025.2.1"),
            {},
            {},
            replace(WHOLE, image_digest=None),
            id="from a registry with a port",
        ),
        pytest.param(
            of_software(postgresql="16"), {"postgresql": "16.4"}, {}, WHOLE, id="a bare major"
        ),
        pytest.param(
            of_software(postgresql="16.4.2"), {"postgresql": "17"}, {}, WHOLE, id="three numbers"
        ),
        pytest.param(MANIFEST, {"room": room(138_331_648)}, {}, WHOLE, id="just enough room"),
        pytest.param(MANIFEST, {"room": Room()}, {}, WHOLE, id="nobody knows the room"),
        pytest.param(
            replace(MANIFEST, database=None), {"room": room(0)}, {}, WHOLE, id="nor the size"
        ),
        pytest.param(MANIFEST, {"postgresql": "17.1"}, {}, WHOLE, id="a newer server"),
        pytest.param(
            of_software(postgresql=None), {"postgresql": "9.6"}, {}, WHOLE, id="of an unknown one"
        ),
    ],
)
def test_what_is_used_of_a_backup(
    manifest: Manifest, found: dict[str, Any], asked: dict[str, Any], choice: Choice
) -> None:
    here = replace(FOUND, **found)

    assert choose_components(manifest, here, command(**asked)) == replace(choice, room=here.room)


MOUNT = "Nothing was changed. Mount it as then, or"
NO_FOLDER = (
    'this stack has no folder for "media": the backup is of another layout of Authentik 2025.2.1'
)
APPLY = "let its own compose files come with it: --apply-compose"


@pytest.mark.parametrize(
    ("manifest", "found", "asked", "error"),
    [
        pytest.param(
            MANIFEST,
            {},
            {"components": frozenset({"config", "globals", "media"})},
            ConfigError(
                '--component: there is no "config" in the backup that can be restored',
                hint="There is: media, postgres, redis.",
            ),
            id="never loaded",
        ),
        pytest.param(
            MANIFEST,
            {"single_files": frozenset({"media"})},
            {"components": frozenset({"media"})},
            ConfigError(
                '--component: there is no "media" in the backup that can be restored',
                hint="There is: postgres, redis.",
            ),
            id="a single file",
        ),
        pytest.param(
            replace(MANIFEST, components=(MEDIA,)),
            {},
            {"with_redis": True},
            ConfigError("--with-redis: the backup has no Redis", hint="Leave it out."),
            id="no Redis in it",
        ),
        pytest.param(
            replace(MANIFEST, components=(REDIS,)),
            {},
            {},
            RefusedError("there is nothing to restore in this backup", hint="Nothing was changed."),
            id="nothing in it",
        ),
        pytest.param(
            MANIFEST,
            {"folders": (CERTS_HERE,)},
            {},
            RefusedError(NO_FOLDER, hint=f"{MOUNT} {APPLY}."),
            id="no such folder",
        ),
        pytest.param(
            MANIFEST,
            {"folders": (CERTS_HERE,)},
            {"components": frozenset({"media"})},
            RefusedError(NO_FOLDER, hint=f"{MOUNT} name other parts with --component."),
            id="no such folder, and it was asked for",
        ),
        pytest.param(
            of_software(authentik=None),
            {"folders": (CERTS_HERE,)},
            {},
            RefusedError(NO_FOLDER.removesuffix("2025.2.1"), hint=f"{MOUNT} {APPLY}."),
            id="no such folder, of an unknown version",
        ),
        pytest.param(
            MANIFEST,
            {"mounted": frozenset({"/srv/media", "/srv/media/public"})},
            {},
            RefusedError(
                '"media" cannot be replaced: inside of its folder "/srv/media" lies'
                ' "/srv/media/public", which is mounted, too, and would be moved away with it',
                hint="Nothing was changed. Mount one beside the other, or name other parts with"
                " --component.",
            ),
            id="one mount in the other",
        ),
        pytest.param(
            MANIFEST,
            {"has_redis": False},
            {},
            RefusedError(
                "Authentik 2025.2.1 needs Redis, which this stack does not have",
                hint="Nothing was changed. Add the service as it was then, and start it; of a"
                f" backup, {APPLY}.",
            ),
            id="no Redis here",
        ),
        pytest.param(
            MANIFEST,
            {"postgresql": "15.9"},
            {},
            RefusedError(
                "the stack's PostgreSQL 15.9 is older than the backup's 16.4, and cannot load it",
                hint="Nothing was changed. Use PostgreSQL 16 or newer.",
            ),
            id="an older server",
        ),
        pytest.param(
            MANIFEST,
            {"room": room(138_331_647)},
            {},
            RefusedError(
                "a restore takes about 131 MiB for the database and the log of its load;"
                " the disk for that has 131 MiB free",
                hint="Nothing was changed. Make room there.",
            ),
            id="no room",
        ),
        pytest.param(
            MANIFEST,
            {"room": room(138_331_648, media=Disk("data", 138_331_648))},
            {},
            RefusedError(
                "a restore takes about 131 MiB for the database, the log of its load and the files;"
                " the disk for that has 131 MiB free",
                hint="Nothing was changed. Make room there.",
            ),
            id="no room for the files as well",
        ),
        pytest.param(
            MANIFEST,
            {"room": room(10**9, media=Disk("files", 10))},
            {"components": frozenset({"media"})},
            RefusedError(
                "a restore takes about 0 MiB for the files; the disk for that has 0 MiB free",
                hint="Nothing was changed. Make room there.",
            ),
            id="no room for the files alone",
        ),
        *(
            pytest.param(
                of_software(image=image),
                {},
                {},
                RefusedError(
                    f'the backup names no tag of its image, only "{image[:80]}"',
                    hint="Nothing was changed. Restore parts of it with --component.",
                ),
                id=f"no tag: {image[:40]}",
            )
            for image in (f"{OURS}@{DIGEST}", ":2025.2.1", f"{OURS}:2025 2", "x" * 90)
        ),
    ],
)
def test_what_refuses_a_restore(
    manifest: Manifest, found: dict[str, Any], asked: dict[str, Any], error: BotError
) -> None:
    with pytest.raises(BotError) as caught:
        choose_components(manifest, replace(FOUND, **found), command(**asked))

    told = caught.value
    assert (type(told), str(told), told.hint) == (type(error), str(error), error.hint)


@pytest.mark.parametrize(
    ("found", "asked", "fits"),
    [
        pytest.param({}, {}, True, id="as then"),
        pytest.param({"folders": (CERTS_HERE,)}, {}, False, id="a mount is missing"),
        pytest.param(
            {"folders": ()}, {"components": frozenset({"postgres"})}, True, id="it is not wanted"
        ),
        pytest.param({"has_redis": False}, {}, False, id="Redis is missing"),
        pytest.param({}, {"with_redis": True}, True, id="with Redis"),
    ],
)
def test_whether_the_layout_is_that_of_the_backup(
    found: dict[str, Any], asked: dict[str, Any], *, fits: bool
) -> None:
    assert fits_layout(MANIFEST, replace(FOUND, **found), command(**asked)) is fits


@pytest.mark.parametrize(
    ("version", "with_redis", "has_database", "refused"),
    [
        ("2025.8.6", False, True, True),
        ("2025.10.0", False, True, False),
        ("2024.12.5", False, False, False),
        ("2025.10.0", True, False, True),
        (None, False, True, False),
    ],
)
def test_where_redis_is_needed(
    version: str | None, *, with_redis: bool, has_database: bool, refused: bool
) -> None:
    def require(*, has_redis: bool) -> None:
        require_redis(
            version, has_redis=has_redis, with_redis=with_redis, has_database=has_database
        )

    require(has_redis=True)
    if refused:
        with pytest.raises(RefusedError, match="needs Redis"):
            require(has_redis=False)
    else:
        require(has_redis=False)


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        (OURS, OURS),
        (f"{OURS}:2025.2.1", OURS),
        (f"{OURS}:2025.2.1@{DIGEST}", OURS),
        (f"{OURS}@{DIGEST}", OURS),
        ("localhost:5000/server", "localhost:5000/server"),
        ("localhost:5000/server:1", "localhost:5000/server"),
        ("server", "server"),
        (":1", ":1"),
    ],
)
def test_the_repository_of_an_image(image: str, repository: str) -> None:
    assert repository_of(image) == repository


@pytest.mark.parametrize(
    ("version", "family"),
    [
        ("2025.10.4", (2025, 10)),
        ("2025.10", (2025, 10)),
        ("2025", (2025,)),
        ("2025.x.1", None),
        ("", None),
        (None, None),
    ],
)
def test_the_family_of_a_version(version: str | None, family: tuple[int, ...] | None) -> None:
    assert family_of(version) == family


def test_the_files_are_counted_again_once_they_were_read() -> None:
    """What is packed says little of how large it is unpacked."""
    here = replace(FOUND, room=room(10**9, media=Disk("files", 100 * MIB)))
    choice = choose_components(MANIFEST, here, command())

    require_room_for(choice, MANIFEST, {"postgres": 0, "media": 90 * MIB})
    with pytest.raises(RefusedError, match="about 110 MiB for the files"):
        require_room_for(choice, MANIFEST, {"postgres": 0, "media": 100 * MIB})
