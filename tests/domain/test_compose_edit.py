"""New texts of compose files: what goes, what comes, and that nothing else is touched."""

import difflib
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bot.domain.compose_diff import unified_diff
from bot.domain.compose_edit import ComposeChange, ComposeFile, Draft, digest, plan_compose_change
from bot.domain.compose_wants import FolderMove
from bot.domain.errors import RefusedError
from bot.domain.versions import Family
from tests.compose_config import rendered

HERE = Path(__file__).resolve().parent
OURS = (HERE.parents[1] / "docker-compose.yml").read_text()
OFFICIAL = (HERE / "compose" / "official-2025.8.yml").read_text()
OLD, NO_REDIS, DATA, SHARED = Family(2025, 8), Family(2025, 10), Family(2025, 12), Family(2026, 2)


def plan(
    *texts: str,
    current: Family = OLD,
    target: Family = NO_REDIS,
    services: Sequence[str] = ("server", "worker"),
) -> Draft | None:
    files = [ComposeFile(f"/srv/{number}.yml", text.encode()) for number, text in enumerate(texts)]
    return plan_compose_change(
        files, rendered(*texts), services=services, current=current, target=target
    )


def changed(*texts: str, target: Family = NO_REDIS, current: Family = OLD) -> list[str]:
    """The texts afterwards."""
    draft = plan(*texts, current=current, target=target)
    assert draft is not None
    return [
        draft.texts.get(f"/srv/{number}.yml", text.encode()).decode()
        for number, text in enumerate(texts)
    ]


def lines(before: str, after: str) -> list[str]:
    """The lines of a diff, without its head and context."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in found if line[:1] in "+-" and line[:3] not in {"+++", "---"}]


BASE = """\
services:
  postgresql:
    image: postgres
  redis:
    image: redis
  server:
    image: server
    environment:
      AUTHENTIK_REDIS__HOST: redis
      A: b
    depends_on: [postgresql, redis]
  worker:
    image: server
    environment: {AUTHENTIK_REDIS__HOST: redis, A: b}
    depends_on: [redis]
"""
WITHOUT = """\
services:
  postgresql:
    image: postgres
  server:
    image: server
    environment:
      A: b
    depends_on: [postgresql]
  worker:
    image: server
    environment: {A: b}
