"""The toll reference: frames of a gantry are read, the frames of a passage vote, the passage is booked once."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rahdari.errors import CancelledError, InputError, PlanError, Problem, raise_if_any
from rahdari.methods.plates import Reading, TextBox, Vote, best_reading, vote
from rahdari.model.params import Params
from rahdari.store.toll_ledger import Passage, PlateKeys, TollLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
LIST = "passages.csv"
LIST_COLUMNS = ("file", "passage_id")
#: ``GANTRY_LANE_20261123T084500Z_2.jpg``: the second frame of a passage.
NAME = re.compile(r"^(?P<passage>(?P<gantry>[^_]+)_(?P<lane>[^_]+)_(?P<at>\d{8}T\d{6}Z))(?:_\d+)?$")
MOST_PIXELS = 60_000_000
CUT_OUT_PIXELS = 640  # an image no wider or higher is taken for a plate cut out
MOST_BYTES = 50_000_000
PAISA = 100
PRIVACY = "Plates are in the ledger as keyed hashes only; no face is looked for anywhere."
DEMONSTRATION = "The reader is a demonstration, not billing: unread plates wait for a person."
#: Shapes of plates of Pakistan's provinces and of the capital, letters A and digits 9 (assumed from plates in use).
SHAPES = ("AAA999", "AAA9999", "AA9999", "AAA99999", "AAA999999", "AA999", "A9999", "AAAA999")


class TollRequest(Params):
    """Read a folder of frames into a ledger."""

    frames: Path = Field(description="Folder of images, or one image")
    ledger: Path = Field(description="SQLite file of the ledger; made where there is none")
    toll_pkr: float = Field(0.0, ge=0.0, le=1e6, description="Toll of a passage where the list states none, PKR")
    shapes: tuple[str, ...] = Field(SHAPES, description="Shapes of plates, A a letter, 9 a digit; none: any")
    retention_days: float = Field(
        90.0, ge=1.0, le=3650.0, description="After so many days plates and frames are erased"
    )


class TollResponse(Params):
    """What was read and booked."""

    n_frames: int
    n_passages: int
    n_new: int
    n_booked: int
    n_to_review: int
    seconds_per_frame: float
    seconds_per_passage: float
    mbps_of_frames: float
    forgotten: int
    totals: dict[str, dict[str, float]]
    review: list[dict[str, Any]]
    warnings: list[str]


def _engine() -> Any:  # noqa: ANN401  # an optional package without types
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ImportError as error:
        cure = "install the extra 'plates': pip install 'rahdari[plates]' (and libgl1 where it is missing)"
        raise InputError(Problem(f"no plate reader is installed: {error}", cure)) from error
    whole = RapidOCR(intra_op_num_threads=1)  # one thread: half the processor time of one a core
    # By itself the reader blows small images up: a plate cut out would cost as much as a whole frame.
    cut = RapidOCR(intra_op_num_threads=1, det_limit_type="max", det_limit_side_len=CUT_OUT_PIXELS)

    def read(image: Any) -> Any:  # noqa: ANN401  # an array; what the reader returns
        return (cut if max(image.shape[:2]) <= CUT_OUT_PIXELS else whole)(image)

    return read


def _pixels(source: object) -> Any:  # noqa: ANN401  # an array of the reader
    """Return an image as an array; :class:`InputError` where it is none, or larger than is sane."""
    import cv2
    import numpy as np

    if not isinstance(source, (str, Path)):
        return np.asarray(source)
    path = Path(source)
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise InputError(Problem("is no image, or larger than 50 MB", "give a photograph", str(path)))
    raw = np.frombuffer(path.read_bytes(), np.uint8)
    try:
        made = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
    except cv2.error as error:
        raise InputError(Problem(f"is damaged or too large: {error}", "send the frame again", str(path))) from error
    if made is None or made.shape[0] * made.shape[1] > MOST_PIXELS:
        raise InputError(Problem("is no image that can be read, or damaged", "send the frame again", str(path)))
    return made


def read_frame(engine: Any, image: object, shapes: Sequence[str] = ()) -> Reading | None:  # noqa: ANN401
    """Return the plate that the reader finds in one image, or None."""
    found, _ = engine(_pixels(image))
    boxes = []
    for corners, text, confidence in found or ():
        across, down = [float(x) for x, _ in corners], [float(y) for _, y in corners]
        boxes.append(TextBox(str(text), float(confidence), (min(across), min(down), max(across), max(down))))
    return best_reading(boxes, shapes)


def read_plates(
    images: Iterable[object], shapes: Sequence[str] = ()
) -> list[tuple[str, float, tuple[float, float, float, float] | None]]:
    """Return text, confidence (0 to 1) and box of the likeliest plate of each image, in order; '' where none is seen.

    ``images`` are paths, or arrays (rows, columns, 3) of bytes in blue, green, red.  ``shapes`` such as ``AAA999``
    say how plates look; without them any 4 to 9 letters and digits are one.  It works offline, with the model inside
    the extra ``plates``: a demonstration, not billing.  :class:`InputError` names every image that cannot be read.
    """
    engine, problems = _engine(), list[Problem]()
    found: list[tuple[str, float, tuple[float, float, float, float] | None]] = []
    for image in images:
        try:
            reading = read_frame(engine, image, shapes)
        except InputError as error:
            problems.extend(error.problems)
            continue
        found.append((reading.text, reading.confidence, reading.box) if reading else ("", 0.0, None))
    raise_if_any(problems)
    return found


class _Told(Params):
    """What is known of a passage before its frames are read."""

    passage_id: str
    gantry_id: str
    lane: str
    at_s: float
    vehicle_class: str
    toll_paisa: int


def _time_s(text: str) -> float | None:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or dt.UTC).timestamp()


def _of_name(path: Path, toll_paisa: int) -> _Told:
    """Return what a frame's name says; a name that says nothing is a passage of its own, at the file's time."""
    match = NAME.match(path.stem)
    at_s = _time_s(match["at"]) if match else None
    if match is None or at_s is None:
        return _Told(
            passage_id=path.stem, gantry_id="unnamed", lane="0", at_s=float(int(path.stat().st_mtime)),
            vehicle_class="car", toll_paisa=toll_paisa,
        )  # fmt: skip
    return _Told(
        passage_id=match["passage"], gantry_id=match["gantry"], lane=match["lane"], at_s=at_s, vehicle_class="car",
        toll_paisa=toll_paisa,
    )  # fmt: skip


def _listed(path: Path, toll_paisa: int) -> dict[str, _Told]:
    """Return what the list of passages says of each file; :class:`InputError` with every wrong row."""
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    found, problems = {}, []
    if rows and not set(LIST_COLUMNS) <= set(rows[0]):
        raise InputError(Problem(f"lacks columns {', '.join(LIST_COLUMNS)}", "add them", str(path)))
    for number, row in enumerate(rows, start=2):
        at_s = _time_s(row.get("at_utc") or "1970-01-01")
        try:
            paisa = round(float(row["toll_pkr"]) * PAISA) if row.get("toll_pkr") else toll_paisa
        except ValueError:
            paisa = -1
        if at_s is None or paisa < 0 or not row["file"] or not row["passage_id"]:
            cure = "give file, passage_id, at_utc as 2026-11-23T08:45:00Z and toll_pkr from 0"
            problems.append(Problem("a value is missing or wrong", cure, str(path), row=number))
            continue
        found[row["file"]] = _Told(
            passage_id=row["passage_id"], gantry_id=row.get("gantry_id") or "unnamed", lane=row.get("lane") or "0",
            at_s=at_s, vehicle_class=row.get("vehicle_class") or "car", toll_paisa=paisa,
        )  # fmt: skip
    raise_if_any(problems)
    return found


def _passages(request: TollRequest) -> list[tuple[_Told, list[Path]]]:
    """Return the passages of a folder with their frames, in order of time and number."""
    folder = request.frames
    if not folder.exists():
        raise InputError(Problem("is not there", "give a folder of images", str(folder)))
    files = sorted(p for p in (folder.iterdir() if folder.is_dir() else [folder]) if p.suffix.lower() in IMAGES)
    if not files:
        raise InputError(Problem("holds no image", f"give a folder of {', '.join(IMAGES)}", str(folder)))
    paisa = round(request.toll_pkr * PAISA)
    listed = _listed(folder / LIST, paisa) if folder.is_dir() and (folder / LIST).is_file() else {}
    groups: dict[str, tuple[_Told, list[Path]]] = {}
    for path in files:
        told = listed.get(path.name) or _of_name(path, paisa)
        groups.setdefault(told.passage_id, (told, []))[1].append(path)
    return sorted(groups.values(), key=lambda each: (each[0].at_s, each[0].passage_id))


def _read(
    engine: Any, files: Sequence[Path], shapes: Sequence[str], warnings: list[str]  # noqa: ANN401
) -> Vote:  # fmt: skip
    readings: list[Reading | None] = []
    for path in files:
        try:
            readings.append(read_frame(engine, path, shapes))
        except InputError as error:  # a damaged frame is one vote less; the passage is not lost
            warnings.append(str(error))
            readings.append(None)
    return vote(readings)


def toll_read(
    request: TollRequest,
    on_progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    now_s: float | None = None,
) -> TollResponse:
    """Read a folder of frames into a ledger: each passage once, however often the folder is read.

    Passages that the ledger already has are not read again.  Raises :class:`InputError` for a folder without images,
    a wrong list, or where no reader is installed; :class:`CancelledError` when stopped, with all booked kept.
    """
    passages = _passages(request)
    keys = PlateKeys(request.ledger.with_name(request.ledger.name + ".keys"))
    request.ledger.parent.mkdir(parents=True, exist_ok=True)
    engine: Any = None
    warnings: list[str] = []
    n_new = n_frames = n_bytes = 0
    start = time.perf_counter()
    with TollLedger(request.ledger, keys=keys) as ledger:
        held = ledger.known([told.passage_id for told, _ in passages])
        for number, (told, files) in enumerate(passages, start=1):
            if cancel is not None and cancel():
                raise CancelledError(Problem("stopped on request", "run it again: what is booked stays booked"))
            if told.passage_id in held:
                continue
            engine = engine or _engine()
            found = _read(engine, files, request.shapes, warnings)
            n_new += ledger.record(Passage(
                told.passage_id, told.gantry_id, told.lane, told.at_s, found.text, found.confidence,
                told.vehicle_class, told.toll_paisa, found.reason, tuple(path.name for path in files),
            ))  # fmt: skip
            n_frames, n_bytes = n_frames + len(files), n_bytes + sum(path.stat().st_size for path in files)
            if on_progress is not None:
                on_progress(number, len(passages), told.passage_id)
        spent_s = time.perf_counter() - start
        forgotten = ledger.forget((time.time() if now_s is None else now_s) - request.retention_days * 86_400.0)
        totals, review = ledger.totals(), ledger.in_state("to_review")
    return TollResponse(
        n_frames=n_frames, n_passages=len(passages), n_new=n_new, n_booked=totals.get("booked", (0, 0))[0],
        n_to_review=len(review), seconds_per_frame=spent_s / max(n_frames, 1),
        seconds_per_passage=spent_s / max(n_new, 1), mbps_of_frames=8e-6 * n_bytes / spent_s,
        forgotten=forgotten,
        totals={state: {"n_passages": n, "toll_pkr": paisa / PAISA} for state, (n, paisa) in totals.items()},
        review=[
            {"passage_id": each.passage_id, "reason": each.reason, "frames": list(each.frames)} for each in review
        ],
        warnings=[*warnings, PRIVACY, DEMONSTRATION],
    )  # fmt: skip


class DecideRequest(Params):
    """A person's word on one passage."""

    ledger: Path = Field(description="SQLite file of the ledger")
    passage: str = Field(min_length=1, description="Number of the passage")
    state: str = Field(description="booked, disputed or void")
    who: str = Field(min_length=1, description="Who decides")
    why: str = Field("", description="Why")
    plate: str | None = Field(None, description="The plate as read on the frames")


class DecideResponse(Params):
    """The totals afterwards."""

    passage: str
    state: str
    totals: dict[str, dict[str, float]]


def toll_decide(request: DecideRequest) -> DecideResponse:
    """Settle a passage; :class:`InputError` for one that is not there or whose plate nobody has read."""
    from rahdari.methods.plates import plate_characters

    if not request.ledger.is_file():
        raise PlanError(Problem("there is no such ledger", "read frames into it first", str(request.ledger)))
    plate = plate_characters(request.plate) if request.plate else None
    with TollLedger(request.ledger) as ledger:
        ledger.decide(
            request.passage, request.state, who=request.who, why=request.why, at_s=time.time(), plate=plate
        )  # fmt: skip
        totals = ledger.totals()
    made = {state: {"n_passages": n, "toll_pkr": paisa / PAISA} for state, (n, paisa) in totals.items()}
    return DecideResponse(passage=request.passage, state=request.state, totals=made)


__all__ = [
    "DecideRequest", "DecideResponse", "TollRequest", "TollResponse", "read_frame", "read_plates", "toll_decide",
    "toll_read",
]  # fmt: skip
