"""Events are numbered in order, passed to every subscriber, and never change."""

from __future__ import annotations

import dataclasses
import hashlib
import threading

import pytest

from ftpfixture import on
from ftpfixture.errors import ServerStateError
from ftpfixture.log import events
from ftpfixture.log.events import (
    CommandReceived,
    Connected,
    Disconnected,
    Event,
    FaultApplied,
    Hub,
    LoggedIn,
    ReplySent,
)
from ftpfixture.log.payload import Payload
from tests.support.rows import table


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_numbers_count_from_one_over_all_sessions() -> None:
    """Every stamp has the next number, whichever session asks."""
    hub = Hub(Clock())

    assert [hub.stamp(session)[:2] for session in (1, 2, 1)] == [(1, 1), (2, 2), (1, 3)]


def test_time_counts_from_the_making_of_the_hub() -> None:
    """`time` is seconds since the hub was made, by its clock."""
    clock = Clock()
    hub = Hub(clock)
    clock.now += 2.5

    assert hub.stamp(1)[2] == 2.5


def test_every_subscriber_gets_every_event_in_order() -> None:
    """Each event reaches all subscribers, in the order of their subscription, before the next one."""
    hub = Hub(Clock())
    heard: list[tuple[str, Event]] = []
    hub.subscribe(lambda event: heard.append(("first", event)))
    hub.subscribe(lambda event: heard.append(("second", event)))
    one, two = LoggedIn(*hub.stamp(1), "ann"), Disconnected(*hub.stamp(1), "quit")

    hub.emit(one)
    hub.emit(two)

    assert heard == [("first", one), ("second", one), ("first", two), ("second", two)]


def test_a_subscriber_gets_later_events_only() -> None:
    """Events from before the subscription are not repeated."""
    hub = Hub(Clock())
    heard: list[Event] = []
    hub.emit(LoggedIn(*hub.stamp(1), "ann"))
    hub.subscribe(heard.append)
    later = Disconnected(*hub.stamp(1), "quit")

    hub.emit(later)

    assert heard == [later]


def test_subscribing_during_an_event() -> None:
    """A subscriber may add another one during an event; that one gets the next event."""
    hub = Hub(Clock())
    late: list[Event] = []

    def add_one(event: Event) -> None:
        if event.seq == 1:
            hub.subscribe(late.append)

    hub.subscribe(add_one)
    hub.emit(LoggedIn(*hub.stamp(1), "ann"))
    second = Disconnected(*hub.stamp(1), "quit")
    hub.emit(second)

    assert late == [second]


@table(
    "kind",
    [getattr(events, name) for name in events.__all__ if name != "Hub"],
)
def test_events_are_frozen_and_slotted(kind: type[Event]) -> None:
    """No field of an event can be set, and none can be added."""
    event = object.__new__(kind)

    for name in (*(field.name for field in dataclasses.fields(kind)), "extra"):
        # Python 3.11 raises TypeError for a name that is no field of a frozen class with slots.
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            setattr(event, name, 1)
    assert not hasattr(event, "__dict__")


def test_repr_of_a_password_is_starred() -> None:
    """The repr of a PASS command shows its length and nothing else of it; other arguments are shown."""
    assert repr(CommandReceived(3, 7, 0.5, "PASS", "secret")) == "<CommandReceived 7 in session 3: PASS ******>"
    assert repr(CommandReceived(3, 7, 0.5, "CWD", "/in")) == "<CommandReceived 7 in session 3: CWD /in>"


def test_events_compare_by_value() -> None:
    """Two events are equal when all of their fields are."""
    one = Connected(1, 1, 0.0, ("127.0.0.1", 5000), ("127.0.0.1", 21))

    assert one == Connected(1, 1, 0.0, ("127.0.0.1", 5000), ("127.0.0.1", 21))
    assert one != Connected(1, 2, 0.0, ("127.0.0.1", 5000), ("127.0.0.1", 21))
    assert ReplySent(1, 1, 0.0, "200", ("ok",), 1, b"") == ReplySent(1, 1, 0.0, "200", ("ok",), 1, b"")


def test_faults_are_recorded_as_text() -> None:
    """The text of a fault can be read as a fault again."""
    event = FaultApplied(1, 2, 0.5, 1, str(on("RETR", path="*.csv").nth(2).drop_data(after_bytes=5)))

    assert event.fault == "RETR *.csv #2: drop_data after_bytes=5"
    assert event == FaultApplied(1, 2, 0.5, 1, "RETR *.csv #2: drop_data after_bytes=5")
    assert event != FaultApplied(1, 2, 0.5, 3, event.fault)


class Digests:
    """Stands for hashlib and counts what is hashed."""

    def __init__(self) -> None:
        self.made = 0
        self.fed: list[bytes] = []
        self._lock = threading.Lock()

    def sha256(self) -> Digests:
        """Begin a digest."""
        with self._lock:
            self.made += 1
        return self

    def update(self, piece: bytes | memoryview) -> None:
        """Note the piece."""
        self.fed.append(bytes(piece))

    def hexdigest(self) -> str:
        """A digest to recognize."""
        return "digest"


