"""Names as other systems have them: without case, and in one normal form of Unicode.

One rule: a directory finds an entry under each of its names, and shows it under the one it was made with, as NTFS, APFS
and HFS+ do.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["AS_THEY_COME", "NameRule", "NamedNodes", "NormalForm"]

NormalForm = Literal["NFC", "NFD"]
"""A normal form of Unicode: HFS+ stores names in NFD, most others keep what they get, which mostly is NFC."""


@dataclass(frozen=True, slots=True)
class NameRule:
    """Which names are one.

    Attributes:
        case_sensitive: Whether "A" and "a" are two names.
        normalize: Form in which names are stored; names that are equal in it are one. None for as they are.
    """

    case_sensitive: bool = True
    normalize: NormalForm | None = None

    def __bool__(self) -> bool:
        return not self.case_sensitive or self.normalize is not None

    def stored(self, name: str) -> str:
        """The name that an entry gets."""
        return name if self.normalize is None else unicodedata.normalize(self.normalize, name)

    def key(self, name: str) -> str:
        """Equal for names that are one."""
        if not self.case_sensitive:
            name = unicodedata.normalize("NFC", name).casefold() if self.normalize else name.casefold()
        return self.stored(name)


AS_THEY_COME = NameRule()
"""Each name is a name of its own, as on Linux."""


class NamedNodes(dict[str, Any]):
    """The entries of a directory by name, found by each name that is the same by a rule.

    Args:
        rule: Which names are one.
    """

    def __init__(self, rule: NameRule) -> None:
        super().__init__()
        self._rule = rule
        self._names: dict[str, str] = {}

    def _name(self, name: str) -> str:
        return self._names.get(self._rule.key(name), name)

    def get(self, name: str, default: Any = None) -> Any:
        """As of a dict."""
        return super().get(self._name(name), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(self._name(name))

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(self._name(name))

    def __setitem__(self, name: str, node: Any) -> None:
        stored = self._names.setdefault(self._rule.key(name), self._rule.stored(name))
        super().__setitem__(stored, node)

    def pop(self, name: str, *default: Any) -> Any:
        """As of a dict."""
        return super().pop(self._names.pop(self._rule.key(name), name), *default)

    def clear(self) -> None:
        """As of a dict."""
        self._names.clear()
        super().clear()
