"""Chooses the recorded step for a command: clients play the tape, each on its own control connection.

One rule: pure. `ftpfixture.recording.steps` makes the steps, and `replay` sends and receives their bytes.

A connection plays one recorded session, step by step. The choice is made as late as possible: neither the greeting nor
steps that several sessions have in common decide it. A connection begins with the first session that is free, and
changes to another when a command fits only that, if both have been the same so far; a session that another connection
plays is exchanged in the same way.
"""

from __future__ import annotations

import difflib
from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain

from ftpfixture.errors import ReplayError
from ftpfixture.recording.format import Data, Note, Reply
from ftpfixture.recording.steps import OPENERS, Loose, Step, Track, Values, tracks_of
from ftpfixture.recording.store import Recording
from ftpfixture.recording.volatile import DEFAULTS, date_values
from ftpfixture.server.settings import TlsMode
from ftpfixture.wire.command import censor
from ftpfixture.wire.lines import printable

__all__ = ["CREDENTIALS", "Playback", "Tape"]

CREDENTIALS = {"user": "user", "password": "password", "account": "account"}
"""The values of placeholders until a client sends others in their place; other secrets have their names, too."""

_END = Step("QUIT", lines=(Reply(session=0, lines=("221 Goodbye.",)), Note(session=0, what="closed", by="server")))
_UNRECORDED = {"NOOP": Step("NOOP", lines=(Reply(session=0, lines=("200 OK",)),)), "QUIT": _END}
"""Replies to loose commands without a recorded one."""


class Tape:
    """A recording that is played.

    Args:
        recording: It stays as it is.
        repeats: Whether it is played again from its beginning, when clients have played all its sessions.

    Raises:
        ConfigurationError: It cannot be played; the text has the line and what to do.
    """

    def __init__(self, recording: Recording, repeats: bool = False) -> None:
        self.recording = recording
        self._repeats = repeats
        self._tracks = tracks_of(recording)
        self._secrets = {**CREDENTIALS, **{name: name for name in recording.header.redacted}}
        self._loose = {*map(str.upper, recording.header.loose), "QUIT"}
        self._again = False
        self._now: float | None = None
        self._positions: dict[int, int] = {}
        self._free = [*self._tracks]
        self._playing: list[Playback] = []

    @property
    def tls(self) -> TlsMode | None:
        """How clients ask for TLS; None for not at all."""
        asked = any(isinstance(line, Note) and line.what == "tls" for line in self.recording.lines)
        return self.recording.header.tls or ("explicit" if asked else None)

    @property
    def has_times(self) -> bool:
        """Whether its lines have times."""
        return any(line.ms is not None for line in self.recording.lines)

    @property
    def verbs(self) -> frozenset[str]:
        """All verbs that were recorded."""
        return frozenset(step.verb for track in self._tracks for step in _all_steps(track) if step.verb)

    def unplayed_sessions(self) -> list[int]:
        """The numbers of the recorded sessions that no client has begun."""
        return [track.session for track in self._free]

    def rewind(self) -> None:
        """Begin again with nothing played; no client may be connected meanwhile."""
        self._begin()

    def _begin(self, again: bool = False) -> None:
        """Begin with all sessions; those that were begun by clients that are connected still are played on.

        Args:
            again: Whether clients have played all of them before, and so need not play all of them another time.
        """
        self._again = again
        self._now = None
        self._positions.clear()
        self._free = [*self._tracks]

    def connect(self, now: float = 0.0) -> Playback:
        """Play the next session.

        Args:
            now: POSIX seconds. That of the first session is the recent date of all, so that a file has one date.

        Raises:
            ReplayError: All sessions are played or being played.
        """
        if not self._free and self._repeats:
            self._begin(again=True)
        if not self._free:
            count = len(self._tracks)
            raise ReplayError(
                f"the client connected once more than was recorded: {count} session{'s' * (count != 1)}; record again "
                "if that is right, or set allow_repeats=True to play them again"
            )
        self._now = now if self._now is None else self._now
        playback = Playback(self, self._free.pop(0), {**self._secrets, **DEFAULTS, **date_values(self._now)})
        self._playing.append(playback)
        return playback

    def unplayed(self) -> list[str]:
        """Describe the recorded steps that were not played, one text for each session."""
        positions = self._positions | {playback.track.session: playback.position for playback in self._playing}
        texts = []
        for track in self._tracks:
            left = _needed(track, positions.get(track.session, 0))
            if track.session not in positions and not self._again:
                begins = f", which begins with {left[0]} (line {left[0].number})" if left else ""
                texts.append(f"no client connected for session {track.session}{begins}")
            elif left and track.session in positions:
                more = f" and {len(left) - 1} more" if len(left) > 1 else ""
                texts.append(f"session {track.session} ended before {left[0]} (line {left[0].number}){more}")
        return texts

    # For playbacks.

    def _end(self, playback: Playback) -> None:
        self._playing.remove(playback)
        track, position = playback.track, playback.position
        if position == 1 and _needed(track, 1):
            self._free = [other for other in self._tracks if other is track or other in self._free]
        else:
            self._positions[track.session] = position

    def _others(self, playback: Playback) -> Iterator[Track]:
        """Sessions that a playback may change to."""
        mine, position = playback.track, playback.position
        for other in self._tracks:
            if other is not mine and other.session not in self._positions and _same(mine, other, position):
                holder = self._holder(other)
                if holder is None or _same(mine, other, holder.position):
                    yield other

    def _holder(self, track: Track) -> Playback | None:
        return next((playback for playback in self._playing if playback.track is track), None)

    def _change(self, playback: Playback, track: Track) -> None:
        holder = self._holder(track)
        if holder is not None:
            holder.track = playback.track
        else:
            self._free = [playback.track if other is track else other for other in self._free]
            self._free.sort(key=self._tracks.index)
        playback.track = track

    def _recorded(self, verb: str, argument: str, playback: Playback) -> Step | None:
        """The nearest recording of a loose command: before this place, or after it, or in another session."""
        if verb not in self._loose:
            return None
        tracks = [playback.track, *(track for track in self._tracks if track is not playback.track)]
        for track in tracks:
            for same in track.loose.values():
                if same[0].step.match(verb, argument) is not None:
                    return _nearest_place(same, playback.position)
        return _UNRECORDED.get(verb)

    def _miss(self, verb: str, argument: str, playback: Playback) -> ReplayError:
        sent = printable(censor(verb, argument))
        track, position = playback.track, playback.position
        if position < len(track.steps):
            due = track.steps[position]
            expected = f"session {track.session} of the recording goes on with {due} (line {due.number})"
        else:
            due, expected = None, f"session {track.session} of the recording has no more commands"
        lines = [f"{sent} was not recorded here: {expected}"]
        nearest = self._nearest(verb, argument, due)
        if nearest is not None:
            differences = nearest.differences(verb, argument)
            place = f"nearest: {nearest} (line {nearest.number})"
            lines.append(f"{place}: {'; '.join(differences) or 'the same command, at another place'}")
        if verb in self._loose:
            lines.append(f"{verb} is loose, but this one was never recorded, so there is no reply to send")
        return ReplayError("\n".join([*lines, "record again if the client is right"]))

    def _nearest(self, verb: str, argument: str, due: Step | None) -> Step | None:
        steps = [step for track in self._tracks for step in _all_steps(track) if step.verb]
        first = [due] if due is not None else []
        return max([*first, *steps], key=lambda step: _likeness(step, verb, argument), default=None)


