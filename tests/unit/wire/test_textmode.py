"""TYPE A: line ends in both directions, wherever the chunks are cut."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from ftpfixture.wire.textmode import AsciiDecoder, AsciiEncoder
from tests.support.rows import table

octets = st.lists(st.sampled_from(b"\r\nab"), max_size=40).map(bytes)


@st.composite
def chopped(draw: st.DrawFn) -> list[bytes]:
    """Octets in random chunks, empty ones among them."""
    whole = draw(octets)
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    return [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


def run(translator: AsciiEncoder | AsciiDecoder, *chunks: bytes | memoryview) -> bytes:
    """All that comes out for the chunks, to the end."""
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
def test_chopping_does_not_matter(chunks: list[bytes]) -> None:
    """Both directions give the same octets, whole, in chunks or one by one."""
    whole = b"".join(chunks)
    for translator in (AsciiEncoder, AsciiDecoder):
        result = run(translator(), whole)
        assert run(translator(), *chunks) == result
        assert run(translator(), *(bytes([octet]) for octet in whole)) == result


@given(chopped())
def test_decoding_undoes_encoding(chunks: list[bytes]) -> None:
    """Text without CRLF comes back as it was."""
    whole = b"".join(chunks)
    if b"\r\n" not in whole:
        assert run(AsciiDecoder(), run(AsciiEncoder(), *chunks)) == whole


@given(chopped())
def test_octet_counts(chunks: list[bytes]) -> None:
    """Encoding adds one octet for each LF without CR; decoding takes one for each CRLF; nothing else is lost."""
    whole = b"".join(chunks)
    assert len(run(AsciiEncoder(), *chunks)) == len(whole) + len(re.findall(rb"(?<!\r)\n", whole))
    assert len(run(AsciiDecoder(), *chunks)) == len(whole) - whole.count(b"\r\n")


@given(octets)
def test_encoded_text_has_only_network_line_ends(local: bytes) -> None:
    """What was encoded has no LF without CR, and encoding it again changes nothing."""
    network = run(AsciiEncoder(), local)
    assert re.search(rb"(?<!\r)\n", network) is None
    assert run(AsciiEncoder(), network) == network


@table("translator", [AsciiEncoder, AsciiDecoder])
def test_views_are_taken(translator: type[AsciiEncoder | AsciiDecoder]) -> None:
    """A view on octets gives what the octets give."""
    data = b"a\nb\r\nc\r"
    assert run(translator(), memoryview(data)) == run(translator(), data)


def test_finish_starts_anew() -> None:
    """After the end nothing is left that would change the next text."""
    encoder, decoder = AsciiEncoder(), AsciiDecoder()
    assert run(encoder, b"a\r") == run(decoder, b"a\r") == b"a\r"
    assert run(encoder, b"\n") == b"\r\n"
    assert run(decoder, b"\n") == b"\n"
