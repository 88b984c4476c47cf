"""Whatever goes in comes out, and nothing that was damaged does."""

import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.age import (
    CHUNK_SIZE,
    AgeError,
    HybridIdentity,
    Identity,
    Opener,
    PassphraseIdentity,
    PassphraseRecipient,
    PayloadError,
    Recipient,
    Sealer,
    X25519Identity,
    decrypt,
    encrypt,
)
from bot.age.stream import PayloadOpener, PayloadSealer

FIRST, SECOND = X25519Identity.generate(), X25519Identity.generate()
HYBRID, OTHER_HYBRID = HybridIdentity.generate(), HybridIdentity.generate()

KINDS: dict[str, tuple[Sequence[Recipient], Sequence[Identity]]] = {
    "x25519": ([FIRST.recipient()], [FIRST]),
    "hybrid": ([HYBRID.recipient()], [HYBRID]),
    "first of two": ([FIRST.recipient(), SECOND.recipient()], [FIRST]),
    "second of two": ([FIRST.recipient(), SECOND.recipient()], [SECOND]),
    "second of two hybrids": ([HYBRID.recipient(), OTHER_HYBRID.recipient()], [OTHER_HYBRID]),
    "one key of several": ([SECOND.recipient()], [HYBRID, FIRST, SECOND]),
    "passphrase": ([PassphraseRecipient("pässword", 4)], [PassphraseIdentity("pässword")]),
}

quick = settings(max_examples=60)

around_chunk_ends = st.builds(
    lambda chunks, more: random.Random(chunks).randbytes(max(0, chunks * CHUNK_SIZE + more)),
    st.integers(0, 3),
    st.integers(-17, 17),
)
contents = st.binary(max_size=300) | around_chunk_ends
cuts = st.lists(st.integers(0, 3 * CHUNK_SIZE) | st.integers(0, 40), max_size=8)


def pieces(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """Cut *data* into pieces of these sizes, the rest in one."""
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("armor", [False, True], ids=["binary", "armor"])
@quick
@given(content=contents, sealing=cuts, opening=cuts)
def test_any_bytes_in_any_pieces(
    kind: str, *, armor: bool, content: bytes, sealing: list[int], opening: list[int]
) -> None:
    recipients, identities = KINDS[kind]

    sealed = b"".join(encrypt(pieces(content, sealing), recipients, armor=armor))

    assert b"".join(decrypt(pieces(sealed, opening), identities)) == content


@pytest.mark.parametrize("armor", [False, True], ids=["binary", "armor"])
def test_single_bytes_and_every_kind_of_buffer(*, armor: bool) -> None:
    content = random.Random(0).randbytes(1000)
    sealed = b"".join(encrypt([content], [FIRST.recipient()], armor=armor))

    assert b"".join(decrypt(pieces(sealed, [1] * len(sealed)), [FIRST])) == content
    for buffer in (bytearray(sealed), memoryview(sealed)):
        assert b"".join(decrypt([buffer], [FIRST])) == content


def test_one_feed_may_be_far_larger_than_the_work_buffer() -> None:
    content = random.Random(0).randbytes(40 * CHUNK_SIZE + 5)
    sealed = b"".join(encrypt([content], [FIRST.recipient()]))

    assert b"".join(decrypt([sealed], [FIRST])) == content


def damaged_copies(sealed: bytes) -> st.SearchStrategy[bytes]:
    """Copies of *sealed* with one byte changed, one byte more, or the end missing."""
    position = st.integers(0, len(sealed) - 1)
    flipped = st.builds(
        lambda at, bit: sealed[:at] + bytes([sealed[at] ^ 1 << bit]) + sealed[at + 1 :],
        position,
        st.integers(0, 7),
    )
    longer = st.builds(
        lambda at, byte: sealed[:at] + byte + sealed[at:],
        st.integers(0, len(sealed)),
        st.binary(min_size=1, max_size=1),
    )
    shorter = st.builds(lambda at: sealed[:at], position)
    return flipped | longer | shorter


SEALED = CHUNK_SIZE + 16


def chunk(*, last: bool) -> bytes:
    """The first of a payload, of full size."""
    sealer = PayloadSealer(bytes(32))
    sealed = sealer.update(bytes(CHUNK_SIZE)) + (b"" if last else sealer.update(b"more"))
    return (sealed + sealer.finish() if last else sealed)[:SEALED]


FIRST_CHUNK, LAST_CHUNK = chunk(last=False), chunk(last=True)

CONTENT = random.Random(1).randbytes(2 * CHUNK_SIZE + 1000)
FULL_CONTENT = CONTENT[: 2 * CHUNK_SIZE]


@pytest.mark.parametrize("kind", ["x25519", "hybrid", "passphrase", "second of two"])
@pytest.mark.parametrize("content", [b"", b"secret", FULL_CONTENT, CONTENT], ids=len)
@settings(max_examples=40)
@given(data=st.data(), sizes=cuts)
def test_damage_is_an_error_and_nothing_false_comes_out_before(
    kind: str, content: bytes, data: st.DataObject, sizes: list[int]
) -> None:
    recipients, identities = KINDS[kind]
    sealed = b"".join(encrypt([content], recipients))
    damaged = data.draw(damaged_copies(sealed))

    assert release(pieces(damaged, sizes), identities, content) is not None


@pytest.mark.parametrize("content", [b"", b"secret", CONTENT[:CHUNK_SIZE]], ids=len)
@settings(max_examples=150)
@given(data=st.data(), sizes=cuts)
def test_damage_to_armour_is_an_error_unless_it_is_space_outside(
    content: bytes, data: st.DataObject, sizes: list[int]
) -> None:
    sealed = b"".join(encrypt([content], [FIRST.recipient()], armor=True))
    damaged = data.draw(damaged_copies(sealed))

    if release(pieces(damaged, sizes), [FIRST], content) is None:
        assert damaged.replace(b"\r\n", b"\n").strip() == sealed.strip()


def release(
    chunks: Iterator[bytes], identities: Sequence[Identity], content: bytes
) -> AgeError | None:
    """Open a file that may be damaged; return the error, after checking all that came before."""
    opener = Opener(identities)
    released = b""
    try:
        for chunk in chunks:
            released += opener.update(chunk)
        released += opener.finish()
    except AgeError as error:
        assert content.startswith(released)
        with pytest.raises(type(error)):
            opener.update(b"more")
        return error
    assert released == content
    return None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda chunks: [chunks[0], chunks[2], chunks[1]], "chunk 2", id="reordered"),
        pytest.param(lambda chunks: [chunks[0], *chunks], "chunk 2", id="repeated"),
        pytest.param(lambda chunks: chunks[1:], "chunk 1", id="without its first"),
        pytest.param(lambda chunks: chunks[:-1], "cut off after chunk 2", id="without its last"),
        pytest.param(lambda chunks: [*chunks, b"!"], "chunk 3", id="one byte more"),
        pytest.param(lambda chunks: [*chunks[:2], chunks[2][:-1]], "chunk 3", id="one byte less"),
    ],
)
def test_chunks_stay_in_their_places(change: object, message: str) -> None:
    assert callable(change)
    sealed = b"".join(encrypt([CONTENT], [FIRST.recipient()]))
    start = len(sealed) - len(CONTENT) - 3 * 16
    size = CHUNK_SIZE + 16
    chunks = [sealed[i : i + size] for i in range(start, len(sealed), size)]

    error = release(iter([sealed[:start], *change(chunks)]), [FIRST], CONTENT)

    assert isinstance(error, PayloadError)
    assert message in str(error)


