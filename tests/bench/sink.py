"""An S3 server that only keeps and gives back, so that a client is measured and not its server.

    python -m tests.bench.sink FOLDER PORT_FILE

An object is a file below FOLDER/BUCKET, or the list of its parts; nothing is hashed, synced or
checked, no signature and no access. What FOLDER holds at the start is served as well. It speaks
what akbot, restic and rclone ask for: objects whole and in parts, ranges, both listings, deletion,
and bodies in chunks, as some clients sign them. `tests/bench/run sink` says how fast it is.
PORT_FILE appears, holding the port, once it listens on 127.0.0.1.
"""

import sys
from collections.abc import Iterator, Mapping
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO, ClassVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from tests.bench.shelf import ETAG, Shelf

COPY = 1024 * 1024
SPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
PAGE = 1000


class Request(BaseHTTPRequestHandler):
    """One connection's requests, one after the other."""

    protocol_version = "HTTP/1.1"
    rbufsize = COPY
    disable_nagle_algorithm = True
    shelf: ClassVar[Shelf]

    def do_PUT(self) -> None:
        if "/" not in self._name:
            self._answer(200)  # every bucket is there
        elif upload := self._query.get("uploadId"):
            path = self.shelf.new_file()
            size = self._store(path)
            self.shelf.part(upload, int(self._query["partNumber"]), path, size)
            self._answer(200, headers={"ETag": ETAG.format(size)})
        else:
            path = self.shelf.new_file()
            stored = self.shelf.put(self._name, path, self._store(path), self._metadata)
            self._answer(200, headers={"ETag": stored.etag})

    def do_POST(self) -> None:
        bucket, _, key = self._name.partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        named = f"<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key>"
        if "uploads" in self._query:
            upload = self.shelf.begin(self._metadata)
            self._xml("InitiateMultipartUploadResult", f"{named}<UploadId>{upload}</UploadId>")
        elif upload := self._query.get("uploadId", ""):
            numbers = [int(each) for each in _texts(body, "PartNumber")]
            stored = self.shelf.complete(upload, self._name, numbers)
            self._xml("CompleteMultipartUploadResult", f"{named}<ETag>{stored.etag}</ETag>")
        elif "delete" in self._query:
            for each in _texts(body, "Key"):
                self.shelf.delete(f"{bucket}/{each}")
            self._xml("DeleteResult", "")
        else:
            self._refuse(501, "NotImplemented")

    def do_DELETE(self) -> None:
        if upload := self._query.get("uploadId"):
            self.shelf.abort(upload)
        else:
            self.shelf.delete(self._name)
        self._answer(204)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if "/" in self._name:
            self._give()
        elif "location" in self._query:
            self._xml("LocationConstraint", "")
        elif "uploads" in self._query:
            self._xml("ListMultipartUploadsResult", "<IsTruncated>false</IsTruncated>")
        elif "versioning" in self._query:
            self._xml("VersioningConfiguration", "")
        elif "object-lock" in self._query:
            self._refuse(404, "ObjectLockConfigurationNotFoundError")
        elif self._name and self.command == "GET":
            self._list()
        else:
            self._answer(200)

    def _give(self) -> None:
        stored = self.shelf.get(self._name)
        if stored is None:
            self._refuse(404, "NoSuchKey")
            return
        first, last = 0, stored.size - 1
        if wanted := self.headers.get("Range"):
            begin, _, end = wanted.removeprefix("bytes=").partition("-")
            first = int(begin) if begin else stored.size - int(end)
            last = min(int(end), last) if begin and end else last
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Content-Range", f"bytes {first}-{last}/{stored.size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", stored.etag)
        self.send_header("Last-Modified", format_datetime(stored.at, usegmt=True))
        for name, value in stored.metadata.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        for path, offset, count in stored.spans(first, last - first + 1):
            with path.open("rb") as file:
                self.connection.sendfile(file, offset, count)

    def _list(self) -> None:
        """Either version of the listing, a page of it."""
        query, bucket = self._query, self._name.rstrip("/")
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        version_2 = query.get("list-type") == "2"
        after = (
            query.get("continuation-token") or query.get("start-after") or query.get("marker", "")
        )
        shown = quote if query.get("encoding-type") == "url" else escape
        most, last = int(query.get("max-keys", PAGE)), after
        entries: list[str] = []
        folders: list[str] = []
        truncated = False
        for name in self.shelf.names(f"{bucket}/{prefix}", f"{bucket}/{after}"):
            key = name.removeprefix(f"{bucket}/")
            folder, found, _ = key.removeprefix(prefix).partition(delimiter or "\0")
            if found and f"{prefix}{folder}{delimiter}" in {last, *folders[-1:]}:
                continue
            if len(entries) + len(folders) == most:
                truncated = True
                break
            if found:
                last = f"{prefix}{folder}{delimiter}"
                folders.append(last)
            else:
                last, stored = key, self.shelf.get(name)
                if stored:
                    entries.append(f"<Contents><Key>{shown(key)}</Key>{stored.listed}</Contents>")
        mark = "NextContinuationToken" if version_2 else "NextMarker"
        self._xml(
            "ListBucketResult",
            f"<Name>{bucket}</Name><Prefix>{shown(prefix)}</Prefix>"
            f"<KeyCount>{len(entries) + len(folders)}</KeyCount><MaxKeys>{most}</MaxKeys>"
            f"<IsTruncated>{str(truncated).lower()}</IsTruncated>"
            + ("<EncodingType>url</EncodingType>" if shown is quote else "")
            + (f"<{mark}>{escape(last)}</{mark}>" if truncated else "")
            + "".join(entries)
            + "".join(
                f"<CommonPrefixes><Prefix>{shown(each)}</Prefix></CommonPrefixes>"
                for each in folders
            ),
        )

    def _store(self, path: Path) -> int:
        """Write the body there and return its size."""
        length = int(self.headers["Content-Length"])
        with path.open("wb", buffering=0) as file:
            if "aws-chunked" not in self.headers.get("Content-Encoding", "") and (
                "STREAMING" not in self.headers.get("x-amz-content-sha256", "")
            ):
                return self._copy(file, length)
            size = 0
            while chunk := int(self.rfile.readline().partition(b";")[0], 16):
                size += self._copy(file, chunk)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass  # trailers
            return size

    def _copy(self, file: BinaryIO, count: int) -> int:
        view = memoryview(bytearray(min(COPY, count)))
        left = count
        while left:
            came = self.rfile.readinto(view[: min(left, len(view))])
            if not came:
                raise ConnectionError("the client went away")
            file.write(view[:came])
            left -= came
        return count

    @property
    def _name(self) -> str:
        """ "bucket" or "bucket/key"."""
        name = unquote(urlsplit(self.path).path).lstrip("/")
        return name.rstrip("/") if name.count("/") == 1 and name.endswith("/") else name

    @property
    def _query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

    @property
    def _metadata(self) -> dict[str, str]:
        return {
            name: value
            for name, value in self.headers.items()
            if name.lower().startswith("x-amz-meta-") or name.lower() == "content-type"
        }

    def _xml(self, element: str, content: str) -> None:
        self._answer(200, f"<{element} {SPACE}>{content}</{element}>".encode())

    def _refuse(self, status: int, code: str) -> None:
        self._answer(
            status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        )

    def _answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the library's
        """Say nothing: a line for each part would be work."""


def _texts(body: bytes, element: str) -> Iterator[str]:
    for each in ET.fromstring(body).iter():
        if each.tag.rpartition("}")[2] == element:
            yield each.text or ""


class Server(ThreadingHTTPServer):
    """With room for the connections that a parallel client opens at once."""

    daemon_threads = True
    request_queue_size = 128


def main(folder: Path, port_file: Path) -> None:
    Request.shelf = Shelf(folder)
    with Server(("127.0.0.1", 0), Request) as server:
        partial = port_file.with_suffix(".new")
        partial.write_text(str(server.server_port))
        partial.rename(port_file)
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
