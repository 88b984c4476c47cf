"""A backup of the running stack is opened and restored with stock programs alone."""

import json
import shutil
from pathlib import Path

import pytest

from tests.age import npm, programs
from tests.e2e import stranger
from tests.e2e.akbot import Akbot
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.docker

POSTGRES, REDIS = "akbot-sandbox/postgres:17", "akbot-sandbox/redis:8"
OPEN_WITH_NPM = Path(__file__).with_name("open.mjs")


@pytest.fixture(params=["age", "npm"])
def opened(
    request: pytest.FixtureRequest, filled: Sandbox, akbot: Akbot, tmp_path: Path
) -> tuple[dict[str, object], Path]:
    """A backup, fetched and decrypted: for a classical key by `age`, for a hybrid one by npm's."""
    request.getfixturevalue("keys_in_redis")
    key = akbot.identity
    if request.param == "npm":
        key = tmp_path / "hybrid.txt"
        recipient = akbot.ok("keygen", "--hybrid", "-o", str(key)).strip()
        assert recipient.startswith("age1pq1")
        akbot = akbot.with_settings(AKBOT_RECIPIENTS=recipient)
    manifest = akbot.backup()
    folder = tmp_path / "fetched"
    folder.mkdir()
    prefix = f"{manifest['stack']}/{manifest['id']}/"
    sealed = stranger.fetch(filled, akbot.environment["AKBOT_STORE"], prefix, folder)
    for path in sealed:
        if path.suffix != ".age":
            continue
        plain = path.with_suffix("")
        if request.param == "age":
            stranger.shell('age -d -i "$1" -o "$2" "$3"', key, plain, path)
        else:
            library = npm.package("age-encryption", "0.3.1")
            command = 'NODE_PATH="$1/.." "$2" "$3" "$1" "$4" < "$5" > "$6"'
            node = programs.find("node")
            stranger.shell(command, library, node, OPEN_WITH_NPM, key, path, plain)
    return manifest, folder


def test_database_sessions_and_files_come_back_the_same(
    filled: Sandbox, opened: tuple[dict[str, object], Path]
) -> None:
    manifest, folder = opened
    sessions = stranger.shell('zstd -dc "$1"', folder / "redis.rdb.zst")
    with stranger.redis_elsewhere(filled, REDIS, sessions) as redis:
        keys = stranger.redis_keys(redis)
        assert len(keys) > 100
        assert keys == stranger.redis_keys(filled)

    for component in ("media", "templates", "certs"):
        place = folder / f"{component}-restored"
        place.mkdir()
        archive = folder / f"{component}.tar.zst"
        stranger.shell('zstd -dc "$1" | tar -xp --numeric-owner -C "$2"', archive, place)
        found = stranger.tree(place / component)
        assert found == stranger.tree(filled.mounts / "authentik" / component)
        assert component != "media" or len(found) > 200

    place = folder / "config"
    place.mkdir()
    stranger.shell('zstd -dc "$1" | tar -xp -C "$2"', folder / "config.tar.zst", place)
    found, source = stranger.tree(place), stranger.tree(filled.project)
    for name in (".env", "docker-compose.yml"):
        assert found[name] == source[name]

    with stranger.postgres_elsewhere(filled, POSTGRES) as server:
        roles = stranger.shell('zstd -dc "$1"', folder / "globals.sql.zst")
        assert b"CREATE ROLE authentik" in roles
        restore = ("pg_restore", "-U", "stranger", "-d", "restored", "--no-owner", "-1", "-e")
        with (folder / "postgres.dump").open("rb") as dump:
            server.run(*restore, stdin=dump.read())
        restored = stranger.restored_checksums(server)
    assert restored == stranger.source_checksums(filled)
    assert sum(count for count, _ in restored.values()) > 25_000

    database = manifest["database"]
    assert isinstance(database, dict)
    counted = {name: count for name, (count, _) in restored.items() if name in database["rows"]}
    assert counted == database["rows"]
    shutil.rmtree(folder)


def test_the_signature_is_checked_with_stock_openssl(
    filled: Sandbox, akbot: Akbot, tmp_path: Path
) -> None:
    manifest = akbot.backup("--component", "config")
    prefix = f"{manifest['stack']}/{manifest['id']}/"
    stranger.fetch(filled, akbot.environment["AKBOT_STORE"], prefix, tmp_path)

    check = """
    cut -d' ' -f2 "$1.sig" | base64 -d > "$1.raw"
    printf '\\x30\\x2a\\x30\\x05\\x06\\x03\\x2b\\x65\\x70\\x03\\x21\\x00' > "$1.der"
    cat "$1.raw" >> "$1.der"
    cut -d' ' -f3 "$1.sig" | base64 -d > "$1.bin"
    openssl pkeyutl -verify -pubin -keyform DER -inkey "$1.der" -rawin -in "$1" -sigfile "$1.bin"
    """
    answer = stranger.shell(check, tmp_path / "manifest.json")

    assert b"Verified Successfully" in answer
    assert json.loads((tmp_path / "manifest.json").read_bytes())["id"] == manifest["id"]
