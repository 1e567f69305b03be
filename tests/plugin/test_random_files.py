"""Random files and names in tests: repeatable, named in reports, and imported on use."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

QUIET = ("-p", "no:localftpserver", "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function")

SOURCE = """
import json
import pytest

@pytest.mark.ftp(files="random:5")
@pytest.mark.parametrize("number", [1, 2])
def test_it(ftp_server, ftp_tree, ftp_hostile_names, number):
    with open("seen", "a") as out:
        print(json.dumps([sorted(ftp_server.files), sorted(ftp_tree), ftp_hostile_names]), file=out)
    assert not number

@pytest.mark.ftp(files="random:5")
def test_other(ftp_server):
    with open("other", "a") as out:
        print(sorted(ftp_server.files), file=out)
"""


def test_a_test_has_the_same_files_in_every_run(pytester: pytest.Pytester) -> None:
    """Under pytest-xdist and pytest-randomly, too; another test has others, and a failing test names its seed."""
    pytester.makepyfile(test_it=SOURCE)
    first = pytester.runpytest_subprocess(*QUIET, "-p", "randomly", "-p", "no:randomly")
    first.assert_outcomes(passed=1, failed=2)
    [seed, again] = re.findall(r"ftp_server has them by seed=([0-9]+): add it to the marker", first.stdout.str())
    assert seed == again
    pytester.runpytest_subprocess(*QUIET, "-n2").assert_outcomes(passed=1, failed=2)
    seen = (pytester.path / "seen").read_text().splitlines()
    assert len(seen) == 4
    assert len(set(seen)) == 1
    other = (pytester.path / "other").read_text().splitlines()
    assert len(set(other)) == 1

    given = SOURCE.replace('"random:5")\ndef', f'"random:5", seed={seed})\ndef')
    pytester.makepyfile(test_given=given)
    pytester.runpytest_subprocess(*QUIET, "test_given.py", "-k", "other").assert_outcomes(passed=1, deselected=2)
    assert (pytester.path / "other").read_text().splitlines()[-1].replace("'", '"') in seen[0]


def test_the_fixture_of_faker(pytester: pytest.Pytester) -> None:
    """It has the provider, and its seed decides."""
    pytester.makepyfile(
        test_it="""
        def test_it(faker):
            faker.seed_instance(1)
            tree = faker.ftp_tree(3)
            faker.seed_instance(1)
            assert faker.ftp_tree(3) == tree and len(tree) == 3
            assert faker.first_name()
        """
    )
    pytester.runpytest_subprocess(*QUIET).assert_outcomes(passed=1)


def test_faker_is_imported_on_use() -> None:
    """Not by the plugin, and not by a server with random files."""
    code = """if True:
        import sys
        import ftpfixture.testing.plugin
        ftpfixture.FtpServer(files="random:3")
        print("faker" in sys.modules, "hypothesis" in sys.modules)
    """
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "False False"
