"""Build stand-in images of Authentik and push them into the registry: those named, else all.

A name is REPOSITORY:TAG as `tags.tsv` lists it, such as goauthentik/server:2025.4.4.

Each image carries a hash of what it was made from as a label, so
nothing is built twice; a tag that the registry holds already, by digest, is not pushed again. The
Engine keeps them under the sandbox's own name alone, so that a pull is a real one.
"""

import hashlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

SANDBOX = Path(__file__).resolve().parent
SOURCE = SANDBOX / "authentik"
LABEL = os.environ["LABEL"]
NAMES = os.environ["NAMES"]
REGISTRY = os.environ["REGISTRY"]
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
LOG_END = 25


@dataclass(frozen=True)
class StandIn:
    """One row of the table."""

    repository: str
    tag: str
    arguments: tuple[str, ...]

    @property
    def image(self) -> str:
        """The name under which the Engine keeps it."""
        return f"{NAMES}/{self.repository.removeprefix('goauthentik/')}-standin:{self.tag}"


def say(text: str) -> None:
    print(f"sandbox: {text}", flush=True)


def rows() -> list[StandIn]:
    lines = (SANDBOX / "tags.tsv").read_text().splitlines()
    cells = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [StandIn(repository, tag, tuple(args.split())) for repository, tag, args in cells]


def wanted_rows(names: list[str]) -> list[StandIn]:
    """Return the rows of *names*, or every row."""
    table = {f"{row.repository}:{row.tag}": row for row in rows()}
    if unknown := set(names) - table.keys():
        raise SystemExit(f"sandbox: tags.tsv has no {', '.join(sorted(unknown))}")
    return [row for name, row in table.items() if not names or name in names]


def source_hash() -> str:
    """Hash names, modes and contents of what the images are built from."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            executable = os.access(path, os.X_OK)
            digest.update(f"{path.relative_to(SOURCE)} {executable} ".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def docker(*arguments: str) -> str:
    """Run the client and return what it prints; show its output and stop if it fails."""
    result = subprocess.run(
        ["docker", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
    )
    if result.returncode != 0:
        output = (result.stdout + result.stderr).splitlines()
        print(*output[-LOG_END:], sep="\n", file=sys.stderr)
        raise SystemExit(f"sandbox: failed: docker {' '.join(arguments)}")
    return result.stdout


def local(names: list[str]) -> dict[str, tuple[str, str]]:
    """Return id and label of those of *names* that the Engine has."""
    result = subprocess.run(
        ["docker", "image", "inspect", *names], capture_output=True, text=True, check=False
    )
    return {
        name: (image["Id"], (image["Config"].get("Labels") or {}).get(LABEL, ""))
        for image in json.loads(result.stdout or "[]")
        for name in image["RepoTags"] or []
    }


def pushed(row: StandIn, image_id: str) -> bool:
    """Whether the registry holds exactly this image under the row's tag."""
    request = urllib.request.Request(f"http://{REGISTRY}/v2/{row.repository}/manifests/{row.tag}")
    request.add_header("Accept", ", ".join(MANIFESTS))
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
    except urllib.error.HTTPError:
        return False
    config = json.loads(body).get("config", {}).get("digest")
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    return image_id in (config, digest)  # an image's id is one or the other, by the Engine's store


def build(row: StandIn, wanted: str) -> str:
    say(f"building {row.image}")
    arguments = [part for argument in row.arguments for part in ("--build-arg", argument)]
    docker(
        *("build", "--network", "host", *arguments),
        *("--label", f"{LABEL}={wanted}", "--tag", row.image, str(SOURCE)),
    )
    return docker("image", "inspect", "--format", "{{.Id}}", row.image).strip()


def push(row: StandIn) -> None:
    name = f"{REGISTRY}/{row.repository}:{row.tag}"
    say(f"pushing {name}")
    docker("tag", row.image, name)
    docker("push", "--quiet", name)
    docker("image", "rm", name)


def main() -> None:
    table = wanted_rows(sys.argv[1:])
    source = source_hash()
    have = local([row.image for row in table])
    for row in table:
        wanted = hashlib.sha256(f"{source} {row.arguments}".encode()).hexdigest()[:16]
        image_id, label = have.get(row.image, ("", ""))
        if label != wanted:
            image_id = build(row, wanted)
        if not pushed(row, image_id):
            push(row)
    docker("image", "prune", "--force", "--filter", f"label={LABEL}")  # those renamed away


if __name__ == "__main__":
    main()
