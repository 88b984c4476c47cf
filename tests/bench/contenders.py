"""What is measured side by side: each one's commands, as its manual advises, for the same work.

Each keeps the whole database encrypted, on the same S3 server where it can speak to one, else in a
directory. The scripts are printed with the results, so that anyone can object. They find in their
environment: SINK, the address of the S3 server; KEEP, an empty folder of this turn.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.results import LIMIT, OURS

DATABASE, PHYSICAL = "authentik-postgresql", "akbot-bench-pgbackrest"
IMAGE = "akbot-sandbox/postgres:17-pgbackrest"
STACK = (DATABASE, "authentik-redis")
SECRET = "of-the-benchmark"
PG_DUMP = f"docker exec {DATABASE} pg_dump -U authentik -d authentik -Fc"
PG_RESTORE = "pg_restore -U authentik -d bench --no-owner"
LOAD = f"docker exec -i {DATABASE} {PG_RESTORE}"
ANALYZE = f"docker exec {DATABASE} psql -qU authentik -d bench -c ANALYZE"
ARCHIVE = "/tmp/bench.dump"
CLUSTER = f"docker exec -u postgres {PHYSICAL}"
PGBACKREST_IN_IT = f"{CLUSTER} pgbackrest --stanza=main"
IN_RECOVERY = f"{CLUSTER} psql -qAtU authentik -c 'SELECT pg_is_in_recovery()' 2>/dev/null"
SERVES = f'until [ "$({IN_RECOVERY})" = f ]; do sleep 0.1; done'


@dataclass(frozen=True)
class Contender:
    """One way to keep a database and to have it again.

    *again* is its second run, where that is another command. *bucket* or *folder* (below KEEP) is
    where its bytes lie. *restore* loads them into the empty database `bench`; what is physical
    brings its whole cluster back instead, and what is ours the stack. None: not measured.
    """

    name: str
    backup: str
    restore: str
    prepare: str = ":"
    again: str = ""
    bucket: str = ""
    folder: str = ""
    containers: tuple[str, ...] = (DATABASE,)

    @property
    def is_limit(self) -> bool:
        return self.name.startswith(LIMIT)

    @property
    def is_ours(self) -> bool:
        return self.name.startswith(OURS)

    @property
    def is_physical(self) -> bool:
        return PHYSICAL in self.containers


def _ours(name: str, store: str, bucket: str = "", folder: str = "", only: str = "") -> Contender:
    """Ours, with a state of its own for each store; what is partial is not restored here."""
    akbot = f'AKBOT_STATE="$KEEP/state-{bucket}{folder}" AKBOT_STORE="{store}" akbot'
    return Contender(
        f"{OURS}, {name}",
        f"{akbot} backup --json{only}",
        "" if only else f"{akbot} restore --yes --no-safety-backup --json latest",
        bucket=bucket,
        folder=folder,
        containers=STACK,
    )


def _cron(name: str, options: str, bucket: str) -> Contender:
    """The line that many crontabs hold."""
    there, key = f"sink:{bucket}", f"$KEEP/identity-{bucket}"
    return Contender(
        name,
        f'{PG_DUMP}{options} | age -r "$(age-keygen -y {key})"'
        f' | rclone rcat "{there}/$(date +%s).dump.age"',
        f"newest=$(rclone lsf {there} | sort | tail -n 1)\n"
        f'rclone cat "{there}/$newest" | age -d -i {key} | {LOAD}\n{ANALYZE}',
        prepare=f"age-keygen -o {key}",
        bucket=bucket,
    )


LIMIT_OF_ALL = Contender(
    LIMIT,
    f"docker exec {DATABASE} sh -c 'exec pg_dump -U authentik -d authentik -Fc -Z0 >/dev/null'",
    f"docker exec {DATABASE} {PG_RESTORE} {ARCHIVE}\n{ANALYZE}",
    prepare=f"{PG_DUMP} -Z zstd:1 -f {ARCHIVE}",
)
RESTIC = Contender(
    "restic, S3",
    f"{PG_DUMP} -Z0 | restic backup --stdin --stdin-filename authentik.dump",
    f"restic dump latest authentik.dump | {LOAD}\n{ANALYZE}",
    prepare="restic init",
    bucket="restic",
)
BORGMATIC = Contender(
    "borgmatic, directory",
    'borgmatic --config "$KEEP/borgmatic.yaml" create',
    'newest=$(borg list --last 1 --short "$KEEP/borg")\n'
    'borg extract --stdout "$KEEP/borg::$newest" "re:postgresql_databases/.*authentik$"'
    f" | {LOAD}\n{ANALYZE}",
    prepare=f"""cat >"$KEEP/borgmatic.yaml" <<END
