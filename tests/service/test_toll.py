"""The toll reference from frames to totals, with plates drawn for the test and a real reader where it is installed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from rahdari.errors import InputError
from rahdari.faces.cli.main import app
from rahdari.service.toll import TollRequest, read_plates, toll_read

if TYPE_CHECKING:
    from pathlib import Path

try:  # the reader is an extra, and its image library needs libraries of the system
    import cv2
    import rapidocr_onnxruntime  # noqa: F401
except ImportError:
    cv2 = None
needs_reader = pytest.mark.skipif(cv2 is None, reason="no plate reader is installed (the extra 'plates')")
PLATES = {"m2_1_20261123T080000Z": "ABC 123", "m2_1_20261123T080010Z": "LEA 4821"}


def frame(text: str, *, blur: int = 0, shift: int = 0) -> Any:  # noqa: ANN401  # an image
    image = np.full((480, 800, 3), 90, np.uint8)
    cv2.putText(image, "TOLL PLAZA", (40, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (80, 200, 200), 2)
    cv2.rectangle(image, (200 + shift, 260), (600 + shift, 360), (235, 240, 240), -1)
    cv2.putText(image, text, (225 + shift, 330), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (20, 20, 20), 5)
    return cv2.GaussianBlur(image, (blur, blur), 0) if blur else image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "frames"
    made.mkdir()
    for stem, text in PLATES.items():
        for k in range(3):
            cv2.imwrite(str(made / f"{stem}_{k}.jpg"), frame(text, blur=3, shift=4 * k))
    cv2.imwrite(str(made / "m2_1_20261123T080020Z_0.jpg"), np.full((480, 800, 3), 90, np.uint8))
    return made


@needs_reader
def test_a_folder_is_read_voted_and_booked_once_however_often_it_is_read(folder: Path, tmp_path: Path) -> None:
    request = TollRequest(frames=folder, ledger=tmp_path / "toll.sqlite3", toll_pkr=250.0)
    first = toll_read(request, now_s=1_795_000_000.0)
    assert (first.n_passages, first.n_new, first.n_booked, first.n_to_review) == (3, 3, 2, 1)
    assert first.totals["booked"] == {"n_passages": 2, "toll_pkr": 500.0}
    assert first.review[0]["reason"] == "no plate seen"
    again = toll_read(request, now_s=1_795_000_000.0)
    assert (again.n_new, again.n_frames, again.totals) == (0, 0, first.totals)


@needs_reader
def test_plates_are_read_with_confidence_and_box(folder: Path) -> None:
    paths = sorted(folder.glob("*_0.jpg"))
    found = read_plates(paths, ("AAA999", "AAA9999"))
    assert [text for text, _, _ in found] == ["ABC123", "LEA4821", ""]
    assert found[0][1] > 0.6
    assert found[0][2] is not None
    assert 150 < found[0][2][0] < 300


@needs_reader
def test_a_damaged_frame_is_one_vote_less_and_told(folder: Path, tmp_path: Path) -> None:
    (folder / "m2_1_20261123T080000Z_0.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    found = toll_read(TollRequest(frames=folder, ledger=tmp_path / "toll.sqlite3"), now_s=1_795_000_000.0)
    assert found.n_booked == 2
    assert any("080000Z_0.jpg" in text for text in found.warnings)


@needs_reader
def test_a_plate_in_another_script_waits_for_a_person(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    cv2.imwrite(str(frames / "one.png"), frame("....."))
    found = toll_read(TollRequest(frames=frames, ledger=tmp_path / "toll.sqlite3"), now_s=1.0)
    assert (found.n_booked, found.n_to_review) == (0, 1)


@needs_reader
def test_the_list_says_what_the_names_do_not(folder: Path, tmp_path: Path) -> None:
    for k, path in enumerate(sorted(folder.glob("m2_1_20261123T080000Z_*.jpg"))):
        path.rename(folder / f"IMG{k}.jpg")
    rows = [f"IMG{k}.jpg,p-77,m1-south,2,2026-11-23T08:00:00Z,truck,990.50" for k in range(3)]
    header = "file,passage_id,gantry_id,lane,at_utc,vehicle_class,toll_pkr"
    (folder / "passages.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    found = toll_read(TollRequest(frames=folder, ledger=tmp_path / "toll.sqlite3"), now_s=1_795_000_000.0)
    assert found.totals["booked"]["toll_pkr"] == 990.5


def test_every_wrong_row_of_the_list_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    rows = "file,passage_id,at_utc,toll_pkr\na.jpg,p1,yesterday,1\na.jpg,p2,2026-11-23,-4\n"
    (tmp_path / "passages.csv").write_text(rows, encoding="utf-8")
    with pytest.raises(InputError) as error:
        toll_read(TollRequest(frames=tmp_path, ledger=tmp_path / "toll.sqlite3"))
    assert [problem.row for problem in error.value.problems] == [2, 3]


def test_a_folder_without_images_is_refused_by_the_command(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["toll", "read", str(tmp_path), "--ledger", str(tmp_path / "l"), "--json"])
    assert answer.exit_code == 2
    assert "holds no image" in json.loads(answer.stdout)["errors"][0]["what"]


@needs_reader
def test_a_person_settles_what_could_not_be_read(folder: Path, tmp_path: Path) -> None:
    ledger = str(tmp_path / "toll.sqlite3")
    runner = CliRunner()
    assert runner.invoke(app, ["toll", "read", str(folder), "--ledger", ledger, "--retention", "3650"]).exit_code == 0
    decide = ["toll", "decide", "m2_1_20261123T080020Z", "booked", "--who", "clerk", "--ledger", ledger, "--json"]
    assert "nobody has read" in json.loads(runner.invoke(app, decide).stdout)["errors"][0]["what"]
    done = json.loads(runner.invoke(app, [*decide, "--plate", "xyz-999"]).stdout)
    assert done["result"]["totals"]["booked"]["n_passages"] == 3