"""


def test_redis_goes_with_all_that_speaks_of_it() -> None:
    draft = plan(BASE)

    assert draft is not None
    assert draft.change is not None
    assert draft.texts["/srv/0.yml"].decode() == WITHOUT
    assert draft.change.drops == ("redis",)
    assert draft.change.moves == ()
    [file] = draft.change.files
    assert (file.old, file.new) == (digest(BASE.encode()), digest(WITHOUT.encode()))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            BASE[:-1], WITHOUT[:-1] + "\n", id="no newline at the end, and that line goes"
        ),
        pytest.param(
            BASE.replace("\n", "\r\n"), WITHOUT.replace("\n", "\r\n"), id="lines end in CRLF"
        ),
        pytest.param(
            BASE.replace("  redis:\n    image: redis\n", "") + "\n  redis:\n    image: redis\n",
            WITHOUT,
            id="the last service, and the gap before it",
        ),
        pytest.param("\ufeff" + BASE, "\ufeff" + WITHOUT, id="a byte order mark"),
        pytest.param(
            BASE.replace("  redis:\n", "  # our Redis\n  redis:\n"), WITHOUT, id="a comment above"
        ),
        pytest.param(
            BASE.replace("    image: redis\n", "    image: redis\n    # deeper\n\n  # next\n"),
            WITHOUT.replace("  server:\n", "\n  # next\n  server:\n", 1),
            id="comments within and after",
        ),
        pytest.param(
            BASE.replace("  redis:\n", "\n  redis:\n").replace("  server:\n", "\n  server:\n", 1),
            WITHOUT.replace("  server:\n", "\n  server:\n", 1),
            id="one of two gaps",
        ),
        pytest.param(
            BASE.replace("      AUTHENTIK_R", "      # how we find others\n      AUTHENTIK_R", 1),
            WITHOUT.replace("      A: b", "      # how we find others\n      A: b", 1),
            id="a heading of several variables stays",
        ),
        pytest.param(
            BASE.replace("      AUTHENTIK_R", "      # where Redis is\n      AUTHENTIK_R", 1),
            WITHOUT,
            id="a comment that speaks of Redis goes",
        ),
        pytest.param(
            BASE.replace("HOST: redis\n      A", "HOST: redis # here\n      A"),
            WITHOUT,
            id="a comment in the line",
        ),
        pytest.param(
            BASE.replace(
                "    environment:\n      AUTHENTIK_REDIS__HOST: redis\n      A: b\n",
                "    environment:\n    - 'AUTHENTIK_REDIS__HOST=redis'\n    - A=b\n"
                '    - "AUTHENTIK_REDIS__PASSWORD=x y"\n    - AUTHENTIK_REDIS__DB\n',
            ),
            WITHOUT.replace("    environment:\n      A: b\n", "    environment:\n    - A=b\n"),
            id="variables in a list",
        ),
        pytest.param(
            BASE.replace(
                "    depends_on: [redis]\n", "    depends_on:\n      redis: {condition: x}\n"
            ),
            WITHOUT,
            id="a dependency of the long form",
        ),
        pytest.param(
            BASE.replace(
                "    depends_on: [redis]\n", "    depends_on:\n      - postgresql\n      - redis\n"
            ),
            WITHOUT + "    depends_on:\n      - postgresql\n",
            id="dependencies in lines",
        ),
        pytest.param(
            BASE + "    links: ['redis:cache', postgresql]\n",
            WITHOUT + "    links: [postgresql]\n",
            id="a link",
        ),
        pytest.param(
            BASE + "volumes:\n  redis:\n  database:\n",
            WITHOUT + "volumes:\n  redis:\n  database:\n",
            id="a volume that only has its name",
        ),
        pytest.param(
            BASE.replace("image: redis\n", "image: redis\n    volumes: ['r:/data']\n")
            + "volumes:\n  # Redis\n  r:\n    driver: local\n  database:\n",
            WITHOUT + "volumes:\n  database:\n",
            id="its volume",
        ),
        pytest.param(
            BASE.replace("image: redis\n", "image: redis\n    volumes: ['r:/data']\n")
            + "\nvolumes:\n  r: {}\n\nnetworks: {}\n",
            WITHOUT + "\nnetworks: {}\n",
            id="the only volume",
        ),
    ],
)
def test_redis_goes_however_it_is_written(before: str, after: str) -> None:
    assert changed(before) == [after]


ANCHORED = """\
x-common: &common
  image: server
  environment: &env
    AUTHENTIK_REDIS__HOST: redis
    A: b
  depends_on:
    redis:
      condition: service_healthy
    postgresql:
      condition: service_healthy
services:
  redis: {image: redis}
  server:
    <<: *common
    command: server
  worker:
    <<: *common
    environment:
      <<: *env
      AUTHENTIK_REDIS__DB: "1"
      C: d