repositories:
  - path: $KEEP/borg
encryption_passphrase: {SECRET}
postgresql_databases:
  - name: authentik
    username: authentik
    compression: none
    pg_dump_command: docker exec {DATABASE} pg_dump
    psql_command: docker exec {DATABASE} psql
END
borgmatic --config "$KEEP/borgmatic.yaml" repo-create --encryption repokey-blake2""",
    folder="borg",
)
PGBACKREST = Contender(
    "pgBackRest, directory (physical)",
    f"{PGBACKREST_IN_IT} --type=full backup",
    f"""docker stop --time 60 {PHYSICAL}
docker run --rm -u postgres --volumes-from {PHYSICAL} --env-file "$KEEP/pgbackrest.env" {IMAGE} \\
  sh -c 'find "$PGDATA" -mindepth 1 -delete && pgbackrest --stanza=main restore'
docker start {PHYSICAL}
{SERVES}""",
    prepare=f"""install -d -m 777 "$KEEP/pgbackrest"
cat >"$KEEP/pgbackrest.env" <<END
POSTGRES_USER=authentik
POSTGRES_PASSWORD={SECRET}
PGBACKREST_PG1_PATH=/var/lib/postgresql/data
PGBACKREST_PG1_USER=authentik
PGBACKREST_REPO1_PATH=/repo
PGBACKREST_REPO1_CIPHER_TYPE=aes-256-cbc
PGBACKREST_REPO1_CIPHER_PASS={SECRET}
PGBACKREST_REPO1_BUNDLE=y
PGBACKREST_COMPRESS_TYPE=zst
PGBACKREST_PROCESS_MAX=2
PGBACKREST_START_FAST=y
PGBACKREST_LOG_LEVEL_FILE=off
END
docker rm --force --volumes {PHYSICAL} 2>/dev/null || true
docker run --detach --name {PHYSICAL} --label "akbot.sandbox=$SANDBOX_STATE" --shm-size 256m \\
  --volume "$KEEP/pgbackrest:/repo" --env-file "$KEEP/pgbackrest.env" {IMAGE} \\
  postgres -c archive_mode=on -c 'archive_command=pgbackrest --stanza=main archive-push %p' \\
  -c max_wal_size=2GB
{SERVES}
{PGBACKREST_IN_IT} stanza-create
{PG_DUMP} -Z0 | docker exec -i {PHYSICAL} pg_restore -U authentik -d authentik --no-owner""",
    again=f"{PGBACKREST_IN_IT} --type=incr backup",
    folder="pgbackrest",
    containers=(PHYSICAL,),
)

CONTENDERS = (
    LIMIT_OF_ALL,
    _ours("S3", "s3://akbot/all?endpoint=$SINK&region=us-east-1", bucket="akbot"),
    _ours(
        "S3, the database alone",
        "s3://akbot-database/alone?endpoint=$SINK&region=us-east-1",
        bucket="akbot-database",
        only=" --component postgres",
    ),
    _cron("cron: pg_dump | age | rclone, S3", "", "cron"),
    _cron("the same with pg_dump -Z zstd:1, S3", " -Z zstd:1", "cron-zstd"),
    RESTIC,
    _ours("directory", "file://$KEEP/akbot", folder="akbot"),
    BORGMATIC,
    PGBACKREST,
)


def environment_of(sink: str, keep: str) -> Mapping[str, str]:
    """What the scripts read: addresses, and passwords as each manual says that they are given."""
    return {
        "SINK": sink,
        "KEEP": keep,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_CONFIG_SINK_TYPE": "s3",
        "RCLONE_CONFIG_SINK_PROVIDER": "Other",
        "RCLONE_CONFIG_SINK_ENDPOINT": sink,
        "RCLONE_CONFIG_SINK_ENV_AUTH": "true",
        "RESTIC_REPOSITORY": f"s3:{sink}/restic",
        "RESTIC_PASSWORD": SECRET,
        "RESTIC_CACHE_DIR": f"{keep}/restic-cache",
        "BORG_PASSPHRASE": SECRET,
        "BORG_BASE_DIR": f"{keep}/borg-base",
    }
