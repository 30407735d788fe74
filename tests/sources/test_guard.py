"""Files that mean harm, made here: each is refused by its reader before anything large is allocated or written."""

from __future__ import annotations

import gzip
import io
import re
import struct
import tarfile
import threading
import tracemalloc
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from affine import Affine

from rahdari.errors import InputError
from rahdari.sources.guard import (
    Caps,
    check_raster_file,
    check_vector_file,
    check_xml,
    json_depth,
    load_array,
    opened_raster,
    parse_json,
    read_json,
    unpack,
)
from rahdari.sources.imports.common import Findings, read_features
from rahdari.sources.terrain_raster import open_terrain

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = Caps(unpacked_bytes=8 << 20, n_files=50, ratio_from_bytes=1 << 20)
ROOT = Path(__file__).parents[2] / "rahdari"
BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><kml>&b;</kml>'
)  # fmt: skip
EXTERNAL = b'<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/passwd">]><gpx><name>&x;</name></gpx>'
NAMES = (
    "../evil", "a/../../evil", "/etc/passwd", "\\\\host\\share", "C:\\evil", "a\\..\\evil", "~/evil", "a//b", "./a",
    "con", "aux.txt", "lpt1.csv", "a:stream", "dot.", "blank ", "new\nline", "bidi\u202efdp", "x" * 300,
)  # fmt: skip


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info, content in members:
            info.size = len(content) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def refused(path: Path, folder: Path, caps: Caps = SMALL) -> str:
    """Return what was said of an archive of which nothing stays."""
    with pytest.raises(InputError) as told:
        unpack(path, folder / "out", caps)
    assert not (folder / "out").exists()
    assert [each.name for each in folder.iterdir()] == [path.name]
    return str(told.value)


# -- archives ---------------------------------------------------------------------------------------------------------
def test_a_sound_archive_is_unpacked(tmp_path: Path) -> None:
    files = {"pack.toml": b"name = 'x'\n", "tables/places.csv": b"a,b\n" * 100}
    found = unpack(zipped(tmp_path / "a.zip", files), tmp_path / "zip", SMALL)
    assert {each.name: (tmp_path / "zip" / each.name).read_bytes() for each in found} == files
    tar = tarred(tmp_path / "a.tar.gz", *((member(name), content) for name, content in files.items()))
    assert {each.name for each in unpack(tar, tmp_path / "tar", SMALL)} == set(files)


@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_out_or_deceive_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "z").mkdir()
    (tmp_path / "t").mkdir()
    assert "pack it again" in refused(zipped(tmp_path / "z" / "a.zip", {"ok": b"1", name: b"2"}), tmp_path / "z")
    assert "pack it again" in refused(tarred(tmp_path / "t" / "a.tgz", (member(name), b"2")), tmp_path / "t")


