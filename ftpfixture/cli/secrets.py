"""Secrets for ``--redact`` and ``--secret``: named on the command line, with their values elsewhere.

One rule: a value may stand on the command line, but never has to, because other users of the machine can see that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import rich_click as click

__all__ = ["named_secrets"]


def named_secrets(option: str, texts: Iterable[str]) -> dict[str, str]:
    """The secrets by the names of their placeholders, which are in lower case.

    Args:
        option: The option that named them.
        texts: Each ``NAME=VALUE``, or ``NAME`` for the environment variable of that name; without such a variable, the
            user at a terminal is asked.

    Raises:
        UsageError: There is no value.
    """
    return dict(_named(option, text) for text in texts)


def _named(option: str, text: str) -> tuple[str, str]:
    name, has_value, value = text.partition("=")
    if not has_value:
        value = os.environ.get(name, "")
    if not value and not has_value and sys.stdin.isatty():
        value = click.prompt(name, hide_input=True, err=True)
    if not name or not value:
        raise click.UsageError(
            f"{option} {text}: it has no value; set the environment variable {name or 'NAME'}, or use "
            f"{option} {name or 'NAME'}=VALUE"
        )
    return name.lower().replace("-", "_"), value
