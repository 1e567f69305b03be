"""Tables whose rows are all checked in one test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest

__all__ = ["check_rows", "table"]

Row = TypeVar("Row")


def check_rows(rows: Iterable[Row], check: Callable[[Row], object]) -> None:
    """Check every row, and fail with what is wrong with any; a table without rows fails, too.

    Args:
        rows: Of the table.
        check: Raises AssertionError, as `assert` does, or fails as `pytest.raises` does, when a row is wrong.
    """
    wrong, count = [], 0
    for row in rows:
        count += 1
        try:
            check(row)
        except (AssertionError, pytest.fail.Exception) as error:
            wrong.append(f"{row!r}: {error}")
        except Exception as error:
            error.add_note(f"in the row {row!r}")
            raise
    assert not wrong, "\n".join([f"{len(wrong)} of {count} rows are wrong:", *wrong])
    assert count, "the table has no rows"


def table(names: str | tuple[str, ...], rows: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Make one test of a function of pure code that looks at one row: it looks at all, and fails with what is wrong.

    The same as `pytest.mark.parametrize`, without a test for each row, and so without fixtures.

    Args:
        names: Of the arguments, with commas between them, or in a tuple.
        rows: The values of each; with one name, each is its value.
    """
    arguments = names.replace(" ", "").split(",") if isinstance(names, str) else names
    kept = [*rows]

    def decorate(check: Callable[..., None]) -> Callable[[], None]:
        def check_row(row: Any) -> None:
            check(**dict(zip(arguments, row if len(arguments) > 1 else [row], strict=True)))

        def test() -> None:
            check_rows(kept, check_row)

        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        return test

    return decorate
