"""`ftpfixture sweep --upstream`: a program is swept against a server of another project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ftpfixture.cli.main import main
from tests.support.servers import Peer

CONTENT = b"a,b\n1,2\n" * 500


def test_downloads_with_wget(peer: Peer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The faults happen in front of it, also where it does not tell the size of the file; silent truncation is seen."""
    (peer.root / "a.csv").write_bytes(CONTENT)
    expected = tmp_path / "a.csv"
    expected.write_bytes(CONTENT)
    out = tmp_path / "out.json"
    url = f"ftp://{peer.user}:{peer.password}@{{host}}:{{port}}/a.csv"
    arguments = ["sweep", "--upstream", f"{peer.host}:{peer.port}", "--set", "quick", "--max", "12", "--timeout", "2"]
    arguments += ["--check", f"cmp {{dir}}/a.csv {expected}", "--json", str(out)]
    assert main([*arguments, "--", "wget", "-q", "-t", "1", "-O", "a.csv", url]) == 1
    output = capsys.readouterr()
    assert "never happened" not in output.err
    verdicts = {point["point"]: point["verdict"] for point in json.loads(out.read_text())["points"]}
    assert verdicts["RETR.1-data.half-truncate"] == "wrong", (verdicts, output)
    assert verdicts["RETR.1-data.half-reset_data"] == "failed"
