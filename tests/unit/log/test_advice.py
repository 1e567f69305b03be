"""Advice on sessions: what each rule finds and what it does not, and the lines that it names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.log import CommandLog
from ftpfixture.log.advice import ADVICE_RULES, Advice
from ftpfixture.log.events import TlsEstablished
from tests.support.rows import check_rows
from tests.support.story import Story, payload_of

OFFERS = ("AUTH", "MLSD", "REST")


def story_of(*offers: str) -> Story:
    """A story of a server that offers these verbs, with its own log."""
    story = Story()
    story.log = CommandLog(story.hub, time_source=story.time, offers=lambda: offers)
    return story


def advice_of(story: Story, rule: str) -> list[Advice]:
    """Return the advice of one rule."""
    return story.log.advice(ignore=[name for name in ADVICE_RULES if name != rule])


def carry(story: Story, line: str, content: bytes, *, kind: str = "I", offset: int = 0, done: bool = True) -> None:
    """A transfer of session 1, perhaps a part of one."""
    number = story.command(line)
    verb, _, path = line.partition(" ")
    story.open(number, path, verb, offset=offset, kind=kind)
    story.move(number, len(content))
    story.shut(number, payload_of(content), completed=done, error="" if done else "reset")
    story.reply("226" if done else "426", to=number)


def _clear_login(story: Story) -> None:
    story.login()


def _encrypted_login(story: Story) -> None:
    story.connect()
    number = story.say("AUTH TLS", "234")
    story.hub.emit(TlsEstablished(*story.hub.stamp(1), "control", number, "TLSv1.3", "", False, ""))
    story.say("USER ann", "331")
    story.say("PASS secret", "230")


def _anonymous_login(story: Story) -> None:
    story.connect()
    story.say("USER anonymous", "331")
    story.say("PASS me@", "230")


def _binary_in_ascii(story: Story) -> None:
    story.login()
    carry(story, "STOR /a.zip", b"PK\x03\x04", kind="A")


def _text_in_ascii(story: Story) -> None:
    story.login()
    carry(story, "STOR /a.txt", "grüße\t\r\n\f\x1a".encode(), kind="A")
    carry(story, "STOR /a.zip", b"PK\x03\x04")


def _straight(story: Story) -> None:
    story.login()
    carry(story, "STOR /a", b"a")


def _renamed(story: Story) -> None:
    story.login()
    carry(story, "STOR /a.tmp", b"a")
    story.say("RNFR /a.tmp", "350")
    story.say("RNTO /a", "250")


def _left(story: Story) -> None:
    story.login()
    story.disconnect(reason="client closed")


def _quitted(story: Story) -> None:
    story.login(1)
    story.say("QUIT", "221")
    story.disconnect(1, "quit")
    story.login(2)
    story.disconnect(2, "shut down")


def _login_each(story: Story) -> None:
    for session in (1, 2):
        story.login(session)
        story.transfer(f"RETR /{session}", b"1", session)
        story.say("QUIT", "221", session)


def _one_login(story: Story) -> None:
    story.login()
    story.transfer("RETR /1", b"1")
    story.transfer("RETR /2", b"1")


def _side_by_side(story: Story) -> None:
    story.login(1)
    story.login(2)
    story.transfer("RETR /1", b"1", 1)
    story.transfer("RETR /2", b"1", 2)


def _list(story: Story) -> None:
    story.login()
    story.transfer("LIST", b"")


def _mlsd(story: Story) -> None:
    story.login()
    story.transfer("MLSD", b"")
    story.say("LIST /x", "550")


def _size_in_ascii(story: Story) -> None:
    story.login()
    story.say("TYPE I", "200")
    story.say("SIZE /a", "213")
    story.say("TYPE A", "200")
    story.say("SIZE /b", "550")


def _size_in_image(story: Story) -> None:
    story.login()
    story.say("TYPE I", "200")
    story.say("TYPE A", "504")
    story.say("SIZE /a", "213")


def _begun_again(story: Story) -> None:
    story.login()
    carry(story, "RETR /a", b"12", done=False)
    carry(story, "RETR /a", b"1234")


def _resumed(story: Story) -> None:
    story.login()
    carry(story, "RETR /a", b"12", done=False)
    carry(story, "RETR /a", b"34", offset=2)
    carry(story, "RETR /a", b"1234")
    carry(story, "STOR /b", b"", done=False)
    carry(story, "STOR /b", b"12")


def _repeated(story: Story) -> None:
    story.login()
    for line, code in [
        ("TYPE I", "200"), ("TYPE I", "200"), ("CWD /in", "250"), ("PWD", "257"), ("PWD", "257"), ("CWD /in", "250"),
        ("NOOP", "200"), ("PASV", "227"), ("PASV", "227"),
    ]:  # fmt: skip
        story.say(line, code)


def _needed(story: Story) -> None:
    story.login()
    for line, code in [
        ("TYPE I", "200"), ("TYPE A", "200"), ("TYPE I", "200"), ("CWD /in", "250"), ("PWD", "257"), ("CDUP", "250"),
        ("CDUP", "250"), ("PWD", "257"), ("CWD /in", "550"), ("CWD /in", "250"), ("PASV", "227"),
    ]:  # fmt: skip
        story.say(line, code)


Tell = Callable[[Story], None]

ROWS: list[tuple[str, Tell, list[str], Tell]] = [
    ("clear-password", _clear_login, ["PASS ****** -> 230"], _encrypted_login),
    ("clear-password", _clear_login, ["PASS ****** -> 230"], _anonymous_login),
    ("ascii-binary", _binary_in_ascii, ["/a.zip (STOR)"], _text_in_ascii),
    ("straight-upload", _straight, ["/a (STOR)"], _renamed),
    ("no-quit", _left, ["session 1, user ann, ended: client closed"], _quitted),
    ("login-per-file", _login_each, ["session 1", "session 2"], _one_login),
    ("login-per-file", _login_each, ["session 1", "session 2"], _side_by_side),
    ("list-without-mlsd", _list, ["LIST -> 226"], _mlsd),
    ("ascii-size", _size_in_ascii, ["SIZE /b -> 550"], _size_in_image),
    ("no-rest", _begun_again, ["2 bytes, aborted: reset", "4 bytes, complete"], _resumed),
    ("round-trips", _repeated, ["TYPE I", "PWD", "CWD /in", "NOOP", "PASV"], _needed),
]


def test_each_rule_finds_its_lines_and_no_others() -> None:
    """A dialogue with the fault gets advice with its lines, and one without gets none."""

    def check(row: tuple[str, Tell, list[str], Tell]) -> None:
        rule, wrong, lines, right = row
        bad, good = story_of(*OFFERS), story_of(*OFFERS)
        wrong(bad)
        right(good)
        [advice] = advice_of(bad, rule)
        assert advice.rule == rule
        assert len(advice.lines) == len(lines)
        assert all(part in line for part, line in zip(lines, advice.lines, strict=True))
        assert advice_of(good, rule) == []

    check_rows(ROWS, check)
    assert {row[0] for row in ROWS} == {*ADVICE_RULES}


def test_advice_as_text() -> None:
    """Advice has the rule, the reason, what to do, and the lines."""
    story = story_of(*OFFERS)
    _repeated(story)

    [advice] = advice_of(story, "round-trips")

    assert str(advice).splitlines() == [
        "round-trips: 5 of 13 round trips could be saved: 0.25 s at 50 ms, 1 s at 200 ms; "
        "all of them take 0.65 s at 50 ms, 2.6 s at 200 ms",
        "    2.250 TYPE I -> 200 (session 1)",
        "    3.750 PWD -> 257 (session 1)",
        "    4.250 CWD /in -> 250 (session 1)",
        "    4.750 NOOP -> 200 (session 1)",
        "    5.250 PASV -> 227 (session 1)",
    ]


def test_what_a_server_offers_may_be_known_from_feat() -> None:
    """Without FEAT and the verbs of the server there is no advice on TLS, MLSD and REST."""
    story = Story()
    _clear_login(story)
    assert advice_of(story, "clear-password") == []

    story.reply("211", "Features\n AUTH TLS\nEnd", to=story.command("FEAT"))

    assert [one.rule for one in advice_of(story, "clear-password")] == ["clear-password"]


def test_advice_on_one_session() -> None:
    """With `session` the others do not count."""
    story = story_of(*OFFERS)
    story.login(1)
    story.login(2)

    assert len(story.log.advice(session=2)[0].lines) == 1
    assert len(story.log.advice()[0].lines) == 2


def test_advice_that_cannot_be_given_is_an_error() -> None:
    """Nothing to judge, an unknown rule or session: each is an error that has what would work."""
    story = Story()
    with pytest.raises(ConfigurationError, match="nothing to judge: ask for advice after the client ran"):
        story.log.advice()
    story.login()
    with pytest.raises(ConfigurationError, match=r"no rule 'no-qiut': did you mean 'no-quit'\?"):
        story.log.advice(ignore=["no-qiut"])
    with pytest.raises(ConfigurationError, match=r"ignore takes a list of rules, such as \['no-quit'\], not 'no-quit'"):
        story.log.advice(ignore="no-quit")
    with pytest.raises(ConfigurationError, match="there is no session 7"):
        story.log.advice(session=7)
