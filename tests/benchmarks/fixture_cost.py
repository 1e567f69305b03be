"""The cost of a fixture for a test: set-up plus tear-down, ours beside those of peers, in one run.

Run it with ``python tests/benchmarks/fixture_cost.py`` in an environment with the ``test`` extra. Compare only the
ratios, because machines differ and are noisy.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MEASURE = """
import json, time, pytest
from pathlib import Path
SPENT = {}

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    began = time.perf_counter()
    result = yield
    SPENT[item.nodeid] = time.perf_counter() - began
    return result

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item, nextitem):
    began = time.perf_counter()
    result = yield
    SPENT[item.nodeid] += time.perf_counter() - began
    return result

def pytest_sessionfinish(session):
    Path(__file__).with_name("spent.json").write_text(json.dumps(list(SPENT.values())))

@pytest.fixture
def pyftpdlib_server(tmp_path_factory):
    import threading
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import FTPServer
    authorizer = DummyAuthorizer()
    authorizer.add_user("user", "password", "/tmp", perm="elradfmwMT")
    handler = type("Handler", (FTPHandler,), {"authorizer": authorizer})
    server = FTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.001, "handle_exit": False})
    thread.start()
    yield server
    server.close_all()
    thread.join()
"""

USE = """
def use(port, login, password):
    # The work of a test, which is not measured. Some peers do not listen yet when their fixture is ready.
    import ftplib
    while True:
        try:
            with ftplib.FTP() as ftp:
                ftp.connect("127.0.0.1", port)
                ftp.login(login, password)
            return
        except ConnectionRefusedError:
            pass

"""

CASES: list[tuple[str, str, str, int, dict[str, str]]] = [
    ("an empty test", "", "pass", 200, {}),
    ("ftpfixture: ftp_server", "ftp_server", "use(ftp_server.port, *ftp_server.credentials)", 200, {}),
    (
        "pyftpdlib in a joined thread",
        "pyftpdlib_server",
        "use(pyftpdlib_server.address[1], 'user', 'password')",
        100,
        {},
    ),
    (
        "pytest-localftpserver: ftpserver",
        "ftpserver",
        "use(ftpserver.server_port, ftpserver.username, ftpserver.password)",
        5,
        {"FTP_FIXTURE_SCOPE": "function"},
    ),
]


def measure(fixture: str, body: str, count: int, settings: dict[str, str]) -> list[float]:
    """Return the seconds of set-up and tear-down of each of `count` tests, without their bodies."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        (where / "conftest.py").write_text(MEASURE)
        (where / "pytest.ini").write_text("[pytest]\n")
        tests = [f"def test_{number}({fixture}):\n    {body}\n" for number in range(count)]
        (where / "test_it.py").write_text(USE + "".join(tests))
        command = [sys.executable, "-W", "ignore", "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, folder], cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{fixture}: the tests failed\n{done.stdout}{done.stderr}")
        # The first test also pays for fixtures of the session.
        spent: list[float] = json.loads((where / "spent.json").read_text())
        return spent[1:]


def main() -> None:
    """Measure every case and print the table."""
    medians = {
        name: statistics.median(measure(fixture, body, count, settings))
        for name, fixture, body, count, settings in CASES
    }
    ours = medians["ftpfixture: ftp_server"]
    print(f"{'set-up + tear-down per test, median':40} {'ms':>10} {'times ours':>11}")
    for name, median in medians.items():
        print(f"{name:40} {median * 1000:10.3f} {median / ours:11.1f}")


if __name__ == "__main__":
    main()
