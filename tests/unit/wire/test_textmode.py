"""TYPE A: line ends in both directions, in any chunks."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from ftpfixture.wire.textmode import AsciiDecoder, AsciiEncoder
from tests.support.rows import table

text_data = st.lists(st.sampled_from(b"\r\nab"), max_size=40).map(bytes)


@st.composite
def chopped(draw: st.DrawFn) -> list[bytes]:
    """Return bytes in random chunks, some of them empty."""
    whole = draw(text_data)
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    return [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


def run(translator: AsciiEncoder | AsciiDecoder, *chunks: bytes | memoryview) -> bytes:
    """Return the whole translation of the chunks."""
    return b"".join(map(translator.feed, chunks)) + translator.finish()


@table(
    ("local", "network"),
    [
        (b"", b""),
        (b"a", b"a"),
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb", b"a\r\nb"),
        (b"\n\n", b"\r\n\r\n"),
        (b"a\r\r\n", b"a\r\r\n"),
        (b"a\rb\r", b"a\rb\r"),
        (b"\r\n\n", b"\r\n\r\n"),
    ],
)
def test_encode(local: bytes, network: bytes) -> None:
    """A LF without CR becomes CRLF, a CRLF stays."""
    assert run(AsciiEncoder(), local) == network


@table(
    ("network", "local"),
    [
        (b"", b""),
        (b"a", b"a"),
        (b"a\r\nb\r\n", b"a\nb\n"),
        (b"a\nb", b"a\nb"),
        (b"a\rb", b"a\rb"),
        (b"a\r\r\n", b"a\r\n"),
        (b"a\r", b"a\r"),
        (b"a\r\r", b"a\r\r"),
    ],
)
def test_decode(network: bytes, local: bytes) -> None:
    """CRLF becomes LF; a lone CR stays, at the very end too."""
    assert run(AsciiDecoder(), network) == local


@given(chopped())
@example([b"\r", b"\n"])
@example([b"\r", b"", b"\n\n"])
def test_chunks_do_not_matter(chunks: list[bytes]) -> None:
    """Both directions return the same bytes, whole, in chunks or one by one."""
    whole = b"".join(chunks)
    for translator in (AsciiEncoder, AsciiDecoder):
        result = run(translator(), whole)
        assert run(translator(), *chunks) == result
        assert run(translator(), *(bytes([byte]) for byte in whole)) == result


@given(chopped())
def test_decoding_undoes_encoding(chunks: list[bytes]) -> None:
    """Text without CRLF is restored."""
    whole = b"".join(chunks)
    if b"\r\n" not in whole:
        assert run(AsciiDecoder(), run(AsciiEncoder(), *chunks)) == whole


@given(chopped())
def test_byte_counts(chunks: list[bytes]) -> None:
    """Encoding adds one byte for each LF without CR; decoding removes one for each CRLF; no other byte changes."""
    whole = b"".join(chunks)
    assert len(run(AsciiEncoder(), *chunks)) == len(whole) + len(re.findall(rb"(?<!\r)\n", whole))
    assert len(run(AsciiDecoder(), *chunks)) == len(whole) - whole.count(b"\r\n")


@given(text_data)
def test_encoded_text_has_only_network_line_ends(local: bytes) -> None:
    """Encoded text has no LF without CR, and encoding it again changes nothing."""
    network = run(AsciiEncoder(), local)
    assert re.search(rb"(?<!\r)\n", network) is None
    assert run(AsciiEncoder(), network) == network


@table("translator", [AsciiEncoder, AsciiDecoder])
def test_views_are_accepted(translator: type[AsciiEncoder | AsciiDecoder]) -> None:
    """A memoryview gives the same result as the bytes."""
    data = b"a\nb\r\nc\r"
    assert run(translator(), memoryview(data)) == run(translator(), data)


def test_finish_resets() -> None:
    """After `finish`, the previous text does not affect the next one."""
    encoder, decoder = AsciiEncoder(), AsciiDecoder()
    assert run(encoder, b"a\r") == run(decoder, b"a\r") == b"a\r"
    assert run(encoder, b"\n") == b"\r\n"
    assert run(decoder, b"\n") == b"\n"
