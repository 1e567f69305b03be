"""How Sphinx builds these pages: ``python -m sphinx -n -W docs build/docs``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # pages import the package and the tests of this checkout

import ftpfixture  # noqa: E402

project = "ftpfixture"
author = "The ftpfixture developers"
project_copyright = author
version = release = ftpfixture.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "docs.from_package"]
root_doc = "index"
exclude_patterns = ["*.py"]
default_role = "code"  # docstrings mark names with single backticks
nitpick_ignore_regex = [
    # Types of other packages, whose documentation is not available during a build.
    (r"py:.*", r"(_ssl|_typeshed|abc|asyncio|collections|concurrent|contextlib|dataclasses|datetime|enum|io)\..*"),
    (r"py:.*", r"(locale|logging|os|pathlib|pytest|python_socks|ssl|trustme|types|typing)\..*"),
    # Types in signatures that are not part of the public API, type variables, and types without their module.
    (r"py:(class|obj)", r"ftpfixture\.[a-z_.]+\._?[A-Z]\w*"),
    (r"py:class", r"P|PurePosixPath|Means|HypothesisSettings"),
]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"ftpfixture {version}"
html_static_path = ["_static"]
html_css_files = ["ftpfixture.css"]
html_show_sourcelink = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Correct how docstrings and signatures are parsed."""
    app.connect("autodoc-process-docstring", _no_type_in_the_first_line, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", _defaults_that_can_be_parsed)


def _no_type_in_the_first_line(
    app: Sphinx, what: str, name: str, subject: object, options: object, lines: list[str]
) -> None:
    """Keep napoleon from reading the words before a colon as the type of an attribute: types are annotations."""
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]  # an empty comment


def _defaults_that_can_be_parsed(
    app: Sphinx, what: str, name: str, subject: object, options: object, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Show ``...`` for defaults without a source form, such as those of a default factory."""
    return signature and re.sub(r"= ?<[^<>]*>", "= ...", signature), returned
