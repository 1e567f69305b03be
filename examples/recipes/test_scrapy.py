"""Scrapy: a spider that reads a file from an FTP server and exports its items to one, in a process of its own.

Scrapy ends with status 0 whatever happens: an input that cannot be read becomes an empty feed, which replaces the one
of yesterday. The careful spider exports nothing then, and the process fails.

Runs with `pip install -e ".[recipes]"` and `python -m pytest -m recipes examples/recipes`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ftpfixture import FtpServer

pytestmark = [
    pytest.mark.recipes,
    pytest.mark.ftp(files={"/out/prices.csv": b"apples,3\npears,4\n", "/in/feed.json": b"[]  of yesterday"}),
]

# The code under test.

SPIDER = """
import sys

import scrapy
from scrapy.crawler import CrawlerProcess

url, user, password, kind = sys.argv[1:]


class Prices(scrapy.Spider):
    name = "prices"

    async def start(self):
        login = {"ftp_user": user, "ftp_password": password}
        yield scrapy.Request(f"ftp://{url}/out/prices.csv", meta=login)

    def parse(self, response):
        for line in response.text.splitlines():
            name, price = line.split(",")
            yield {"name": name, "price": price}


feed = {"format": "json", "store_empty": kind == "careless"}
target = f"ftp://{user}:{password}@{url}/in/feed.json"
process = CrawlerProcess({"FEEDS": {target: feed}, "TELNETCONSOLE_ENABLED": False})
crawler = process.create_crawler(Prices)
process.crawl(crawler)
process.start()
if kind == "careful":
    stats = crawler.stats.get_stats()
    stored = stats.get("feedexport/success_count/FTPFeedStorage", 0)
    sys.exit(0 if stored and stats.get("item_scraped_count", 0) else 1)
"""


def crawl(server: FtpServer, folder: Path, kind: str = "careful") -> int:
    """Run the spider; the number is its exit status."""
    script = folder / "prices.py"
    script.write_text(SPIDER)
    arguments = [f"{server.host}:{server.port}", *server.credentials, kind]
    done = subprocess.run([sys.executable, str(script), *arguments], capture_output=True, check=False, timeout=50)
    return done.returncode


# Its tests.


def test_feed(ftp_server: FtpServer, tmp_path: Path) -> None:
    assert crawl(ftp_server, tmp_path) == 0

    assert json.loads(ftp_server.files["/in/feed.json"]) == [
        {"name": "apples", "price": "3"},
        {"name": "pears", "price": "4"},
    ]


@pytest.mark.parametrize("kind", ["careful", "careless"])
def test_a_cut_download_is_tried_again(ftp_server: FtpServer, tmp_path: Path, kind: str) -> None:
    ftp_server.faults.add("RETR times=2: drop_data at=50%")

    assert crawl(ftp_server, tmp_path, kind) == 0

    ftp_server.log.assert_sent("RETR /out/prices.csv", times=3)
    assert len(json.loads(ftp_server.files["/in/feed.json"])) == 2


def test_an_input_that_cannot_be_read(ftp_server: FtpServer, tmp_path: Path) -> None:
    ftp_server.faults.add("RETR: answer 550")

    assert crawl(ftp_server, tmp_path) == 1

    assert ftp_server.files["/in/feed.json"] == b"[]  of yesterday"
    ftp_server.log.assert_not_sent("STOR")


def test_careless_code_replaces_the_feed_by_an_empty_one(ftp_server: FtpServer, tmp_path: Path) -> None:
    ftp_server.faults.add("RETR: answer 550")

    assert crawl(ftp_server, tmp_path, "careless") == 0

    assert json.loads(ftp_server.files["/in/feed.json"]) == []


@pytest.mark.parametrize(("kind", "status"), [("careful", 1), ("careless", 0)])
def test_a_feed_that_cannot_be_stored(ftp_server: FtpServer, tmp_path: Path, kind: str, status: int) -> None:
    ftp_server.faults.add("STOR: answer 552 'Disk full'")

    assert crawl(ftp_server, tmp_path, kind) == status

    assert ftp_server.files["/in/feed.json"] == b"[]  of yesterday"
