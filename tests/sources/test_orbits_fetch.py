"""Element sets from a server of our own: whole, cut off, no set at all, refused, and fetched again only when old."""

from __future__ import annotations

import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from rahdari.errors import InputError
from rahdari.service.orbits import OrbitsRequest, fetch_orbits
from rahdari.sources.orbits import read_constellation
from rahdari.sources.orbits_fetch import fetch_sets, read_sets
from tests.sources.test_orbits import OMM, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = dt.datetime(2024, 5, 21, 12, tzinfo=dt.UTC)


class Catalogue(ThreadingHTTPServer):
    """A catalogue of two groups; ``cut`` bytes are left out of the first answer, ``failures`` answers are 503."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = {"starlink": json.dumps([OMM, SECOND]).encode(), "oneweb": b"No GP data found"}
        self.cut, self.failures = 0, 0
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/gp.php"


class Handler(BaseHTTPRequestHandler):
    server: Catalogue

    def do_GET(self) -> None:
        catalogue = self.server
        group = parse_qs(urlsplit(self.path).query)["GROUP"][0]
        catalogue.asked.append(group)
        content = catalogue.content.get(group)
        if catalogue.failures or content is None:
            catalogue.failures = max(0, catalogue.failures - 1)
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) - catalogue.cut])
        catalogue.cut = 0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Say nothing."""


@pytest.fixture
def catalogue() -> Iterator[Catalogue]:
    server = Catalogue()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def fetched(
    folder: Path, catalogue: Catalogue, names: tuple[str, ...] = ("starlink",), hours: float = 0.0
) -> list[str]:
    """Fetch sets some hours after noon and return what became of each."""
    heard: list[str] = []
    now = NOW + dt.timedelta(hours=hours)
    fetch_sets(names, folder, catalogue.url, now=now, on_set=lambda _, what: heard.append(what), wait_s=lambda _: None)
    return heard


def test_a_set_is_kept_with_its_digest_and_its_age_and_can_be_read(catalogue: Catalogue, tmp_path: Path) -> None:
    assert fetched(tmp_path, catalogue) == ["fetched"]
    held = read_sets(tmp_path)["starlink"]
    assert held.n_satellites == 2 == len(read_constellation(tmp_path / held.file))
    epoch = dt.datetime.fromisoformat(OMM["EPOCH"]).replace(tzinfo=dt.UTC)  # type: ignore[arg-type]
    assert held.age_days(NOW) == pytest.approx((NOW - epoch).total_seconds() / 86_400.0, abs=1e-4)


def test_a_young_set_is_not_fetched_again_and_an_old_or_damaged_one_is(catalogue: Catalogue, tmp_path: Path) -> None:
    fetched(tmp_path, catalogue)
    assert fetched(tmp_path, catalogue, hours=1.0) == ["present"]
    assert fetched(tmp_path, catalogue, hours=7.0) == ["fetched"]
    (tmp_path / "starlink.json").write_text("[]")
    assert fetched(tmp_path, catalogue, hours=7.0) == ["fetched"]


def test_a_broken_transfer_and_a_busy_server_are_tried_again(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.cut = 40
    catalogue.failures = 1
    assert fetched(tmp_path, catalogue) == ["fetched"]
    assert len(catalogue.asked) == 3


def test_what_came_is_kept_where_another_group_fails(catalogue: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no set of elements"):
        fetched(tmp_path, catalogue, ("starlink", "oneweb"))
    assert set(read_sets(tmp_path)) == {"starlink"}
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["orbits.json", "starlink.json"]
    with pytest.raises(InputError, match="Service Unavailable"):
        fetched(tmp_path, catalogue, ("geo",))


def test_unknown_groups_and_addresses_are_refused_together(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        fetch_sets(("moons",), tmp_path, "file:///etc", now=NOW)
    assert len(caught.value.problems) == 2


def test_old_elements_are_warned_about(catalogue: Catalogue, tmp_path: Path) -> None:
    response = fetch_orbits(OrbitsRequest(groups=("starlink",), out=tmp_path, base_url=catalogue.url))
    assert response.sets[0]["age_days"] > 365.0
    assert "kilometres a day" in response.warnings[0]
