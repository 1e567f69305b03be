"""Tables of the reference, generated from the package: each function returns lines of MyST Markdown."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import rich_click as click

import ftpfixture
from ftpfixture import Client, Server
from ftpfixture.cli.main import COMMANDS, cli
from ftpfixture.client.client import CLIENT_SETTINGS
from ftpfixture.faults.action import Action
from ftpfixture.faults.dsl import table
from ftpfixture.faults.effects import Effect
from ftpfixture.faults.presets import PRESETS
from ftpfixture.server.dispatch import build_table
from ftpfixture.settings import Table
from ftpfixture.testing import plugin
from ftpfixture.testing.settings import FTP_SERVER_SETTINGS
from ftpfixture.wire.verbs import GROUPS
from tests.architecture.test_imports import LAYER, LAYERS, OURS

__all__ = [
    "client_methods",
    "client_settings",
    "commands",
    "fault_effects",
    "fault_hooks",
    "fault_presets",
    "fault_words",
    "fixtures",
    "layers",
    "packages",
    "program",
    "server_settings",
    "verb_groups",
]

PACKAGE = Path(ftpfixture.__file__).parent

_REPLIES = re.compile(r"\bReplies: (.*?)\.?(?= Source:|$)")
_SOURCE = re.compile(r"\bSource: (.*?)\.?(?= Replies:|$)")


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A table in Markdown; a bar in a cell is escaped."""
    cells = [columns, tuple("---" for _ in columns), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells]


def _prose(text: str) -> str:
    """Text of a docstring as Markdown, on one line."""
    return " ".join(text.replace("``", "`").split())


def _first(docstring: str | None) -> str:
    """The first paragraph of a docstring."""
    return _prose(inspect.cleandoc(docstring or "").partition("\n\n")[0])


# Faults.


def fault_words() -> list[str]:
    """Every word for what goes wrong."""
    return _table(
        ("word", "what goes wrong", "seen in"), ((f"`{row.name}`", _prose(row.text), row.source) for row in table())
    )


def fault_presets() -> list[str]:
    """The faults that have a name."""
    return _table(
        ("name", "the fault", "seen in"),
        ((f"`{name}`", f"`{known.text}`", known.source) for name, known in PRESETS.items()),
    )


def verb_groups() -> list[str]:
    """The names of groups of verbs."""
    return _table(("name", "verbs"), ((f"`{name}`", f"`{' '.join(verbs)}`") for name, verbs in GROUPS.items()))


def fault_effects() -> list[str]:
    """Each effect, and what the gate does for it."""
    rows = ((f"`{kind.__name__}`", _first(kind.__doc__)) for kind in get_args(Effect))
    return _table(("effect", "what the gate does"), rows)


def fault_hooks() -> list[str]:
    """The hooks of an action, in the order of its class."""
    hooks = {
        name: member for name, member in vars(Action).items() if "context" in getattr(member, "__annotations__", {})
    }
    return _table(("hook", "when"), ((f"`{name}`", _first(hook.__doc__)) for name, hook in hooks.items()))


# Settings.


def server_settings() -> list[str]:
    """The settings of a server."""
    return _settings(FTP_SERVER_SETTINGS)


def client_settings() -> list[str]:
    """The settings of a client."""
    return _settings(CLIENT_SETTINGS)


def _settings(settings: Table[Any]) -> list[str]:
    rows = ((f"`{row.name}`", f"`{_default(row.default)}`", _meaning(row.doc)) for row in settings.rows.values())
    return _table(("setting", "default", "meaning"), rows)


def _default(value: object) -> str:
    return getattr(value, "__name__", None) or ("UTC" if str(value) == "UTC" else repr(value))


def _meaning(doc: str) -> str:
    """The text of a setting, with None as code."""
    return re.sub(r"\bNone\b", "`None`", _prose(doc))


def client_methods() -> list[str]:
    """The public methods of the client."""
    rows = (
        (f"`{name}`", _first(inspect.getdoc(member)))
        for name, member in inspect.getmembers(Client, callable)
        if not name.startswith("_")
    )
    return _table(("method", "what it does"), rows)


# The program.


