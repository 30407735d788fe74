"""What a file from outside may be: caps that are checked before anything is allocated, and forms that are refused.

One place for all readers.  A file is judged by its bytes, not by its name: archives without links, ways out, doubles or
bombs; XML without a document type; JSON of bearable depth; arrays of numbers only; rasters by their header; no format
that makes GDAL fetch from a network or run code.  There is no reader of YAML and none of pickles.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import re
import shutil
import stat
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from xml.parsers import expat  # a document type is refused, so no entity can be declared

import numpy as np
import orjson

from rahdari.errors import InputError, Problem, RahdariError, raise_if_any
from rahdari.store.atomic import writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from numpy.typing import NDArray

MIB = 1 << 20
GZIP = b"\x1f\x8b"
TAR_BLOCK, TAR_BASE_256, TAR_EXTRA = 512, 0x80, (b"x", b"g", b"X", b"L", b"K")
HEAD_BYTES = 4096
BLOCK_BYTES = 1 << 20
WINDOWS_NAMES = {"con", "prn", "aux", "nul", *(f"{name}{k}" for name in ("com", "lpt") for k in range(1, 10))}
ITEM_LIMIT = "take it apart, or give a smaller file"
#: Formats by which GDAL fetches from elsewhere, runs code, or opens what a text names.
NETWORK_XML = (
    b"<GDAL_WMS", b"<GDAL_WMTS", b"<WCS_GDAL", b"<OGRWFSDataSource", b"<OGRVRTDataSource", b"<OGCAPI", b"<VRTDataset",
    b"<WMS_Capabilities", b"<WMT_MS_Capabilities", b"<Capabilities",
)  # fmt: skip
VRT_ROOT = b"<VRTDataset"
#: What a virtual raster may be made of: nothing that runs, fetches, or reads bytes as it likes.
VRT_REFUSED = (
    "PixelFunctionType", "PixelFunctionCode", "PixelFunctionLanguage", "PixelFunctionArguments", "OpenOptions",
    "GDALWarpOptions", "ImageOffset", "Group", "Array",
)  # fmt: skip
VRT_NAMES = ("SourceFilename", "SourceDataset", "SourceFileName")
MAX_VRT_BYTES, MAX_VRT_DEPTH = 16 * MIB, 3
#: Rasters that are read; everything else GDAL knows stays shut.
RASTER_DRIVERS = ("GTiff", "COG", "SRTMHGT", "VRT", "DTED", "HFA", "AAIGrid", "ENVI", "EHdr")
#: Whatever still gets to a network driver ends at a door where nobody is; code in virtual rasters is not run.
GDAL_SHUT = {
    "GDAL_HTTP_PROXY": "127.0.0.1:9", "GDAL_HTTPS_PROXY": "127.0.0.1:9", "GDAL_HTTP_TIMEOUT": "1",
    "GDAL_HTTP_CONNECTTIMEOUT": "1", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}", "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_VRT_ENABLE_RAWRASTERBAND": "NO", "OGR_SQLITE_LOAD_EXTENSIONS": "", "GML_DOWNLOAD_SCHEMA": "NO",
    "GML_SKIP_RESOLVE_ELEMS": "ALL", "GDAL_ENABLE_WMS_CACHE": "NO", "LIBKML_RESOLVE_STYLE": "NO",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caps:
    """How much a file may be."""

    n_bytes: int = 4 << 30
    n_files: int = 10_000
    unpacked_bytes: int = 8 << 30
    ratio: float = 200.0  # deflate itself reaches some 1,000; text and tables reach 20
    ratio_from_bytes: int = 16 * MIB  # smaller contents harm nobody
    name_letters: int = 240
    json_bytes: int = 256 * MIB
    json_depth: int = 64
    xml_bytes: int = 64 * MIB
    xml_depth: int = 64
    pixels: int = 20_000_000_000
    block_bytes: int = 512 * MIB  # of one tile or strip, which is read whole
    bands: int = 64
    array_bytes: int = 2 << 30


CAPS = Caps()
WINDOWED = Caps(pixels=10**12)  # of rasters of which only a part is read, whose size is checked again


def _refused(path: Path | str, what: str, cure: str = ITEM_LIMIT) -> InputError:
    return InputError(Problem(what, cure, Path(path).name))


def head_of(path: Path, n_bytes: int = HEAD_BYTES) -> bytes:
    """Return a file's first bytes; :class:`InputError` where it is no plain file or cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _refused(path, "is no plain file", "give a file")
        with path.open("rb") as file:
            return file.read(n_bytes)
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror or error}", "correct path or rights") from error


