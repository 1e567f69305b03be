"""Two ways to download a file: one as it is often written, and one that survives what servers do."""

import ftplib
import time
from pathlib import Path


def naive(host: str, port: int, user: str, password: str, path: str, target: Path) -> None:
    """Download a file; resume where the target ends."""
    ftp = ftplib.FTP()  # without a timeout it may wait for ever
    ftp.connect(host, port)
    ftp.login(user, password)
    size = target.stat().st_size if target.exists() else None
    with target.open("ab") as file:  # under the final name
        ftp.retrbinary(f"RETR {path}", file.write, rest=size)  # what if the server ignores REST?
    ftp.quit()  # never reached after an error; and is the file whole?


def careful(host: str, port: int, user: str, password: str, path: str, target: Path, attempts: int = 3) -> None:
    """Download a file; it has its name when it is whole. What may be over the next time is tried again."""
    part = target.with_name(f"{target.name}.part")
    for attempt in range(1, attempts + 1):
        try:
            with ftplib.FTP(timeout=30) as ftp:
                ftp.connect(host, port)
                ftp.login(user, password)
                ftp.voidcmd("TYPE I")
                size = ftp.size(path)
                begin = part.stat().st_size if part.exists() else 0
                if size is None or begin > size:
                    begin = 0
                with part.open("r+b" if begin else "wb") as file:
                    file.seek(begin)
                    ftp.retrbinary(f"RETR {path}", file.write, rest=begin or None)
            arrived = part.stat().st_size
            if arrived != size:
                if size is None or arrived > size:
                    part.unlink()  # the server has sent all of it again
                raise EOFError(f"{path} is not whole")
            part.replace(target)
            return
        except (OSError, EOFError, ftplib.error_temp, ftplib.error_reply):
            if attempt == attempts:
                raise
            time.sleep(60 * attempt)