def test_payload_hashes_lazily_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is hashed until the digest is read, and a second read hashes nothing more."""
    digests = Digests()
    monkeypatch.setattr("ftpfixture.log.payload.hashlib", digests)
    payload = Payload()
    payload.add(b"ab")
    payload.add(memoryview(b"xcdx")[1:3])
    assert digests.made == 0

    assert [payload.sha256, payload.sha256] == ["digest", "digest"]

    assert (digests.made, digests.fed) == (1, [b"ab", b"cd"])


def test_payload_read_by_many_threads_hashes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that read the digest at the same time all get it, and it is made once."""
    digests = Digests()
    monkeypatch.setattr("ftpfixture.log.payload.hashlib", digests)
    payload = Payload()
    payload.add(b"ab")
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(payload.sha256)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (got, digests.made) == (["digest"] * 8, 1)


def test_payload_can_be_hashed_little_by_little() -> None:
    """In steps of any size; a remainder of a step means that the digest is known, and the bytes are released then."""
    content = bytes(range(100))
    for step in (1, 7, 30, 50, 99, 100, 101, 1000):
        payload = Payload()
        for piece in (content[:30], memoryview(content)[30:31], b"", content[31:]):
            payload.add(piece)
        steps = 1
        while not payload.hash_some(step):
            assert payload.buffers()
            steps += 1
        assert steps == 100 // step + 1
        assert payload.buffers() == {}
        assert payload.sha256 == hashlib.sha256(content).hexdigest()
        assert payload.hash_some(step) == step

    payload = Payload()
    payload.add(content)
    assert payload.hash_some(50) == 0
    assert payload.sha256 == hashlib.sha256(content).hexdigest()


def test_payload_that_another_thread_hashes_is_left_to_it() -> None:
    """`hash_some` does not wait for another thread that hashes a large transfer."""
    payload = Payload()
    payload.add(b"a few bytes")
    with payload._lock:
        assert payload.hash_some(1) == 1


def test_payload_digest_is_that_of_all_bytes() -> None:
    """The digest is SHA-256 over the pieces in their order."""
    payload = Payload()
    for piece in (b"first ", b"second ", b"third"):
        payload.add(piece)

    assert payload.sha256 == hashlib.sha256(b"first second third").hexdigest()
    assert payload.size == 18


def test_payload_of_nothing_has_the_digest_of_nothing() -> None:
    """An empty transfer has a digest too."""
    assert Payload().sha256 == hashlib.sha256(b"").hexdigest()


def test_payload_keeps_its_bytes_until_they_are_released() -> None:
    """The digest can be read before and after; the content only before, and the size stays."""
    payload = Payload()
    payload.add(b"x" * 10)
    digest = payload.sha256
    assert (list(payload.buffers().values()), payload.content()) == ([10], b"x" * 10)

    payload.hash_some(1)

    assert (payload.buffers(), payload.content(), payload.size, payload.sha256) == ({}, None, 10, digest)


def test_payload_counts_a_shared_buffer_once() -> None:
    """Any number of views of one stored file count as that file once, whole."""
    stored, other = b"x" * 100, b"y" * 7
    payload = Payload()
    payload.add(memoryview(stored)[:10])
    payload.add(memoryview(stored)[10:20])
    payload.add(other)

    assert payload.buffers() == {id(stored): 100, id(other): 7}


def test_repr_of_a_payload_shows_no_content() -> None:
    """The repr has the size, and not the content."""
    payload = Payload()
    payload.add(b"content")

    assert repr(payload) == "<Payload of 7 bytes>"


def test_payload_with_a_limit_is_never_held_whole() -> None:
    """From the limit on bytes are hashed and released while they come; the newest piece can still be read."""
    content = bytes(range(256)) * 100
    payload = Payload(1000)
    most = 0
    for start in range(0, len(content), 300):
        payload.add(content[start : start + 300])
        assert b"".join(payload.since(start)) == content[start : start + 300]
        most = max(most, sum(payload.buffers().values()))
        assert payload.sha256 == hashlib.sha256(content[: start + 300]).hexdigest()

    assert most <= 1000
    assert (payload.size, payload.content()) == (len(content), None)
    with pytest.raises(ServerStateError, match="bytes of a transfer are released"):
        payload.since(0)
    assert payload.hash_some(1)
    assert payload.sha256 == hashlib.sha256(content).hexdigest()


def test_payload_since_a_position() -> None:
    """All bytes from there on, in any pieces."""
    payload = Payload()
    for piece in (b"abc", memoryview(b"xdex")[1:3], b"", b"f"):
        payload.add(piece)
    assert [b"".join(payload.since(start)) for start in range(8)] == [
        *(b"abcdef", b"bcdef", b"cdef", b"def", b"ef", b"f", b"", b"")
    ]
