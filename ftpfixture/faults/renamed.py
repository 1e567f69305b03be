"""Old names of words and parameters of faults, with the new names for error messages.

One rule: an old name is never accepted; the error says what replaces it.
"""

from __future__ import annotations

__all__ = ["renamed_parameter", "renamed_trigger", "renamed_word"]

_WORDS = {
    "off": "not_implemented",
    "opening": "preliminary",
    "no_opening": "no_preliminary",
    "duplicate": "repeat_reply",
    "together": "coalesce",
    "held_back": "delay_to_next",
    "size_lie": "wrong_size",
    "names_in": "encoding",
    "full_names": "absolute_names",
    "throttle": "throttle_data",
    "after": "skip(n) for commands, and after_bytes=n for a place in a transfer",
}
_PARAMETERS = {
    "after": "after_bytes",
    "quota": "quota_exceeded for 552 and disk_full for 452",
}
_CONTENT = frozenset({"answer_raw", "reply_raw", "say_raw", "pad"})


def renamed_word(name: str) -> str:
    """Return what replaces an old word, as the end of an error message; "" for any other name."""
    return _sentence(_WORDS.get(name))


def renamed_trigger(name: str) -> str:
    """Return what replaces an old trigger, as the end of an error message; "" for any other name."""
    return _sentence("skip" if name == "after" else None)


def renamed_parameter(word: str, name: str) -> str:
    """Return what replaces an old parameter of a word, as the end of an error message; "" for any other name."""
    if name == "octets":
        return _sentence("data" if word in _CONTENT else "size")
    return _sentence(_PARAMETERS.get(name))


def _sentence(new: str | None) -> str:
    return "" if new is None else f"it was renamed, use {new}"