class Playback:
    """A recorded session on a control connection.

    Attributes:
        track: The session; another one may still be chosen.
        position: Number of steps played; the beginning is one.
        values: The values of placeholders.
    """

    def __init__(self, tape: Tape, track: Track, values: Values) -> None:
        self._tape = tape
        self.track = track
        self.position = 1
        self.values = values

    @property
    def beginning(self) -> Step:
        """The step that the server sends first."""
        return self.track.steps[0]

    def command(self, verb: str, argument: str) -> Step:
        """Return the step for a command.

        Args:
            verb: Upper case.
            argument: As sent.

        Raises:
            ReplayError: It was not recorded; the text has the nearest that was, and the fields that differ.
        """
        for track in chain((self.track,), self._tape._others(self)):
            if self.position < len(track.steps):
                step = track.steps[self.position]
                values = step.match(verb, argument)
                if values is not None:
                    return self._play(track, step, values)
        loose = self._tape._recorded(verb, argument, self)
        if loose is None:
            raise self._tape._miss(verb, argument, self)
        return loose

    def upcoming(self) -> Data | None:
        """The data connection that is negotiated now, in the session chosen so far."""
        steps = self.track.steps
        for position in range(self.position, len(steps)):
            if steps[position].data is not None or steps[position].opens:
                return steps[position].data
        return None

    def _play(self, track: Track, step: Step, values: Values) -> Step:
        if track is not self.track:
            self._tape._change(self, track)
        self.values |= values
        self.position += 1
        return step

    def close(self) -> None:
        """End the connection: if only the beginning was played, another connection may play the session."""
        if _needed(self.track, self.position):
            ended = (track for track in self._tape._others(self) if not _needed(track, self.position))
            if (track := next(ended, None)) is not None:
                self._tape._change(self, track)
        self._tape._end(self)


def _all_steps(track: Track) -> Iterator[Step]:
    yield from track.steps
    yield from (loose.step for same in track.loose.values() for loose in same)


def _needed(track: Track, position: int) -> tuple[Step, ...]:
    """The commands from a position on that a client has to send: it may end a session without QUIT."""
    return tuple(step for step in track.steps[max(position, 1) :] if step.verb != "QUIT")


def _same(one: Track, other: Track, position: int) -> bool:
    return one.steps[:position] == other.steps[:position]


def _nearest_place(same: list[Loose], position: int) -> Step:
    """The last before a position, or the first after it."""
    before = bisect_right(same, position, key=lambda loose: loose.place)
    return same[max(before - 1, 0)].step


def _likeness(step: Step, verb: str, argument: str) -> tuple[bool, bool, float, float]:
    same = difflib.SequenceMatcher(None, step.argument, argument).ratio()
    kind = step.verb == verb or {step.verb, verb} <= OPENERS
    return kind, not step.differences(verb, argument), same, difflib.SequenceMatcher(None, step.verb, verb).ratio()