"""


def test_what_server_and_worker_share_is_changed_once() -> None:
    assert lines(ANCHORED, changed(ANCHORED)[0]) == [
        "-    AUTHENTIK_REDIS__HOST: redis",
        "-    redis:",
        "-      condition: service_healthy",
        "-  redis: {image: redis}",
        '-      AUTHENTIK_REDIS__DB: "1"',
    ]


def test_what_another_service_shares_is_not_changed() -> None:
    draft = plan(ANCHORED + "  other:\n    image: busybox\n    environment: *env\n")
    shared = "x-little: &little {shm_size: 64mb}\nservices:\n  server: *little\n  p: *little\n"

    assert draft is not None
    assert draft.left == ('the service "redis" stays: "other" needs it, too',)
    with pytest.raises(RefusedError, match='is not changed: "p" would change, too'):
        plan(shared, target=SHARED)


def test_overrides_are_changed_likewise() -> None:
    override = "services:\n  redis:\n    image: valkey\n  server:\n    ports: ['1:1']\n"

    base, over = changed(BASE, override)

    assert (base, over) == (WITHOUT, "services:\n  server:\n    ports: ['1:1']\n")


def test_an_override_that_has_nothing_to_do_with_it_stays() -> None:
    draft = plan(BASE, "services:\n  server:\n    ports: ['1:1']\n")

    assert draft is not None
    assert [*draft.texts] == ["/srv/0.yml"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        pytest.param("  p: {image: p, depends_on: [redis]}\n", "needs it, too", id="depends on it"),
        pytest.param(
            "  p: {image: p, environment: {U: 'redis://redis:6379/0'}}\n", "needs it", id="URL"
        ),
        pytest.param("  p: {image: p, environment: [R=redis]}\n", "needs it", id="its host"),
        pytest.param("  p: {image: p, network_mode: 'service:redis'}\n", "needs it", id="network"),
        pytest.param("  p: {image: p, command: x -h redis}\n", "needs it", id="a command"),
        pytest.param(
            "  p: {image: p, entrypoint: [a, 'redis://redis:6379/0']}\n",
            "needs it",
            id="entrypoint",
        ),
        pytest.param(
            "  p: {image: p, healthcheck: {test: [CMD, redis-cli, -h, redis]}}\n",
            "needs it",
            id="healthcheck",
        ),
        pytest.param("  p: {image: p, labels: {c: 'redis:6379'}}\n", "needs it", id="label"),
        pytest.param(
            "  p: {image: p, deploy: {labels: {c: 'redis:6379'}}}\n", "needs it", id="its label"
        ),
        pytest.param(
            "  p: {image: p, post_start: [{command: [x, redis]}]}\n", "needs it", id="a hook"
        ),
        pytest.param(
            "  p: {image: p, configs: [c]}\nconfigs:\n  c: {content: 'cache = redis:6379'}\n",
            "needs it",
            id="a file",
        ),
    ],
)
def test_a_redis_that_others_need_stays_and_is_told(more: str, why: str) -> None:
    draft = plan(BASE + more)

    assert draft is not None
    assert draft.change is None
    [left] = draft.left
    assert why in left
    assert '"p"' in left


@pytest.mark.parametrize(
    "more",
    [
        "  p: {image: p, environment: {U: 'redis://elsewhere:6379/0', V: my-redis, W: redis.x}}\n",
        "  bot: {image: b, environment: {AKBOT_SERVICE_REDIS: redis}}\n",
        """\
  p: {image: redis, container_name: p, configs: [d, e]}
configs:
  c: {content: redis}
  d: {content: my-redis}
  e: {file: ./redis}
""",
    ],
)
def test_what_only_sounds_like_it_is_no_use(more: str) -> None:
    assert changed(BASE + more) == [WITHOUT + more]


def test_a_redis_elsewhere_is_left() -> None:
    draft = plan(BASE.replace("__HOST: redis", "__HOST: cache.example.org"))

    assert draft is not None
    assert draft.change is None
    assert "names no service of this project" in draft.left[0]


def test_without_redis_there_is_nothing_to_do() -> None:
    assert plan(WITHOUT) is None
    assert plan(BASE, current=OLD, target=OLD) is None
    assert plan(BASE, current=Family(2025, 2), target=OLD) is None


MOUNTS = """\
services:
  server:
    volumes:
      - ./media:/media
      - ./t:/templates
  worker:
    volumes:
      - type: bind
        # the pictures
        source: "./media"
        target: '/media'