def read_capped(path: Path, n_bytes: int) -> bytes:
    """Return a file's bytes, at most ``n_bytes``; a longer one raises :class:`InputError` and is not read on."""
    head_of(path, 1)
    with path.open("rb") as file:
        content = file.read(n_bytes + 1)
    if len(content) > n_bytes:
        raise _refused(path, f"holds more than {n_bytes / MIB:,.0f} MiB")
    return content


# -- JSON and XML -----------------------------------------------------------------------------------------------------
def json_depth(content: bytes) -> int:
    r"""Return how deep lists and objects lie within each other.

    >>> json_depth(b'{"a": [1, "]]\\"[[", {}]}')
    3
    """
    plain = np.frombuffer(content.replace(b"\\\\", b"  ").replace(b'\\"', b"  "), np.uint8)
    is_inside = np.cumsum(plain == ord('"')) % 2 == 1
    step = np.isin(plain, (ord("["), ord("{"))).astype(np.int8) - np.isin(plain, (ord("]"), ord("}"))).astype(np.int8)
    depth = np.cumsum(np.where(is_inside, 0, step), dtype=np.int64)
    return int(depth.max(initial=0))


def parse_json(content: bytes, name: str, caps: Caps = CAPS) -> Any:  # noqa: ANN401  # plain JSON
    """Return what JSON holds; :class:`InputError` where it is too long, too deep, or none."""
    if len(content) > caps.json_bytes:
        raise _refused(name, f"holds more than {caps.json_bytes / MIB:,.0f} MiB of JSON")
    depth = json_depth(content)
    if depth > caps.json_depth:
        raise _refused(name, f"its JSON lies {depth:,} deep, more than {caps.json_depth}", "give a plain file")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        what = f"the file is no JSON: {error.msg}"
        raise InputError(Problem(what, "save it whole; it may be cut short", name, error.lineno)) from error


def read_json(path: Path, caps: Caps = CAPS) -> Any:  # noqa: ANN401  # plain JSON
    """Return what a JSON file holds; see :func:`parse_json`."""
    return parse_json(read_capped(path, caps.json_bytes), path.name, caps)


def check_xml(content: bytes, name: str, caps: Caps = CAPS) -> None:
    """Raise :class:`InputError` for XML with a document type or entities, too long, too deep, or broken."""
    if len(content) > caps.xml_bytes:
        raise _refused(name, f"holds more than {caps.xml_bytes / MIB:,.0f} MiB of XML")
    parser = expat.ParserCreate()
    depth = 0

    def start(_tag: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > caps.xml_depth:
            raise _refused(name, f"its elements lie more than {caps.xml_depth} deep", "give a plain file")

    def end(_tag: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: Any) -> Any:  # noqa: ANN401  # as expat calls it
        what = "declares a document type, which can hold entities"
        raise InputError(Problem(what, "remove the DOCTYPE", name, parser.CurrentLineNumber))

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise _refused(name, f"is no XML that can be read: {error}", "save it whole, in UTF-8") from error


# -- archives ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive: its name within, and its size."""

    name: str
    n_bytes: int


def unpack(path: Path, folder: Path, caps: Caps = CAPS) -> list[Member]:
    """Unpack a zip or tar archive (plain or gzip) into a new folder and return its files.

    Nothing is written unless all names are sound, and nothing stays of an archive that is not; :class:`InputError`
    tells everything that is wrong.  What is unpacked is counted as it comes, whatever the archive says of itself.
    """
    read_head = head_of(path)
    if folder.exists():
        raise _refused(folder, "is there already", "unpack into a new folder")
    if path.stat().st_size > caps.n_bytes:
        raise _refused(path, f"holds more than {caps.n_bytes / MIB:,.0f} MiB")
    try:
        if read_head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return _unzip(path, folder, caps)
        return _untar(path, folder, caps)
    except RahdariError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
    ) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _refused(path, f"is no archive that can be read: {error}", "give a whole zip or tar file") from error


