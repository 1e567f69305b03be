"""What tests of faults need: commands to show them, random ones, and what an error points at."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.builder import TRIGGERS
from ftpfixture.faults.dsl import Fault, on
from ftpfixture.faults.edits import SHAPES
from ftpfixture.faults.moments import PHASES
from ftpfixture.faults.trigger import Situation
from ftpfixture.wire.listing.styles import LIST_STYLES
from ftpfixture.wire.states import LEGAL_REPLIES

__all__ = ["SECRETS", "WORDS", "call_of", "faults", "parameters_of", "pointed_at", "simplest", "situation", "texts"]

WORDS: dict[str, Callable[..., Fault]] = {
    name: member
    for name, member in inspect.getmembers(Fault)
    if getattr(member, "is_word", False) and name not in TRIGGERS
}
"""The words for what goes wrong."""

SECRETS = ("PASS", "ACCT")
"""Verbs whose argument is never shown."""


def situation(
    line: str = "RETR a.csv", *, user: str = "ann", session: int = 1, transfer_type: str = "I", at: float = 0
) -> Situation:
    """A command that has just come, in the directory ``/in``."""
    verb, _, argument = line.partition(" ")
    path = argument if argument.startswith("/") else f"/in/{argument}"
    return Situation(verb, argument, path, user, session, transfer_type, at, "127.0.0.1", "utf-8")


def pointed_at(error: ConfigurationError) -> str:
    """The part of the text that an error points at."""
    *_, text, pointer = str(error).split("\n")
    assert set(pointer) == {" ", "^"}
    return text.ljust(len(pointer))[pointer.index("^") : len(pointer)]


def parameters_of(word: Callable[..., Fault]) -> list[inspect.Parameter]:
    """The parameters of a word, without `self`."""
    return list(inspect.signature(word).parameters.values())[1:]


def simplest(word: Callable[..., Fault]) -> list[Any]:
    """As few arguments as a word takes."""
    values = {
        "code": 226,
        "style": "unix",
        "encoding": "latin-1",
        "Text | bytes": "x",
        "bytes": b"x",
        "int": 1,
        "float": 1,
    }
    needed = [parameter for parameter in parameters_of(word) if parameter.default is parameter.empty]
    return [values[parameter.name if parameter.name in values else parameter.annotation] for parameter in needed]


# Random faults, made from the signatures.

_TRAPS = [
    "none",
    "True",
    "1_000",
    "inf",
    "nan",
    "1e5",
    "007",
    "-0",
    "50%",
    "optional",
    "not_implemented",
    "skip",
    "#2",
    "a=b",
]
_TRAPS += ["text=x", ":", ";", ": ", "", " ", "'", '"', "b'x'", "[a]", "['a']", "\\", "\\d", "\n", "\udce4", "\u0663"]

texts = st.text(max_size=12) | st.sampled_from(_TRAPS)
_counts = st.integers(0, 1 << 40)
_seconds = st.floats(0, 1e9) | st.integers(0, 1 << 40)
_parts = st.floats(0, 1) | st.integers(0, 1)

_BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "at": _parts,
    "by": st.integers(-(1 << 40), 1 << 40),
    "code": st.integers(100, 999) | st.sampled_from(["000", "042", "226"]),
    "encoding": st.sampled_from(["latin-1", "utf-8", "cp437", "koi8_r"]),
    "host": st.ip_addresses(v=4).map(str),
    "limit": st.floats(min_value=0, exclude_min=True, allow_infinity=False) | st.integers(1, 1 << 40),
    "mask": st.integers(1, 255),
    "phase": st.sampled_from(PHASES),
    "shape": st.sampled_from(sorted(SHAPES)),
    "style": st.sampled_from(sorted(LIST_STYLES)),
}
_BY_ANNOTATION: dict[str, st.SearchStrategy[Any]] = {
    "Text | bytes": texts | st.lists(texts, max_size=3) | st.binary(max_size=12),
    "Text": texts | st.lists(texts, max_size=3) | st.lists(texts, max_size=3).map(tuple),
    "bool": st.booleans(),
    "bytes": st.binary(max_size=12),
    "float": _seconds,
    "int": st.integers(1, 1 << 40),
    "str": texts,
}


def _values(parameter: inspect.Parameter) -> st.SearchStrategy[Any]:
    kind, nothing, _ = str(parameter.annotation).partition(" | None")
    strategy = _BY_NAME[parameter.name] if parameter.name in _BY_NAME else _BY_ANNOTATION[kind]
    return strategy | st.none() if nothing else strategy


@st.composite
def call_of(draw: st.DrawFn, word: Callable[..., Fault]) -> tuple[list[Any], dict[str, Any]]:
    """Legal arguments for a word, some by place and some by name."""
    parameters = parameters_of(word)
    placed = draw(st.integers(0, len(parameters)))
    args = [draw(_values(parameter)) for parameter in parameters[:placed]]
    named = {
        parameter.name: draw(_values(parameter))
        for parameter in parameters[placed:]
        if parameter.default is parameter.empty or draw(st.booleans())
    }
    given = {**dict(zip((parameter.name for parameter in parameters), args, strict=False)), **named}
    if given.get("after_bytes") is not None and given.get("at") is not None:
        if "at" in named:
            del named["at"]
        else:
            args[[parameter.name for parameter in parameters].index("at")] = None
    return args, named


def _triggers() -> st.SearchStrategy[tuple[str, list[Any], dict[str, Any]]]:
    def of(name: str, *values: st.SearchStrategy[Any], by: str) -> st.SearchStrategy[Any]:
        placed = st.tuples(st.just(name), st.tuples(*values).map(list), st.just({}))
        return placed | values[0].map(lambda value: (name, [], {by: value}))

    ones = st.integers(1, 1000)
    both: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({"seed": _counts, "part": _parts})
    return st.one_of(
        st.lists(ones, min_size=1, max_size=3).map(lambda numbers: ("nth", numbers, {})),
        of("times", ones, by="number"),
        of("skip", _counts, by="number"),
        of("every", ones, by="number"),
        of("since", _seconds, by="after_start"),
        of("until", _seconds, by="after_start"),
        of("probability", _parts, by="part"),
        of("probability", _parts, _counts, by="part"),
        both.map(lambda named: ("probability", [], named)),
        st.just(("optional", [], {})),
    )


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    """A fault of any words and triggers, in any order."""
    verbs = draw(st.lists(st.sampled_from(["*", "CONNECT", "XUSER", *LEGAL_REPLIES]), min_size=1, max_size=3))
    verbs = [verb.partition(" ")[0] for verb in verbs]
    first: dict[str, Any] = {
        "path": draw(st.none() if set(verbs) & set(SECRETS) else st.none() | texts),
        "user": draw(st.none() | texts),
        "session": draw(st.none() | st.integers(1, 1000)),
        "type": draw(st.none() | st.sampled_from(["A", "I"])),
    }
    fault = on(*verbs, **first)
    words = [(name, *draw(call_of(WORDS[name]))) for name in draw(st.lists(st.sampled_from(sorted(WORDS)), max_size=3))]
    last = draw(st.sampled_from(sorted(WORDS)))
    words += draw(st.lists(_triggers(), max_size=3))
    for name, args, named in [*draw(st.permutations(words)), (last, *draw(call_of(WORDS[last])))]:
        fault = getattr(fault, name)(*args, **named)
    return fault
