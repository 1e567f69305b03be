"""Settings as a table: a row defines the check, the help text and the name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypedDict, Unpack

import pytest

from ftpfixture import Client, ConfigurationError, FtpServer, Server, UnknownSetting, checks
from ftpfixture.client.client import CLIENT_SETTINGS
from ftpfixture.client.settings import BASE_CLIENT_SETTINGS
from ftpfixture.server.settings import SERVER_SETTINGS
from ftpfixture.settings import Setting, Table, setting_names
from ftpfixture.testing.certificates import KINDS, CertificateKind
from ftpfixture.testing.settings import FTP_SERVER_SETTINGS
from ftpfixture.wire.listing.styles import LIST_STYLES, ListStyleName

TABLES: list[Table[Any]] = [SERVER_SETTINGS, FTP_SERVER_SETTINGS, BASE_CLIENT_SETTINGS, CLIENT_SETTINGS]


class Rows(TypedDict, total=False):
    """A row of every kind."""

    flag: Annotated[bool, Setting(False, "a flag")]
    count: Annotated[int, Setting(1, "a count", minimum=1)]
    size: Annotated[int | None, Setting(None, "a size", unit="bytes", none="no limit")]
    wait: Annotated[float, Setting(0.5, "a wait", unit="seconds")]
    text: Annotated[str, Setting("", "a text")]
    perhaps: Annotated[str | None, Setting(None, "perhaps a text")]
    kind: Annotated[Literal["a", "b"], Setting("a", "a kind")]
    other: Annotated[Literal["a", "b"] | None, Setting(None, "another kind", none="neither")]
    names: Annotated[Sequence[str], Setting((), "names", check=checks.list_of("names", "['a']"))]


class MoreRows(Rows, total=False):
    """One more row."""

    more: Annotated[int, Setting(7, "more")]


TABLE = Table(Rows)
MORE = Table(MoreRows, TABLE, count=5)


@TABLE.describe
class Owner:
    """Has settings.

    Args:
        first: Not one of them.
        settings: Settings of a table,
            in two lines.

    Raises:
        Nothing: At all.
    """

    def __init__(self, first: int = 0, **settings: Unpack[Rows]) -> None:
        self.chosen = TABLE.complete(settings, type(self))


def test_settings_that_are_not_given_have_their_default() -> None:
    """All settings are returned, the given ones in their stored form."""
    assert Owner().chosen == {
        "flag": False,
        "count": 1,
        "size": None,
        "wait": 0.5,
        "text": "",
        "perhaps": None,
        "kind": "a",
        "other": None,
        "names": (),
    }
    assert Owner(count=2, names=("a", "b")).chosen == {**Owner().chosen, "count": 2, "names": ["a", "b"]}
    assert Owner().chosen is not Owner().chosen


def test_the_type_defines_the_valid_values() -> None:
    """A value of another type is refused; the message has the unit, the smallest value and the meaning of None."""
    wrong: dict[str, tuple[list[object], str]] = {
        "flag": ([0, "no", None], "True or False"),
        "count": ([0, 1.5, "1", True, None], "a whole number, 1 or more"),
        "size": ([-1, 1e6, False], "a whole number of bytes, 0 or more, or None for no limit"),
        "wait": ([-0.1, "1", None, float("inf"), float("nan"), True], "a number of seconds, 0 or more"),
        "text": ([b"a", 1, None], "text"),
        "perhaps": ([b"a", 1], "text, or None"),
        "kind": (["c", None, 1, ["a"]], "one of a, b"),
        "other": (["c", 1], "one of a, b, or None for neither"),
        "names": (["ab", [1], 1], "a list of names, such as ['a']"),
    }
    assert wrong.keys() == TABLE.rows.keys()
    for name, (values, wanted) in wrong.items():
        for value in values:
            settings: dict[str, Any] = {name: value}
            with pytest.raises(ConfigurationError) as caught:
                Owner(**settings)
            assert str(caught.value) == f"{name} takes {wanted}, not {value!r}"


def test_a_type_without_a_check_is_refused() -> None:
    """Making the table raises TypeError."""

    class Unclear(TypedDict, total=False):
        call: Annotated[Callable[[], int] | None, Setting(None, "unknown")]

    with pytest.raises(TypeError, match="give the setting a check"):
        Table(Unclear)


def test_an_unknown_setting() -> None:
    """An unknown setting raises a ConfigurationError that is a TypeError; names of a subclass are suggested, too."""

    class Own(Owner):
        def __init__(self, *args: Any, colour: str = "blue", **settings: Any) -> None:
            super().__init__(*args, **settings)

    for made, name, hint in [
        (Owner, "sise", "did you mean 'size'?"),
        (Owner, "color", "use one of count, flag, kind, names, other, perhaps, size, text, wait"),
        (Own, "color", "did you mean 'colour'?"),
        (Own, "kidn", "did you mean 'kind'?"),
    ]:
        settings: dict[str, Any] = {name: 1}
        with pytest.raises(UnknownSetting) as caught:
            made(**settings)
        assert isinstance(caught.value, ConfigurationError)
        assert isinstance(caught.value, TypeError)
        assert (str(caught.value), caught.value.name) == (f"unknown setting '{name}': {hint}", name)
    assert setting_names(Own) == {*TABLE.rows, "colour"}


def test_a_longer_table() -> None:
    """Its own rows come first, and are split from those of the base, which may get other defaults."""
    assert list(MORE.rows) == ["more", *TABLE.rows]
    assert (MORE.rows["count"].default, TABLE.rows["count"].default) == (5, 1)
    assert MORE.split({}) == ({"more": 7}, {"count": 5})
    assert MORE.split({"more": 8, "count": 9, "flag": True}) == ({"more": 8}, {"count": 9, "flag": True})
    with pytest.raises(ConfigurationError, match=r"^more takes a whole number, 0 or more, not 'x'$"):
        MORE.split({"more": "x"})  # type: ignore[typeddict-item]


def test_help_shows_the_settings() -> None:
    """Signature and docstring have each setting, with unit and the meaning of None; the rest stays."""
    parameters = inspect.signature(Owner).parameters
    assert list(parameters) == ["first", *TABLE.rows]
    assert {name: parameters[name].default for name in TABLE.rows} == Owner().chosen
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in TABLE.rows)
    assert inspect.getdoc(Owner) == inspect.cleandoc("""
        Has settings.

        Args:
            first: Not one of them.
            flag: A flag.
            count: A count.
            size: A size; in bytes, None for no limit.
            wait: A wait; in seconds.
            text: A text.
            perhaps: Perhaps a text.
            kind: A kind.
            other: Another kind; None for neither.
            names: Names.

        Raises:
            Nothing: At all.
        """)


@pytest.mark.parametrize("kind", [Server, FtpServer, Client])
def test_help_of_server_and_client(kind: type) -> None:
    """The docstrings of servers and clients list all settings, in lines of at most 120 characters."""
    names = setting_names(kind)
    lines = (kind.__doc__ or "").splitlines()
    assert len(names) >= 20
    assert {line.split(":")[0].strip() for line in lines} >= names
    assert max(map(len, lines)) <= 120
    assert names == {name for name in inspect.signature(kind).parameters if name != "users" or kind is FtpServer}


def test_every_default_is_a_legal_value() -> None:
    """The check of each setting accepts its default."""
    for table in TABLES:
        for name, row in table.rows.items():
            row.check(name, row.default)


def test_names_of_types_are_those_of_tables() -> None:
    """A type that lists names of a table has all of them."""
    assert ListStyleName.__args__ == tuple(LIST_STYLES)  # type: ignore[attr-defined]
    assert CertificateKind.__args__ == tuple(KINDS)  # type: ignore[attr-defined]
