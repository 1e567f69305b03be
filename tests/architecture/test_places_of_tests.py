"""The places of tests: `tests/unit` mirrors the files of the package."""

from __future__ import annotations

import functools
from pathlib import Path

import ftpfixture
from tests.support.rows import check_rows

TESTS = Path(__file__).parent.parent
PACKAGE = Path(ftpfixture.__file__).parent

ELSEWHERE = {
    # Commands are tested through a client; each RFC has a file.
    "server/commands/access": ["conformance/test_rfc959.py", "conformance/test_rfc2640_7151.py"],
    "server/commands/bulk": ["conformance/test_bulk_commands.py"],
    "server/commands/information": ["conformance/test_rfc959.py", "conformance/test_rfc2389.py"],
    "server/commands/integrity": ["conformance/test_drafts.py", "conformance/test_rfc3659.py"],
    "server/commands/listing": ["conformance/test_listings.py", "conformance/test_rfc3659.py"],
    "server/commands/parameters": ["conformance/test_rfc959.py", "conformance/test_rfc2428.py"],
    "server/commands/security": ["conformance/test_rfc4217.py", "conformance/test_tls.py"],
    "server/commands/site": ["conformance/test_drafts.py"],
    "server/commands/tree": ["conformance/test_rfc959.py", "conformance/test_rights.py"],
    # A session and its transfers are tested together, through a client.
    "server/creation": ["conformance/test_drafts.py"],
    "server/host": ["unit/server/test_session.py"],
    # Personas are beside the servers that they are made after.
    **{
        f"server/personas/{name}": ["peers/test_personas.py"]
        for name in (
            "aioftp",
            "bambu",
            "filezilla",
            "iis",
            "minimal_rfc959",
            "proftpd",
            "pure_ftpd",
            "pyftpdlib",
            "vsftpd",
        )
    },
    "server/patterns": ["conformance/test_listings.py", "robustness/test_nothing_stops_the_loop.py"],
    "server/transfer": ["conformance/test_transfers.py"],
    "server/transfers": ["conformance/test_transfers.py", "conformance/test_order_of_replies.py"],
    # Actions are tested by playbooks, one for each word and phase; performing them needs connections.
    # Options are tested through the commands that have them.
    "cli/options": ["unit/cli/test_serve.py"],
    "cli/upstream": ["unit/cli/test_proxy.py"],
    "faults/action": ["unit/faults/test_actions.py", "unit/faults/test_program.py"],
    "faults/control": ["unit/faults/test_program_playbooks.py"],
    "faults/data_actions": ["unit/faults/test_program_playbooks.py"],
    "faults/effects": ["unit/faults/test_program.py", "unit/faults/test_program_playbooks.py"],
    "faults/presets": ["faults/test_presets.py"],
    "recording/forwarding": ["recording/test_proxy.py", "peers/test_proxy.py"],
    # The table of formats, the words they have in common, and the lines of the recording: by whole logs.
    "recording/imports/formats": ["unit/recording/imports/test_importer.py"],
    "recording/imports/items": ["unit/recording/imports/test_curl.py"],
    "recording/imports/rendering": ["unit/recording/imports/test_importer.py"],
    "recording/named_secrets": ["recording/test_record.py"],
    "recording/passage": ["recording/test_proxy.py"],
    "recording/proxy": ["recording/test_proxy.py", "peers/test_proxy.py"],
    "recording/spy": ["recording/test_spy.py"],
    "recording/target": ["recording/test_proxy.py"],
    "recording/upstream": ["recording/test_proxy.py"],
    "faults/transfer": ["unit/faults/test_program_playbooks.py"],
    "net/faulthandshakes": ["faults/data/test_handshakes.py"],
    "net/faultstream": ["faults/data/test_downloads.py", "faults/data/test_uploads.py"],
    "net/pauses": ["faults/control/test_late_replies.py"],
    # Parts of a class that is tested as a whole.
    "client/base": ["unit/client/test_control.py", "conformance/test_extension_api.py"],
    "client/comparison": ["unit/client/test_mirror.py"],
    "client/connector": ["unit/client/test_data.py", "unit/client/test_security.py"],
    "client/copies": ["unit/client/test_transfers.py"],
    "client/files": ["unit/client/test_transfers.py", "unit/client/test_stream.py"],
    "client/incoming": ["unit/client/test_control.py"],
    "client/open_transfers": ["unit/client/test_resync.py"],
    "client/operations": ["unit/client/test_client.py"],
    "client/queries": ["unit/client/test_information.py"],
    "client/reading": ["unit/client/test_listing.py", "unit/client/test_unread.py"],
    "client/snapshot": ["unit/client/test_mirror.py"],
    "client/view": ["unit/client/test_stream.py"],
    "files/handles": ["unit/files/test_base.py"],
    "faults/built": ["unit/testing/test_faults.py"],
    "log/nearness": ["unit/log/test_assertions.py"],
    "log/order": ["unit/log/test_assertions.py"],
    "log/projection": ["unit/log/test_command_log.py"],
    "log/records": ["unit/log/test_command_log.py"],
    "log/payload": ["unit/log/test_events.py"],
    "net/socket_transport": ["unit/net/test_closing.py", "unit/testing/test_transport_check.py"],
    "net/sockets": ["unit/net/test_network.py", "robustness/test_beside_pytest_socket.py"],
    "wire/listing/format": ["unit/wire/listing/test_reading.py"],
    "wire/listing/headings": ["unit/wire/listing/test_reading.py", "unit/wire/listing/test_unix.py"],
    "wire/listing/months": ["unit/wire/listing/test_unix.py"],
    "wire/listing/unix_mode": ["unit/wire/listing/test_unix.py"],
    # Parts of a server that is tested as a whole.
    "recording/replaydata": ["unit/recording/test_replay.py"],
    "recording/replaystate": ["unit/recording/test_replay.py"],
    # Names that other modules export.
    "compat/constants": ["unit/test_common.py"],
    "pathio": ["unit/test_common.py"],
    # Effects of pytest, other packages and forks are tested in separate processes.
    "forks": ["robustness/test_beside_forks.py"],
    "testing/loopbackonly": ["plugin/test_recording_fixture.py"],
    "testing/onlyserver": ["plugin/test_recording_fixture.py", "plugin/test_client_fixture.py"],
    "testing/recordedfiles": ["plugin/test_recording_fixture.py"],
    "testing/recordedtest": ["plugin/test_recording_fixture.py"],
    "testing/recordings": ["plugin/test_recording_fixture.py"],
    "testing/recordmarker": ["plugin/test_recording_fixture.py"],
    "testing/recordmodes": ["plugin/test_recording_fixture.py"],
    "testing/advice": ["plugin/test_advice.py"],
    "testing/beginning": ["unit/testing/test_ftpserver.py"],
    # Parts of a check that is tested as a whole, by planted flaws.
    "testing/client_calls": ["unit/testing/test_client_check.py"],
    "testing/client_machine": ["unit/testing/test_client_check.py"],
    "testing/client_run": ["unit/testing/test_client_check.py"],
    "testing/client_script": ["unit/testing/test_client_check.py"],
    "testing/client_shorten": ["unit/testing/test_client_check.py"],
    "testing/clientfixture": ["plugin/test_client_fixture.py"],
    "sim/ends": ["unit/sim/test_sockets.py"],
    "testing/serverchecks": ["unit/testing/test_ftpserver.py"],
    "testing/hangwatch": ["plugin/test_simulate.py"],
    "testing/simulated": ["plugin/test_simulate.py"],
    "cli/programsweep": ["unit/cli/test_sweep.py"],
    "testing/sweep": ["plugin/test_sweep.py"],
    "testing/sweepmaps": ["plugin/test_sweep.py"],
    "testing/sweepmarker": ["plugin/test_sweep.py"],
    "testing/sweepoptions": ["plugin/test_sweep.py"],
    "testing/sweepresults": ["plugin/test_sweep.py"],
    "testing/sweeprun": ["plugin/test_sweep.py"],
    "sim/listeners": ["unit/sim/test_sockets.py", "plugin/test_simulate.py"],
    "sim/selecting": ["unit/sim/test_sockets.py"],
    "testing/golden": ["plugin/test_recordings_of_logs.py"],
    "testing/interrupts": ["plugin/test_hangs.py"],
    "testing/marker": ["plugin/test_fixtures.py", "plugin/test_shared_servers.py"],
    "testing/options": ["plugin/test_faults_fixture.py", "plugin/test_hangs.py"],
    "testing/shared": ["plugin/test_shared_servers.py"],
    "testing/inside": ["unit/testing/test_ftpserver.py", "unit/testing/test_folders.py"],
    "testing/pathio_content": ["unit/testing/test_pathio_check.py"],
    "testing/pathio_names": ["unit/testing/test_pathio_check.py"],
    "testing/pathio_steps": ["unit/testing/test_pathio_check.py"],
    "testing/plugin": ["plugin/test_fixtures.py"],
    "testing/recording": ["recording/test_record.py"],
    "testing/replaying": ["unit/recording/test_replay.py"],
    "testing/reports": ["plugin/test_reports.py"],
    "testing/rules": ["unit/testing/test_pathio_check.py"],
    "testing/savedlog": ["unit/log/test_keeping.py"],
    "testing/serverloop": ["unit/testing/test_loopthread.py"],
    "testing/users": ["plugin/test_users_fixture.py"],
    "untouched": ["robustness/test_beside_patches.py", "robustness/test_beside_pyfakefs.py"],
}
"""Modules without a file at their place, and the files that test them."""


