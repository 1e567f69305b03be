"""The directive ``from-package``: tables of the reference that are generated from the package in each build.

One rule: no page repeats what the package knows. A page says what a table is for, and ``{from-package} fault-words``
inserts it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

from docs import tables

TABLES: dict[str, Callable[[], list[str]]] = {
    "client-methods": tables.client_methods,
    "client-settings": tables.client_settings,
    "commands": tables.commands,
    "fault-effects": tables.fault_effects,
    "fault-hooks": tables.fault_hooks,
    "fault-presets": tables.fault_presets,
    "fault-words": tables.fault_words,
    "fixtures": tables.fixtures,
    "layers": tables.layers,
    "packages": tables.packages,
    "program": tables.program,
    "server-settings": tables.server_settings,
    "verb-groups": tables.verb_groups,
}
"""The function that generates each table, as lines of MyST Markdown."""


class FromPackage(SphinxDirective):
    """A table, by its name in `TABLES`."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Return the parsed table."""
        make = TABLES.get(self.arguments[0])
        if make is None:
            raise self.error(f"no table {self.arguments[0]!r}: use one of {', '.join(TABLES)}")
        node = nodes.container()
        node.document = self.state.document
        nested_parse_with_titles(self.state, StringList(make(), self.arguments[0]), node, self.content_offset)
        return list(node.children)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("from-package", FromPackage)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