def program() -> list[str]:
    """A section for each command of the program: what it does, its options, and an example."""
    with click.Context(cli, info_name="ftpfixture") as context:
        commands = [command for name in COMMANDS if (command := cli.get_command(context, name)) is not None]
        return [line for command in commands for line in _command(command, context)]


def _command(command: click.Command, parent: click.Context) -> list[str]:
    with click.Context(command, parent, info_name=command.name) as context:
        usage = command.collect_usage_pieces(context)
    options = [one for one in command.params if isinstance(one, click.Option)]
    rows = ((", ".join(f"`{name}`" for name in one.opts), _value(one), _help(one)) for one in options)
    example = (command.epilog or "").removeprefix("Example: ").strip("`")
    return [
        *(f"## `ftpfixture {command.name}`", "", "```console", f"$ ftpfixture {command.name} {' '.join(usage)}", "```"),
        *("", *inspect.cleandoc(command.help or "").splitlines(), ""),
        *(_table(("option", "value", "meaning"), rows) if options else []),
        *("", "Example:", "", "```console", f"$ {example}", "```", ""),
    ]


def _help(option: click.Option) -> str:
    default = f" [default: {option.default}]" if option.show_default else ""
    return _prose(option.help or "") + default


def _value(option: click.Option) -> str:
    """What an option takes; "" for a flag."""
    if option.is_flag:
        return ""
    choices = option.type.choices if isinstance(option.type, click.Choice) else ()
    return ", ".join(f"`{choice}`" for choice in choices) or f"`{option.metavar or option.type.name.upper()}`"


# Fixtures, commands.


def fixtures() -> list[str]:
    """The fixtures of the plugin."""
    rows = ((name, _fixture_docstring(name)) for name in sorted(plugin.__all__))
    return _table(("fixture", "what it gives"), ((f"`{name}`", _first(text)) for name, text in rows))


def _fixture_docstring(name: str) -> str | None:
    tree = ast.parse(Path(inspect.getfile(plugin)).read_text(encoding="utf-8"))
    [node] = [
        node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    return ast.get_docstring(node)


def commands() -> list[str]:
    """Every verb that the server answers."""
    rows = {}
    for name, spec in build_table(Server).values():
        syntax, _, text = spec.text.partition(": ")
        docstring = _prose(getattr(Server, name).__doc__ or "")
        replies, source = _REPLIES.search(docstring), _SOURCE.search(docstring)
        aliases = "".join(f", also `{verb}`" for verb in spec.verbs[1:])
        rows[spec.verbs[0]] = (
            f"`{syntax}`{aliases}",
            _prose(text).rstrip(".") + ("; also during a transfer" if spec.during_transfer else ""),
            replies[1] if replies else "",
            source[1] if source else "",
        )
    return _table(("command", "what it does", "replies", "source"), (rows[verb] for verb in sorted(rows)))


# Architecture, from the table of imports that tests/architecture checks.


def layers() -> list[str]:
    """The packages, in layers: the highest layer first."""
    lines = ["::::{container} layers"]
    for names in reversed(_packages_by_layer()):
        lines += [":::{container} layer", *(line for name in names for line in (f"`{name}`", "")), ":::"]
    return [*lines, "::::"]


def packages() -> list[str]:
    """What each package is for, and which packages it imports."""
    uses = {
        name: sorted({found.imported_package for found in OURS if found.package == name} - {name}) for name in LAYER
    }
    rows = (
        (f"`{name}`", _first(ast.get_docstring(ast.parse(_source(name).read_text(encoding="utf-8")))), uses[name])
        for names in reversed(_packages_by_layer())
        for name in names
    )
    return _table(
        ("package", "what it is for", "imports"),
        ((name, text, " ".join(f"`{used}`" for used in imported)) for name, text, imported in rows),
    )


def _packages_by_layer() -> list[list[str]]:
    """The packages that exist, from the lowest layer to the highest."""
    existing = ([name for name in names if _source(name).exists()] for names in LAYERS)
    return [names for names in existing if names]


def _source(name: str) -> Path:
    """The file with the docstring of a package or of a module at the top."""
    folder = PACKAGE / name
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