def name_problem(name: str, caps: Caps = CAPS) -> str:
    """Return what is wrong with the name of a file in an archive, empty where nothing is."""
    parts = PurePosixPath(name).parts
    bare = name.rstrip("/")
    if not bare or name.startswith(("/", "\\", "~")) or re.match(r"^[A-Za-z]:", name):
        return "is an absolute name"
    if ".." in parts or "\\" in name or bare != "/".join(parts):
        return "leads out of its folder, or is not spelt plainly"
    if len(name) > caps.name_letters or any(unicodedata.category(each)[0] == "C" for each in name):
        return "is too long or holds control characters"
    if any(part.split(".")[0].lower() in WINDOWS_NAMES or part.endswith((" ", ".")) or ":" in part for part in parts):
        return "is the name of a device on some systems"
    return ""


def _check_names(path: Path, names: list[str], caps: Caps) -> None:
    problems = [
        Problem(f"'{name[:80]!a}' {wrong}", "pack it again without", path.name)
        for name in names
        if (wrong := name_problem(name, caps))
    ]
    folded: dict[str, str] = {}
    for name in names:
        # Case and forms of letters are one on some systems: one file would take another's place.
        key = unicodedata.normalize("NFKC", name.rstrip("/")).casefold()
        if key in folded:
            problems.append(Problem(f"'{name[:80]!a}' is there twice", "pack each file once", path.name))
        folded[key] = name
    if len(names) > caps.n_files:
        problems.append(Problem(f"holds {len(names):,} files, more than {caps.n_files:,}", ITEM_LIMIT, path.name))
    raise_if_any(problems[:20])


def _check_sizes(path: Path, packed: int, unpacked: int, caps: Caps) -> None:
    if unpacked > caps.unpacked_bytes:
        raise _refused(path, f"unpacks to more than {caps.unpacked_bytes / MIB:,.0f} MiB")
    if unpacked > caps.ratio_from_bytes and unpacked > caps.ratio * max(packed, 1):
        raise _refused(path, f"unpacks to more than {caps.ratio:g} times its size")


def _unzip(path: Path, folder: Path, caps: Caps) -> list[Member]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        _check_names(path, [info.filename for info in infos], caps)
        problems = [
            Problem(f"'{info.filename}' is {what}", "pack plain files alone", path.name)
            for info in infos
            if (what := _odd(info))
        ]
        raise_if_any(problems[:20])
        _check_sizes(path, path.stat().st_size, sum(info.file_size for info in infos), caps)
        _check_overlap(path, infos)
        made, left = [], caps.unpacked_bytes
        for info in infos:
            if info.is_dir():
                continue
            with archive.open(info) as stream:
                n_bytes = _copied(path, stream, folder / info.filename, min(left, info.file_size))
            left -= n_bytes
            made.append(Member(info.filename, n_bytes))
    return made


def _odd(info: zipfile.ZipInfo) -> str:
    """Return what is odd about an entry of a zip file, empty for plain files and folders."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "a link or device"
    if info.flag_bits & 0x1:
        return "encrypted"
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "packed in a way that is not read"
    return ""


def _check_overlap(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Raise :class:`InputError` where entries share bytes: the same bytes unpacked many times over are a bomb."""
    spans = sorted(
        (info.header_offset, info.header_offset + 30 + len(info.filename) + info.compress_size) for info in infos
    )
    for (_, end), (start, _) in itertools.pairwise(spans):
        if start < end:
            raise _refused(path, "has entries that overlap", "pack it again")