@pytest.mark.parametrize(("first", "second"), [("a.csv", "a.csv"), ("a.csv", "A.CSV"), ("\u212b.csv", "\u00c5.csv")])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(tmp_path: Path, first: str, second: str) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(first, b"1")
        archive.writestr(second, b"2")
    assert "is there twice" in refused(path, tmp_path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_file_are_refused(tmp_path: Path, kind: bytes) -> None:
    assert "link or device" in refused(tarred(tmp_path / "a.tgz", (member("a", kind, "/etc/passwd"), b"")), tmp_path)


def test_links_and_encrypted_entries_in_a_zip_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "link or device" in refused(path, tmp_path)
    whole = bytearray(zipped(path, {"a": b"1"}).read_bytes())
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(whole)
    assert "encrypted" in refused(path, tmp_path)


def test_a_bomb_of_zeros_is_refused_in_zip_and_tar(tmp_path: Path) -> None:
    (tmp_path / "z").mkdir()
    (tmp_path / "t").mkdir()
    zeros = bytes(4 << 20)
    assert "times its size" in refused(zipped(tmp_path / "z" / "a.zip", {"a": zeros}), tmp_path / "z")
    assert "times its size" in refused(tarred(tmp_path / "t" / "a.tgz", (member("a"), zeros)), tmp_path / "t")


def test_an_entry_that_is_more_than_it_says_is_cut_off_and_removed(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": b"x,y\n" * 100_000})
    whole = bytearray(path.read_bytes())
    at = whole.index(b"PK\x01\x02") + 24  # size within the directory
    whole[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(whole)
    refused(path, tmp_path)


def test_overlapping_entries_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": np.random.default_rng(1).bytes(5_000), "b": b"2"})
    whole = bytearray(path.read_bytes())
    second = whole.index(b"PK\x01\x02", whole.index(b"PK\x01\x02") + 4)
    whole[second + 42 : second + 46] = struct.pack("<I", 0)  # the second begins where the first does
    path.write_bytes(whole)
    assert "overlap" in refused(path, tmp_path)


def test_too_many_files_and_long_headers_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {f"f{k}": b"" for k in range(51)})
    assert "more than 50" in refused(path, tmp_path)
    path.unlink()
    info = member("a")
    info.pax_headers = {"comment": "".join(chr(97 + k % 23) for k in range(2_000_000))}
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    assert "longer than 1 MiB" in refused(tmp_path / "a.tar", tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x03\x04" + b"\0" * 400, b"\x1f\x8b\x08junk", b"\0" * 99])
def test_what_is_no_archive_is_told_as_such(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path / "a.zip", tmp_path)


# -- JSON, XML, arrays ------------------------------------------------------------------------------------------------
def test_json_that_is_too_deep_too_long_or_none_is_refused(tmp_path: Path) -> None:
    for content in (b"[" * 100_000, b'{"a":' * 70 + b"1" + b"}" * 70, b"{", b"\xff", b"NaN"):
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(InputError):
            read_json(tmp_path / "a.json")
    with pytest.raises(InputError, match="holds more than"):
        parse_json(b"[1]" * 1_000, "a.json", Caps(json_bytes=100))
    assert json_depth(b'["[[[[\\\\", "\\"[[[", [[]]]') == 3


@pytest.mark.parametrize("content", [BILLION_LAUGHS, EXTERNAL, b"<!DOCTYPE html><html/>", b"<a>" * 100, b"<a>", b"\0"])
def test_xml_with_a_document_type_depth_or_damage_is_refused(content: bytes) -> None:
    with pytest.raises(InputError):
        check_xml(content, "a.xml")


@pytest.mark.parametrize("ending", ["kml", "gpx", "graphml", "gml"])
@pytest.mark.parametrize("content", [BILLION_LAUGHS, EXTERNAL])
def test_no_reader_of_lines_opens_xml_with_entities(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    findings = Findings(path.name)
    assert len(read_features(path, findings).shapes) == 0
    assert "document type" in findings.problems[0].what


def test_arrays_of_objects_and_arrays_that_lie_about_their_size_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "a.npy", np.arange(4.0))
    assert load_array(tmp_path / "a.npy").tolist() == [0.0, 1.0, 2.0, 3.0]
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "l.npy").write_bytes(whole.replace(b"(4,), ", b"(4000000000,), ").replace(b" " * 9 + b"\n", b"\n"))
    (tmp_path / "t.npy").write_bytes(np.array(["text"]).tobytes())
    for name in ("o.npy", "l.npy", "t.npy"):
        with pytest.raises(InputError):
            load_array(tmp_path / name)


def test_nothing_here_reads_pickles_or_yaml_or_runs_what_it_reads() -> None:
    banned = re.compile(
        r"^\s*(import|from) (pickle|marshal|shelve|yaml|dill|joblib|cloudpickle)\b|\beval\(|\bexec\(|allow_pickle=True"
        r"|\bos\.system\(|shell=True",
        re.MULTILINE,
    )
    found = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if (path.parts[-2] != "static") and banned.search(path.read_text(encoding="utf-8"))
    }
    assert found == set()


# -- what GDAL opens --------------------------------------------------------------------------------------------------
class Witness(ThreadingHTTPServer):
    """Counts who comes to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Witness

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_error(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Keep silent."""


@pytest.fixture
def witness() -> Iterator[Witness]:
    with Witness() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def tile(path: Path, **more: object) -> Path:
    profile = {
        "driver": "GTiff", "dtype": "int16", "count": 1, "width": 40, "height": 40, "crs": "EPSG:4326",
        "transform": Affine(0.01, 0, 70, 0, -0.01, 30), **more,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        if "SPARSE_OK" not in more:
            file.write(np.ones((1, 40, 40), np.int16))
    return path


def vrt(source: str, extra: str = "", band: str = "") -> bytes:
    return (
        f'<VRTDataset rasterXSize="40" rasterYSize="40"><SRS>EPSG:4326</SRS><GeoTransform>70,0.01,0,30,0,-0.01'
        f'</GeoTransform><VRTRasterBand dataType="Int16" band="1"{band}>{extra}<SimpleSource>'
        f'<SourceFilename relativeToVRT="1">{source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
        "</VRTRasterBand></VRTDataset>"
    ).encode()


def test_no_address_service_or_virtual_file_makes_a_reader_go_elsewhere(tmp_path: Path, witness: Witness) -> None:
    there = f"http://127.0.0.1:{witness.server_address[1]}"
    hostile = {
        "curl.vrt": vrt(f"/vsicurl/{there}/a.tif"),
        "http.vrt": vrt(f"{there}/a.tif"),
        "zip.vrt": vrt(f"/vsizip//vsicurl/{there}/a.zip/a.tif"),
        "nest.vrt": vrt(f"&lt;GDAL_WMS&gt;&lt;Service name='TMS'&gt;&lt;ServerUrl&gt;{there}/x&lt;/ServerUrl&gt;"),
        "wms.tif": f'<GDAL_WMS><Service name="TMS"><ServerUrl>{there}/${{z}}</ServerUrl></Service></GDAL_WMS>'.encode(),
        "wfs.gml": f"<OGRWFSDataSource><URL>{there}/wfs</URL></OGRWFSDataSource>".encode(),
        "ogr.json": f"<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>{there}/a.json</SrcDataSource>".encode(),
        "dtd.vrt": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + vrt("&x;"),
        "json.tif": f'{{"type": "GDALG", "command_line": "gdal raster read {there}/a.tif"}}'.encode(),
    }
    for name, content in hostile.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError):
            open_terrain(tmp_path / name)
        findings = Findings(name)
        assert len(read_features(tmp_path / name, findings).shapes) == 0
        assert findings.problems
    for text in (f"/vsicurl/{there}/a.tif", f"{there}/a.tif", f"WMS:{there}/", "/vsistdin/", "/dev/zero"):
        with pytest.raises(InputError):
            check_raster_file(Path(text))
        with pytest.raises(InputError):
            check_vector_file(Path(text))
    assert witness.asked == []


@pytest.mark.parametrize(
    ("source", "extra", "band"),
    [
        ("../a.tif", "", ""), ("/etc/hostname", "", ""), ("sub/../../a.tif", "", ""),
        ("a.tif", "<PixelFunctionLanguage>Python</PixelFunctionLanguage>", ' subClass="VRTDerivedRasterBand"'),
        ("a.tif", "<PixelFunctionCode>import os</PixelFunctionCode>", ""),
        ("a.tif", "<ImageOffset>0</ImageOffset>", ' subClass="VRTRawRasterBand"'),
        ("loop.vrt", "", ""),
    ],
)  # fmt: skip
def test_a_virtual_raster_that_leads_out_or_runs_code_is_refused(
    tmp_path: Path, source: str, extra: str, band: str
) -> None:
    tile(tmp_path / "a.tif")
    (tmp_path / "in").mkdir()
    tile(tmp_path / "in" / "a.tif")
    (tmp_path / "in" / "loop.vrt").write_bytes(vrt(source, extra, band))
    with pytest.raises(InputError):
        open_terrain(tmp_path / "in" / "loop.vrt")


def test_a_virtual_raster_of_tiles_beside_it_is_read(tmp_path: Path) -> None:
    tile(tmp_path / "a.tif")
    (tmp_path / "all.vrt").write_bytes(vrt("a.tif"))
    assert open_terrain(tmp_path / "all.vrt").window(70.1, 29.7, 70.2, 29.9).value.max() == 1.0


def test_a_header_that_claims_too_much_is_refused_before_it_is_allocated(tmp_path: Path) -> None:
    fine = Affine(1e-5, 0, 70, 0, -1e-5, 30)
    huge = {"SPARSE_OK": True, "BIGTIFF": "YES", "tiled": True, "transform": fine}
    wide = tile(tmp_path / "wide.tif", **huge, width=2_000_000, height=2_000_000, blockxsize=4096, blockysize=4096)
    thick = tile(tmp_path / "thick.tif", **huge, width=40_000, height=40_000, blockxsize=32_768, blockysize=16_384)
    tracemalloc.start()
    try:
        for path, what in ((wide, "2,000,000 x 2,000,000"), (thick, "read whole")):
            with pytest.raises(InputError, match=what):
                open_terrain(path)
            with pytest.raises(InputError, match=what), opened_raster(path):
                pass
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_a_gzip_bomb_of_orbits_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with gzip.open(path, "wb") as file:
        file.write(bytes(16 << 20))
    refused(path, tmp_path)
