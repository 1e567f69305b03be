"""django-storages: uploads of a Django site, kept on an FTP server.

A busy server makes its storage overwrite files: `exists` answers False when the listing is refused, so that Django
finds no other name. The careful storage raises, and the user tries again.

Runs with `pip install -e ".[recipes]"` and `python -m pytest -m recipes examples/recipes`.
"""

from __future__ import annotations

import ftplib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ftpfixture import FtpServer

pytestmark = [pytest.mark.recipes, pytest.mark.ftp(files={"/media/logo.png": b"the logo"})]

# The code under test.


def careful_storage(location: str) -> Any:
    """A storage for which a listing that fails is an error; Django is imported on use."""
    from storages.backends.ftp import FTPStorage

    class CarefulStorage(FTPStorage):  # type: ignore[misc]
        def exists(self, name: str) -> bool:
            self._start_connection()
            try:
                return self._connection.size(name) is not None
            except ftplib.error_perm as error:
                if not str(error).startswith("550"):
                    raise
                return False

    return CarefulStorage(location=location, base_url="/media/")


def plain_storage(location: str) -> Any:
    from storages.backends.ftp import FTPStorage

    return FTPStorage(location=location, base_url="/media/")


# Its tests.

MakeStorage = Callable[[Callable[[str], Any]], Any]


@pytest.fixture(scope="session", autouse=True)
def _settings() -> None:
    from django.conf import settings

    if not settings.configured:
        settings.configure()


@pytest.fixture
def storage_of(ftp_server: FtpServer) -> Iterator[MakeStorage]:
    made: list[Any] = []

    def make(kind: Callable[[str], Any]) -> Any:
        made.append(kind(f"{ftp_server.url}/media/"))
        return made[-1]

    yield make
    for storage in made:
        storage.disconnect()


def save(storage: Any, name: str, content: bytes) -> str:
    from django.core.files.base import ContentFile

    return str(storage.save(name, ContentFile(content)))


def test_save_and_open(ftp_server: FtpServer, storage_of: MakeStorage) -> None:
    storage = storage_of(plain_storage)

    assert save(storage, "2026/photo.jpg", b"a photo") == "2026/photo.jpg"
    assert ftp_server.files["/media/2026/photo.jpg"] == b"a photo"
    with storage.open("2026/photo.jpg") as file:
        assert file.read() == b"a photo"


@pytest.mark.parametrize("kind", [plain_storage, careful_storage])
def test_a_name_that_is_taken(ftp_server: FtpServer, storage_of: MakeStorage, kind: Callable[[str], Any]) -> None:
    name = save(storage_of(kind), "logo.png", b"another")

    assert name != "logo.png"
    assert ftp_server.files["/media/logo.png"] == b"the logo"
    assert ftp_server.files[f"/media/{name}"] == b"another"


def test_a_busy_server_makes_it_overwrite(ftp_server: FtpServer, storage_of: MakeStorage) -> None:
    ftp_server.faults.add("NLST: answer 450 'Try again later'")

    assert save(storage_of(plain_storage), "logo.png", b"another") == "logo.png"
    assert ftp_server.files["/media/logo.png"] == b"another"  # the logo is lost


def test_the_careful_storage_raises(ftp_server: FtpServer, storage_of: MakeStorage) -> None:
    ftp_server.faults.add("SIZE: answer 450 'Try again later'")

    with pytest.raises(ftplib.error_temp, match="450"):
        save(storage_of(careful_storage), "logo.png", b"another")
    assert ftp_server.files["/media/logo.png"] == b"the logo"


def test_a_full_disk(ftp_server: FtpServer, storage_of: MakeStorage) -> None:
    from storages.backends.ftp import FTPStorageException

    ftp_server.faults.add("STOR: answer 552 'Disk full'")

    with pytest.raises(FTPStorageException, match="Error writing file"):
        save(storage_of(plain_storage), "photo.jpg", b"a photo")
    assert "/media/photo.jpg" not in ftp_server.files
