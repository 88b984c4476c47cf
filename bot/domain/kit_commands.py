"""The commands on the recovery kit, as a person types them; "ID" is the backup that she chooses."""

import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import quote, urlencode

from bot.domain.kit import Kit
from bot.domain.signature import PublicKey
from bot.domain.store_url import DirectoryLocation, S3Location

WIDTH = 78

_DER_OF_ED25519 = "MCowBQYDK2VwAyEA"  # what stands before the raw key in a PEM file, in base64

OPEN = (
    "mkdir -m 700 backup; cut -c67- sums | while read -r f; do o=${f##*/}",
    '    age -d -i identity.txt -o "backup/${o%.age}" "$f"; done',
    'cd backup; for f in *.zst; do zstd -dq "$f"; done',
)


def bootstrap(kit: Kit) -> Iterator[str]:
    """The whole restore, on an empty host, from akbot's folder."""
    yield from credentials(kit)
    first, *others = kit.stores
    yield f"deploy/bootstrap latest --from {shlex.quote(_url(first.location))} \\"
    yield f"    --stack {shlex.quote(kit.stack)} --identity identity.txt --project-dir …"
    for store in others:
        yield f"# or: --from {shlex.quote(_url(store.location))}"


def fetch(kit: Kit, store: S3Location | DirectoryLocation) -> Iterator[str]:
    """List the backups in *store*, and download the one that the person puts for ID.

    Under the path that the manifest has for its files, so that a copy of another set is noticed.
    """
    set_name = f"set={kit.stack}/ID"
    if isinstance(store, DirectoryLocation):
        folder = shlex.quote(str(store.path))
        yield f"ls {folder}/{kit.stack}"
        yield f'{set_name}; mkdir -p "$set"'
        yield f'cp -r {folder}/"$set"/. "$set"'
        return
    bucket = shlex.quote(place(store))
    at = "".join(
        f" {option} {shlex.quote(value)}"
        for option, value in (
            ("--endpoint-url", store.endpoint),
            ("--region", store.region),
        )
        if value
    )
    yield from _command(f"aws s3 ls {bucket}/{kit.stack}/", at)
    yield set_name
    yield from _command(f'aws s3 cp --recursive {bucket}/"$set"/ "$set"', at)


def check(signers: Sequence[PublicKey]) -> Iterator[str]:
    """Signature and checksums, by programs that every system has."""
    raw_key = signers[0].partition(":")[2]
    yield "printf -- '-----BEGIN PUBLIC KEY-----\\n%s\\n-----END PUBLIC KEY-----\\n' \\"
    yield f"    {_DER_OF_ED25519}{raw_key} > signer.pem"
    yield "cut -d' ' -f3 \"$set/manifest.json.sig\" | base64 -d > signature"
    yield "openssl pkeyutl -verify -pubin -inkey signer.pem -rawin \\"
    yield '    -in "$set/manifest.json" -sigfile signature'
    yield """awk -F'"' '$2 == "key" {k = $4} $2 == "sha256" {print $4 "  " k}' \\"""
    yield '    "$set/manifest.json" | grep "  $set/" > sums; sha256sum -c sums'


def unpack(kit: Kit) -> Iterator[str]:
    """Configuration and files."""
    folder = shlex.quote(f"/opt/{kit.stack}")
    yield f'f={folder}; mkdir -p "$f"; tar -xpf config.tar --numeric-owner -C "$f"'
    yield "tar -xpf media.tar --numeric-owner -C FOLDER_ABOVE_MEDIA"


def load(kit: Kit) -> Iterator[str]:
    """The database, by its own pg_restore: an older one cannot read a newer one's archive."""
    database = shlex.quote(kit.database_service)
    yield f"backup=$PWD; cd {shlex.quote(f'/opt/{kit.stack}')}"
    yield f"docker compose up -d --wait {database}"
    yield f"docker compose exec -T {database} sh -c \\"
    yield """    'pg_restore -U "$POSTGRES_USER" -d "$POSTGRES_DB" --no-owner -1 -e' \\"""
    yield '    < "$backup/postgres.dump"'


def credentials(kit: Kit) -> Sequence[str]:
    """The S3 access key, where one is needed."""
    if not any(isinstance(each.location, S3Location) for each in kit.stores):
        return ()
    return ("export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…",)


def place(store: S3Location) -> str:
    """Bucket and prefix, as S3 clients take them."""
    return f"s3://{store.bucket}/{store.prefix}".rstrip("/")


def service(store: S3Location) -> str:
    """Whose it is, for people."""
    name = store.endpoint or "Amazon S3"
    return f"{name}, region {store.region}" if store.region else name


def _url(store: S3Location | DirectoryLocation) -> str:
    """As `--from` takes it, without what only the old host has: its AWS profile and CA file."""
    if isinstance(store, DirectoryLocation):
        return f"file://{quote(str(store.path))}"
    options = {"endpoint": store.endpoint, "region": store.region}
    if store.path_style != bool(store.endpoint):
        options["path_style"] = str(store.path_style).lower()
    given = urlencode({name: value for name, value in options.items() if value}, safe=":/")
    return f"{place(store)}?{given}" if given else place(store)


def _command(command: str, options: str) -> Iterator[str]:
    """On one line where it fits, else on two."""
    if len(command + options) <= WIDTH or not options:
        yield command + options
    else:
        yield f"{command} \\"
        yield f"   {options}"
