"""Settings in messages as options of a command."""

from __future__ import annotations

import rich_click as click

from ftpfixture.cli.main import cli
from ftpfixture.cli.wording import with_options
from tests.support.rows import check_rows


def test_settings_become_options() -> None:
    """A setting that is an option of the command gets its form; all other text stays."""
    with click.Context(cli) as context:
        command = cli.get_command(context, "replay")

    def check(row: tuple[str, str]) -> None:
        assert with_options(row[0], command) == row[1]
        assert with_options(row[0], None) == row[0]

    check_rows(
        [
            ("use port=0 for a free port", "use --port 0 for a free port"),
            ("host='::1' has no address", "--host ::1 has no address"),
            ("(allow_unplayed=True accepts it)", "(--allow-unplayed accepts it)"),
            ("RETR user=ann: drop_data after_bytes=4", "RETR user=ann: drop_data after_bytes=4"),
            ("root='/a', tls=None", "root='/a', tls=None"),
        ],
        check,
    )
