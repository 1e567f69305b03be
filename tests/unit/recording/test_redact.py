"""Two checks for secrets: placeholders before anything is written, and a search of the result."""

from __future__ import annotations

import base64
import itertools
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.recording.redact import Secrets, escape, fill, pattern_of, pieces
from tests.support.rows import table

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=12)


def _known(*values: str) -> Secrets:
    known = Secrets()
    for number, value in enumerate(values):
        known.add("abc"[number], value)
    return known


@given(before=texts, secret=secrets, after=texts)
def test_what_is_hidden_comes_back(before: str, secret: str, after: str) -> None:
    """A text has one redacted form, without the secret, and one original form; its own braces are no placeholders."""
    hidden = _known(secret).hide(before + secret + after)

    assert "{a}" in hidden
    assert fill(hidden, {"a": secret}) == before + secret + after
    if secret not in before + after and not set(secret) & set("{}a"):
        assert secret not in hidden.replace("{a}", "")


@given(before=texts, secret=secrets, after=texts)
def test_a_pattern_is_that_of_every_true_form(before: str, secret: str, after: str) -> None:
    """The pattern fits the original text, and the text with another secret."""
    hidden = f"{escape(before)}{{a}}{escape(after)}"

    for value in (secret, "", "other\n"):
        found = pattern_of(hidden).fullmatch(before + value + after)
        assert found is not None
        assert found["a"] == value
    assert pattern_of(escape(before)).fullmatch(before + secret) is None
    assert pattern_of("{a}-{a}").fullmatch("x-y") is None


@given(texts)
def test_a_text_without_secrets(text: str) -> None:
    """It is escaped, and `fill` returns it unchanged."""
    assert fill(escape(text), {"a": "x"}) == text
    assert Secrets().hide(text) == escape(text)


@table(
    ("text", "hidden"),
    [
        ("PASS s3cret", "PASS {a}"),
        ("s3crets3cret", "{a}{a}"),
        ("s3cret2 and s3cret", "{b} and {a}"),
        ("that office", "that office"),
        ("user at logged in", "user {c} logged in"),
        ("{a} {x", "{{a}} {{x"),
    ],
)
def test_placeholders(text: str, hidden: str) -> None:
    """The longest secret first; a short one only as a whole word; braces are doubled."""
    assert _known("s3cret", "s3cret2", "at").hide(text) == hidden


def test_an_empty_secret_is_none() -> None:
    """An empty password replaces nothing."""
    known = Secrets()
    known.add("password", "")
    assert (known.hide("abc"), known.names, known.found_in(b"abc")) == ("abc", [], None)


def test_the_first_name_of_a_secret_stays() -> None:
    """A password that equals the user's name has the first placeholder."""
    known = Secrets()
    known.add("user", "same")
    known.add("password", "same")
    assert (known.hide("same"), known.names) == ("{user}", ["user"])


DISGUISES = {
    "as it is": lambda raw: raw,
    "percent-encoded": lambda raw: quote(raw, safe="").encode(),
    "lower case": lambda raw: "".join(f"%{byte:02x}" for byte in raw).encode(),
    "twice": lambda raw: quote(quote(raw, safe=""), safe="").encode(),
    "form": lambda raw: quote_plus(raw).encode(),
    "base64": base64.b64encode,
    "base64 behind one byte": lambda raw: base64.b64encode(b":" + raw),
    "base64 between": lambda raw: base64.b64encode(b"u:" + raw + b"!!"),
    "base64 for URLs": base64.urlsafe_b64encode,
}


@given(before=st.binary(max_size=20), secret=secrets, after=st.binary(max_size=20))
def test_secrets_are_found(before: bytes, secret: str, after: bytes) -> None:
    """Every encoding is found at every place, and named by its placeholder; a short secret as a whole word only."""
    known, raw = _known(secret), secret.encode()
    for name, disguise in DISGUISES.items():
        found = known.found_in(before + b" " + disguise(raw) + b" " + after)
        assert found is not None, (name, secret)
        assert found[0] == "a"


@table(
    ("content", "found"),
    [
        (b"nothing here", None),
        (b"s3cre t", None),
        (b"%73%33cret", ("a", "percent-encoded")),
        (b"the data of a day", None),
        (b"user=at;", ("c", "as it is")),
    ],
)
def test_what_is_found(content: bytes, found: tuple[str, str] | None) -> None:
    """Mixed encodings are found, too; a short secret is found as a whole word only."""
    assert _known("s3cret", "other1", "at").found_in(content) == found


@table(
    ("text", "found"),
    [
        ("", [("", None)]),
        ("a {{b}}", [("a {b}", None)]),
        ("a {b} {{c}} {d}", [("a ", "b"), (" {c} ", "d"), ("", None)]),
        ("{a}{b}", [("", "a"), ("", "b"), ("", None)]),
        ("one { or } alone", [("one { or } alone", None)]),
    ],
)
def test_the_pieces_of_a_redacted_text(text: str, found: list[tuple[str, str | None]]) -> None:
    """Original text, and the placeholder behind it."""
    assert [*pieces(text)] == found


@given(
    before=st.binary(max_size=300),
    secret=secrets,
    after=st.binary(max_size=300),
    cuts=st.lists(st.integers(0, 700), max_size=6),
)
def test_secrets_are_found_across_pieces(before: bytes, secret: str, after: bytes, cuts: list[int]) -> None:
    """In pieces of any size, the result is that of the whole."""
    known = _known(secret, "at")
    for disguise in DISGUISES.values():
        content = before + b" " + disguise(secret.encode()) + b" " + after
        ends = [0, *sorted(cuts), len(content)]
        cut = [content[start:end] for start, end in itertools.pairwise(ends)]
        assert known.found_in_pieces(cut) is not None


@table(
    ("cut", "found"),
    [
        ([b"th", b"at"], None),
        ([b"x" * 500 + b" th", b"at ", b"of" * 500], None),
        ([b"x" * 500 + b" a", b"ttic " + b"y" * 500], None),
        ([b"x" * 500 + b" a", b"t " + b"y" * 500], ("c", "as it is")),
        ([b"at", b" " + b"y" * 500], ("c", "as it is")),
        ([b"a", b"t"], ("c", "as it is")),
        ([b"%7", b"3%33cr", b"et"], ("a", "percent-encoded")),
        ([b"x" * 500 + b"%25", b"73%2533cret" + b"y" * 500], ("a", "percent-encoded twice")),
        ([], None),
    ],
)
def test_pieces(cut: list[bytes], found: tuple[str, str] | None) -> None:
    """A cut makes no word, hides none, and is in no encoding."""
    assert _known("s3cret", "other1", "at").found_in_pieces(cut) == found