@functools.cache
def places() -> frozenset[str]:
    """Return the modules of the package, as paths without suffix and without a leading underscore."""
    return frozenset(
        path.relative_to(PACKAGE).with_name(path.stem.lstrip("_")).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    )


def modules_of(test: Path) -> frozenset[str]:
    """Return the modules that a file may test: the name of the module, perhaps followed by more words."""
    words = test.stem.removeprefix("test_").split("_")
    folder = test.relative_to(TESTS / "unit").parent
    return places() & {(folder / "_".join(words[:count])).as_posix() for count in range(1, len(words) + 1)}


def test_every_unit_test_is_beside_its_module() -> None:
    """A file of `tests/unit` has the place and the name of a module; `test_<module>_<aspect>` is one aspect of it."""
    files = sorted((TESTS / "unit").rglob("test_*.py"))

    assert [path.relative_to(TESTS).as_posix() for path in files if not modules_of(path)] == []


def test_every_module_has_tests_of_its_own() -> None:
    """A module has a file at its place in `tests/unit`, or a row in the table of modules tested elsewhere."""
    tested = set().union(*(modules_of(path) for path in (TESTS / "unit").rglob("test_*.py")))

    assert sorted(places() - tested - {*ELSEWHERE}) == []
    assert sorted(tested & {*ELSEWHERE}) == [], "these have tests of their own, and need no row"
    assert sorted({*ELSEWHERE} - places()) == [], "there are no such modules"


def test_the_files_of_the_table_exist() -> None:
    """Every file in the table exists."""

    def check(name: str) -> None:
        assert all((TESTS / file).exists() for file in ELSEWHERE[name])

    check_rows(ELSEWHERE, check)
