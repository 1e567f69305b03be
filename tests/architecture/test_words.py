"""The prose of the package, the tests and the documentation has the field's own words, one word for one thing.

One rule: a word that is not used is in the table, with what is written instead; a file that may have it is named there,
with the reason.
"""

from __future__ import annotations

import re

from tests.support.documentation import ROOT

WORDS = {
    r"octets?": "bytes",
    r"hands? (?:are |were |is |was )?shaken|shak(?:e|es|ing|en) hands": "TLS handshake",
    r"so many": "a number, or the name of a parameter",
    r"nobody|somebody|anybody|whoever": "the client, the server, the caller, another task",
    r"broken off|breaks? off|breaking off|broke off": "aborted",
    r"time-outs?": "timeout",
}
ALLOWED = {
    # Old names on their way to new ones, and what quotes an RFC or a real server.
    "ftpfixture/faults/renamed.py": "octets?",
    "tests/unit/faults/test_renamed.py": "octets?",
    "tests/architecture/test_words.py": ".*",
    "CHANGELOG.md": "octets?",
}
PLACES = ("ftpfixture", "tests", "examples", "docs")
SINGLE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "conftest.py", "pyproject.toml")


def test_no_old_word_is_left() -> None:
    """Every line of the project; what is quoted from an RFC or a real program has quotation marks around it."""
    files = [ROOT / name for name in SINGLE]
    files += [path for place in PLACES for path in sorted((ROOT / place).rglob("*")) if path.suffix in (".py", ".md")]
    found = []
    for path in files:
        name = path.relative_to(ROOT).as_posix()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for word, instead in WORDS.items():
                for match in re.finditer(rf"(?<![\w\"'-])(?:{word})(?![\w\"'])", line, re.IGNORECASE):
                    if not re.fullmatch(ALLOWED.get(name, r"(?!)"), match[0], re.IGNORECASE):
                        found.append(f"{name}:{number}: {match[0]!r}, write {instead}")

    assert found == []