def _untar(path: Path, folder: Path, caps: Caps) -> list[Member]:
    with _plain_tar(path, caps) as plain, tarfile.open(fileobj=plain, mode="r:") as archive:
        members, packed, unpacked = [], path.stat().st_size, 0
        for member in archive:
            members.append(member)
            unpacked += member.size
            _check_sizes(path, packed, unpacked, caps)
            if len(members) > caps.n_files:
                raise _refused(path, f"holds more than {caps.n_files:,} files")
        _check_names(path, [member.name for member in members], caps)
        odd = [member.name for member in members if not (member.isreg() or member.isdir()) or member.issparse()]
        raise_if_any(
            [Problem(f"'{name}' is a link or device", "pack plain files alone", path.name) for name in odd[:20]]
        )
        made = []
        for member in members:
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is not None:
                made.append(Member(member.name, _copied(path, stream, folder / member.name, member.size)))
    return made


@contextlib.contextmanager
def _plain_tar(path: Path, caps: Caps) -> Iterator[IO[bytes]]:
    """Yield a tar archive unpacked into a file without a name; headers that are read into memory are small."""
    with tempfile.TemporaryFile() as plain:
        with gzip.open(path) if head_of(path, 2) == GZIP else path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                plain.write(block)
                _check_sizes(path, path.stat().st_size, plain.tell(), caps)
        end = plain.tell()
        at = 0
        while at + TAR_BLOCK <= end:
            plain.seek(at)
            head = plain.read(TAR_BLOCK)
            n_bytes = int(head[124:136].strip(b"\0 ") or b"0", 8) if head[124] < TAR_BASE_256 else end
            if head[156:157] in TAR_EXTRA and n_bytes > MIB:
                raise _refused(path, "has a header that is longer than 1 MiB", "pack it again")
            at += TAR_BLOCK + -(-n_bytes // TAR_BLOCK) * TAR_BLOCK
        plain.seek(0)
        yield plain


def _copied(path: Path, stream: IO[bytes], target: Path, most: int) -> int:
    """Write a stream to a new file, at most so many bytes; return how many."""
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        n_bytes = 0
        with target.open("xb") as file:
            while block := stream.read(BLOCK_BYTES):
                n_bytes += len(block)
                if n_bytes > most:
                    raise _refused(path, "unpacks to more than it says of itself", "pack it again")
                file.write(block)
    return n_bytes


# -- arrays -----------------------------------------------------------------------------------------------------------
def load_array(path: Path, caps: Caps = CAPS) -> NDArray[Any]:
    """Return an array of numbers from an ``.npy`` file; objects, and what is larger than the file, are refused."""
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
            n_bytes = int(np.prod([int(each) for each in shape], dtype=object)) * dtype.itemsize
            if dtype.hasobject or dtype.kind not in "biufc":
                raise _refused(path, f"holds {dtype}, not numbers", "save numbers alone")
            if n_bytes > min(caps.array_bytes, path.stat().st_size):
                raise _refused(path, f"says that it holds {n_bytes:,} bytes", "save it again")
        found: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, OverflowError) as error:
        raise _refused(path, f"is no array that can be read: {error}", "save it again") from error
    return found


# -- what GDAL opens --------------------------------------------------------------------------------------------------
def check_raster_file(path: Path, _depth: int = 0) -> None:
    """Raise :class:`InputError` for what no raster reader should open: addresses, services, files that lead out."""
    _check_plain_path(path)
    head = head_of(path)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if VRT_ROOT in head:
        _check_vrt(path, _depth)
    elif any(mark in head for mark in NETWORK_XML) or text.startswith((b"<", b"{")):
        raise _refused(path, "describes a service or another file, and is no raster", "give the raster itself")


def check_vector_file(path: Path) -> None:
    """Raise :class:`InputError` for what no reader of lines and points should open; XML must have no document type."""
    _check_plain_path(path)
    head = head_of(path)
    if any(mark in head for mark in NETWORK_XML):
        raise _refused(path, "describes a service or another file", "give the file itself")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        check_xml(read_capped(path, CAPS.xml_bytes), path.name)


def _check_plain_path(path: Path) -> None:
    text = str(path)
    if "/vsi" in text or "://" in text or text.startswith(("<", "{")) or not path.is_file():
        raise _refused(path, "is no file of this machine", "give the path of a file")


