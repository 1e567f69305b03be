"""Messages of the package in the words of its user at a terminal.

One rule: a setting in a message is an option of the command, when it has one: ``port=0`` is ``--port 0``.
"""

from __future__ import annotations

import re

import rich_click as click

__all__ = ["with_options"]

_SETTING = re.compile(r"\b([a-z_]+)=('[^']*'|[^\s,;:)]+)")


def with_options(text: str, command: click.Command | None) -> str:
    """A message with options in place of settings.

    Args:
        text: The message.
        command: Has the options; None for none.
    """
    parameters = [] if command is None else command.params
    options = {parameter.name: parameter.opts[0] for parameter in parameters if isinstance(parameter, click.Option)}

    def option(match: re.Match[str]) -> str:
        name, value = options.get(match[1]), match[2].strip("'")
        return match[0] if name is None else name if value == "True" else f"{name} {value}"

    return _SETTING.sub(option, text)