def test_sound_bytes_before_a_damaged_chunk_come_out_and_the_error_follows() -> None:
    sealed = bytearray(b"".join(encrypt([CONTENT], [FIRST.recipient()])))
    sealed[-1100] ^= 1  # in the second of three chunks
    opener = Opener([FIRST])

    assert opener.update(sealed) == CONTENT[:CHUNK_SIZE]
    with pytest.raises(PayloadError):
        opener.finish()


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([b"\0" * SEALED], "chunk 1 was changed after it was written"),
        ([b"\0" * 15], "the file was cut off after chunk 0"),
        ([b"\0" * 17], "chunk 1 was cut off, or changed after it was written"),
        ([FIRST_CHUNK], "the file was cut off after chunk 1"),
        ([FIRST_CHUNK, b"\0" * 16], "the last chunk is empty, which no age program writes"),
        ([FIRST_CHUNK, b"\0" * SEALED], "chunk 2 was changed after it was written"),
        ([LAST_CHUNK, b"\0"], "something was added after the last chunk"),
        ([LAST_CHUNK, b"\0" * SEALED], "something was added after the last chunk"),
    ],
)
def test_what_is_wrong_with_a_payload_is_told_by_every_later_call(
    pieces: list[bytes], message: str
) -> None:
    opener = PayloadOpener(bytes(32))
    with pytest.raises(PayloadError, match=f"^{message}$"):  # noqa: PT012 (some call must)
        for piece in pieces:
            opener.update(piece)
        opener.finish()
    for call in (opener.finish, lambda: opener.update(b"more")):
        with pytest.raises(PayloadError, match=f"^{message}$"):
            call()


def test_a_chunk_that_fits_again_after_a_damaged_one_stays_inside() -> None:
    sealed = b"".join(encrypt([CONTENT], [FIRST.recipient()]))
    start = len(sealed) - len(CONTENT) - 3 * 16
    size = CHUNK_SIZE + 16
    first, second = sealed[: start + size], sealed[start + size : start + 2 * size]
    opener = Opener([FIRST])

    assert opener.update(first + bytes(size)) == CONTENT[:CHUNK_SIZE]
    with pytest.raises(PayloadError):
        opener.update(second)


def test_a_finished_sealer_and_opener_take_no_more() -> None:
    sealer, opener = Sealer([FIRST.recipient()]), Opener([FIRST])
    opener.update(sealer.finish())
    opener.finish()

    for call in (sealer.finish, opener.finish):
        with pytest.raises(ValueError, match="has finished"):
            call()
    for update in (sealer.update, opener.update):
        with pytest.raises(ValueError, match="has finished"):
            update(b"")


def test_every_file_has_its_own_key_and_nonce() -> None:
    files = [b"".join(encrypt([b"same"], [FIRST.recipient()])) for _ in range(2)]

    assert files[0][-36:] != files[1][-36:]


@pytest.mark.parametrize("size", [1 << 20, 100_000])
def test_at_most_one_chunk_is_kept_back(size: int) -> None:
    sealer, opener = Sealer([FIRST.recipient()]), Opener([FIRST])
    fed = given_out = 0
    for _ in range(4):
        fed += size
        given_out += len(opener.update(sealer.update(bytes(size))))

        assert fed - given_out <= 2 * CHUNK_SIZE