def _check_vrt(path: Path, depth: int) -> None:
    """Check a virtual raster: it may only name plain rasters in its own folder or below."""
    if depth >= MAX_VRT_DEPTH:
        raise _refused(path, f"names virtual rasters more than {MAX_VRT_DEPTH} deep", "give the rasters themselves")
    content = read_capped(path, MAX_VRT_BYTES)
    check_xml(content, path.name)
    here = path.resolve().parent
    for tag, attributes, text in _elements(content):
        if tag in VRT_REFUSED or (tag == "VRTRasterBand" and attributes.get("subClass") in REFUSED_BANDS):
            raise _refused(path, f"holds <{tag}>, which is not read", "make it anew with gdalbuildvrt")
        if tag in VRT_NAMES:
            named = Path(text.strip())
            target = (here / named).resolve()
            if not target.is_relative_to(here) or any(mark in text for mark in (":", "/vsi", "<", "?")):
                what = f"names '{text.strip()[:80]}', which does not lie beside it"
                raise _refused(path, what, "put the tiles beside it, with relative names")
            if target.is_file():
                check_raster_file(target, depth + 1)


REFUSED_BANDS = ("VRTDerivedRasterBand", "VRTRawRasterBand", "VRTWarpedRasterBand", "VRTPansharpenedRasterBand")


def _elements(content: bytes) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield name, attributes and own text of every element of XML that was checked."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    found: list[tuple[str, dict[str, str], list[str]]] = []
    stack: list[int] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        stack.append(len(found))
        found.append((tag, attributes, []))

    def end(_tag: str) -> None:
        stack.pop()

    def characters(data: str) -> None:
        found[stack[-1]][2].append(data)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    parser.Parse(content, True)
    return ((tag, attributes, "".join(text)) for tag, attributes, text in found)


@contextlib.contextmanager
def opened_raster(path: Path, caps: Caps = CAPS) -> Iterator[Any]:
    """Yield a raster opened by rasterio, from a plain local file whose header is bearable; ``RasterioError`` else."""
    import rasterio

    check_raster_file(path)
    with rasterio.Env(**GDAL_SHUT), rasterio.open(path) as file:
        if file.driver not in RASTER_DRIVERS:
            raise _refused(path, f"is a {file.driver} file, which is not read", "give a GeoTIFF, COG or .hgt file")
        raise_if_any(header_problems(file, path.name, caps))
        yield file


def shut_vector_reader(path: Path) -> None:
    """Check a file of lines and points, and shut the network drivers of the library that is to read it."""
    import pyogrio

    check_vector_file(path)
    pyogrio.set_gdal_config_options(dict(GDAL_SHUT))


def header_problems(file: Any, name: str, caps: Caps = CAPS) -> list[Problem]:  # noqa: ANN401  # a rasterio dataset
    """Return what the header of an open raster says that is too much to read; nothing has been allocated yet."""
    problems = []
    cells = int(file.width) * int(file.height)
    if cells > caps.pixels:
        what = f"says that it has {file.width:,} x {file.height:,} cells"
        problems.append(Problem(what, "cut it to the country, or give a coarser one", name))
    if file.count > caps.bands:
        problems.append(Problem(f"says that it has {file.count:,} bands", "give the one that is meant", name))
    for shape, kind in list(zip(file.block_shapes, file.dtypes, strict=True))[: caps.bands]:
        n_bytes = int(shape[0]) * int(shape[1]) * np.dtype(kind).itemsize if kind in np.sctypeDict else 0
        if n_bytes > caps.block_bytes:
            what = f"is stored in pieces of {shape[1]:,} x {shape[0]:,} cells, which have to be read whole"
            problems.append(Problem(what, "store it in tiles: 'gdal_translate -co TILED=YES'", name))
            break
    return problems


__all__ = [
    "CAPS", "GDAL_SHUT", "RASTER_DRIVERS", "WINDOWED", "Caps", "Member", "check_raster_file", "check_vector_file",
    "check_xml", "head_of", "header_problems", "json_depth", "load_array", "name_problem", "opened_raster",
    "parse_json", "read_capped", "read_json", "shut_vector_reader", "unpack",
]  # fmt: skip