"""


def test_the_mount_moves_in_either_form() -> None:
    draft = plan(MOUNTS, current=NO_REDIS, target=DATA)

    assert draft is not None
    assert draft.change is not None
    assert lines(MOUNTS, draft.texts["/srv/0.yml"].decode()) == [
        "-      - ./media:/media",
        "+      - ./data:/data",
        '-        source: "./media"',
        "-        target: '/media'",
        '+        source: "./data"',
        "+        target: '/data'",
    ]
    assert draft.change.moves == (FolderMove("/srv/authentik/media", "/srv/authentik/data/media"),)
    assert draft.change.drops == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- ./media:/media:rw", "- ./data:/data:rw"),
        ("- ${MOUNT_PATH_DOCKER_ROOT}/a/media:/media", "- ${MOUNT_PATH_DOCKER_ROOT}/a/data:/data"),
        ("- '/a b/media:/media/'", "- '/a b/data:/data'"),
        ('- "/a/media:/media" # here', '- "/a/data:/data" # here'),
        (
            "- {type: bind, source: /a/media, target: /media, bind: {create_host_path: false}}",
            "- {type: bind, source: /a/data, target: /data, bind: {create_host_path: false}}",
        ),
    ],
)
def test_a_mount_moves_as_it_is_written(before: str, after: str) -> None:
    text = f"services:\n  server:\n    volumes:\n      {before}\n"

    assert changed(text, target=DATA) == [text.replace(before, after)]


@pytest.mark.parametrize(
    ("mount", "more", "why"),
    [
        ("media:/media", "", "is a volume, not a folder"),
        ("/srv/pictures:/media", "", "is not called media"),
        ("/media:/media", "", "is not called media"),
        ("./m:/media/public", "", "other mounts inside"),
        ("./media:/media", "  db: {volumes: ['./data:/var/lib']}\n", '"db": it has'),
        ("./media:/media", "  web: {volumes: ['./media/public:/www']}\n", '"web": it has'),
    ],
)
def test_a_mount_that_no_rename_moves_is_refused(mount: str, more: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why) as caught:
        plan(f"services:\n  server:\n    volumes: ['{mount}']\n{more}", target=DATA)

    assert caught.value.hint.startswith("Nothing was changed.")


@pytest.mark.parametrize("mounts", ["['./data:/data']", "['./m:/media', './d:/data/media']", "[]"])
def test_a_mount_that_is_there_already_stays(mounts: str) -> None:
    assert plan(f"services:\n  server:\n    volumes: {mounts}\n", target=DATA) is None


def test_a_mount_that_is_not_plainly_written_is_refused() -> None:
    text = "services:\n  server:\n    volumes: ['${A:-./media}:/media']\n"

    with pytest.raises(RefusedError, match="not plainly in it"):
        plan_compose_change(
            [ComposeFile("/srv/0.yml", text.encode())],
            rendered(text.replace("${A:-./media}", "./media")),
            services=("server",),
            current=NO_REDIS,
            target=DATA,
        )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    command: x\n    a: b\n", "    command: x\n    shm_size: 512mb\n    a: b\n"),
        ("    a: b\n", "    shm_size: 512mb\n    a: b\n"),
        ("    a: b\r\n", "    shm_size: 512mb\r\n    a: b\r\n"),
        ("    image: x\r\n", "    image: x\r\n    shm_size: 512mb\r\n"),
        ("    restart: always  # yes\n", "    restart: always  # yes\n    shm_size: 512mb\n"),
        ("    restart: always", "    restart: always\n    shm_size: 512mb"),
        ("    shm_size: '64mb' # few\n", "    shm_size: '512mb' # few\n"),
        ("    {image: x}\n", "    {image: x, shm_size: 512mb}\n"),
    ],
)
def test_shared_memory_comes_where_there_is_little(before: str, after: str) -> None:
    assert changed(f"services:\n  server:\n{before}", target=SHARED) == [
        f"services:\n  server:\n{after}"
    ]


def test_enough_shared_memory_stays() -> None:
    assert plan("services:\n  server:\n    shm_size: 1gb\n", target=SHARED) is None


def test_the_last_file_that_has_it_says_how_much_memory() -> None:
    base, override = "services:\n  server:\n    shm_size: 1gb\n", "services:\n  server:\n    a: b\n"
    less = override + "    shm_size: 64mb\n"

    assert changed(base, less, target=SHARED) == [base, override + "    shm_size: 512mb\n"]
    text = override.replace("a: b", "image: x")
    assert changed(text, override, target=SHARED) == [text + "    shm_size: 512mb\n", override]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("include: [a.yml]\n" + BASE, 'uses "include"'),
        (BASE + "    extends: {file: a.yml, service: b}\n", 'uses "extends"'),
        (BASE + "---\n" + BASE, "several documents"),
        (BASE + "    labels: !reset []\n", "a tag"),
        (BASE + "    <<: [*a, *b]\n", "stands for nothing"),
        ("x-a: &a {}\nx-b: &b {}\n" + BASE + "    <<: [*a, *b]\n", "several mappings are merged"),
        (BASE + "    image: again\n", "stands in it twice"),
        (BASE + "  x: [\n", "cannot be read, line"),
        ("", "it is empty"),
        ("- a\n", "no compose file"),
        ("x: &x redis\n" + BASE.replace("[postgresql, redis]", "[postgresql, *x]"), ""),
    ],
)
def test_what_is_not_plain_is_refused_with_nothing_changed(text: str, why: str) -> None:
    files = [ComposeFile("/srv/0.yml", text.encode())]
    if not why:  # an alias for a word is understood
        assert plan(text) is not None
        return
    with pytest.raises(RefusedError, match=why) as caught:
        plan_compose_change(
            files, rendered(BASE), services=("server", "worker"), current=OLD, target=NO_REDIS
        )

    assert "Nothing was changed" in caught.value.hint


def test_a_file_that_is_not_text_is_refused() -> None:
    files = [ComposeFile("/srv/0.yml", b"\xff" + BASE.encode())]
    with pytest.raises(RefusedError, match="UTF-8"):
        plan_compose_change(
            files, rendered(BASE), services=("server", "worker"), current=OLD, target=NO_REDIS
        )


def test_an_anchor_that_goes_with_redis_is_still_needed() -> None:
    text = BASE.replace("image: redis\n", "image: redis\n    labels: &labels {a: b}\n")

    with pytest.raises(RefusedError, match=r"\*labels stands for nothing"):
        plan(text + "    labels: *labels\n")


def test_a_comment_in_a_list_is_not_lost() -> None:
    text = BASE.replace("[postgresql, redis]", "[redis, # the cache\n      postgresql]")

    with pytest.raises(RefusedError, match="without touching more"):
        plan(text)


def test_an_anchor_that_would_mean_another_thing_is_not_changed() -> None:
    redis = "image: redis\n    labels: &labels {a: b}\n"
    text = "x-one: &labels {c: d}\n" + BASE.replace("image: redis\n", redis) + "x-two: *labels\n"

    with pytest.raises(RefusedError, match="without touching more"):
        plan(text)


def test_authentiks_own_file_becomes_that_of_2026() -> None:
    after = changed(OFFICIAL, target=SHARED)[0]

    gone = [line[1:] for line in lines(OFFICIAL, after) if line.startswith("-")]
    come = [line[1:].strip() for line in lines(OFFICIAL, after) if line.startswith("+")]
    assert sorted(come) == sorted(["- ./data:/data", "shm_size: 512mb"] * 2)
    assert "redis" not in after.lower()
    assert not [line for line in gone if "postgres" in line]
    assert rendered(after)["services"].keys() == {"postgresql", "server", "worker"}
    assert plan(after, target=SHARED) is None
    assert after.endswith("volumes:\n  database:\n    driver: local\n")


def test_our_own_file_becomes_that_of_2026() -> None:
    draft = plan(OURS, services=("authentik", "worker"), target=SHARED)

    assert draft is not None
    after = draft.texts["/srv/0.yml"].decode()
    before, now = rendered(OURS), rendered(after)
    assert now["services"]["bot"] == before["services"]["bot"]
    assert now["services"]["postgresql"] == before["services"]["postgresql"]
    assert "redis" not in now["services"]
    assert sorted(line[1:].strip() for line in lines(OURS, after) if line[0] == "+") == sorted(
        [
            "shm_size: 512mb",
            "source: ${MOUNT_PATH_DOCKER_ROOT}/authentik/data",
            "target: /data",
        ]
        * 2
    )
    assert plan(after, services=("authentik", "worker"), target=SHARED) is None


def test_the_journal_has_no_text_of_the_files() -> None:
    draft = plan(BASE + "    labels: {a: hunter}\n    volumes: ['./media:/media']\n", target=SHARED)
    assert draft is not None
    assert draft.change is not None
    adapter = TypeAdapter(ComposeChange)

    written = adapter.dump_json(draft.change)

    assert adapter.validate_json(written) == draft.change
    assert b"hunter" not in written
    assert b"image" not in written


SECRET = """\
services:
  # old: PG_PASS=hunter0
  redis:
    image: redis
    command: redis-server --requirepass hunter1
    healthcheck: {test: [CMD, redis-cli, -a, hunter2, ping]}
  server:
    environment:
      AUTHENTIK_REDIS__HOST: redis
      AUTHENTIK_REDIS__PASSWORD: hunter3
      AUTHENTIK_REDIS__URL: redis://me:hunter4@redis/0
      PG_PASS: ${PG_PASS:?needed}
      OTHER_TOKEN: |
        hunter5
        hunter6
  worker:
    environment:
      - AUTHENTIK_REDIS__HOST=redis
      - AUTHENTIK_SECRET_KEY=hunter7
      - AUTHENTIK_REDIS__PASSWORD=${REDIS:-hunter8}
"""


def test_a_diff_shows_no_secret() -> None:
    files = [ComposeFile("/srv/0.yml", SECRET.encode())]
    draft = plan(SECRET)
    assert draft is not None

    diff = unified_diff(files, draft.texts)

    assert "hunter" not in diff
    assert "-      AUTHENTIK_REDIS__PASSWORD: ***" in diff
    assert "-      AUTHENTIK_REDIS__HOST: redis" in diff
    assert " PG_PASS: ${PG_PASS:?needed}" in diff
    assert "hunter" not in repr((files, draft))
