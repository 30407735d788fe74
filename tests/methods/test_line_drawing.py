from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.line_drawing import Curve, Drawn, Labels, line_svg, line_text

LABELS = Labels("A <road>", "ratio", "degrees", "fails", "rough")
SPACE = "{http://www.w3.org/2000/svg}"


def drawn(n: int = 2001) -> Drawn:
    km = np.linspace(0.0, 100.0, n)
    high = np.ones(n)
    high[n // 2] = 9.0  # one point between two columns
    curves = (
        Curve("low", "#000000", is_dashed=True, value=np.ones(n)),
        Curve("high", "#0000ff", is_dashed=False, value=high),
    )
    return Drawn(km, curves, np.abs(km - 50.0), ((20.0, 30.0),), ((5.0, "Start & Co"), (6.0, "Too near")))


def test_the_drawing_is_sound_xml_and_names_are_escaped() -> None:
    root = ET.fromstring(line_svg(drawn(), LABELS))  # noqa: S314  # our own text
    words = [text.text or "" for text in root.iter(f"{SPACE}text")]
    assert "A <road>" in words
    assert "Start & Co" in words
    assert "Too near" not in words
    assert any("rough" in word for word in words)


def test_a_marked_stretch_is_as_wide_as_it_is_long() -> None:
    root = ET.fromstring(line_svg(drawn(), LABELS))  # noqa: S314  # our own text
    bands = [band for band in root.iter(f"{SPACE}rect") if band.get("fill-opacity") == "0.10"]
    curve = next(iter(root.iter(f"{SPACE}polyline"))).get("points", "").split()
    first, last = (float(curve[end].split(",")[0]) for end in (0, -1))
    assert [float(band.get("width", "0")) for band in bands] == pytest.approx([0.1 * (last - first)], rel=0.01)


def test_a_single_high_point_survives_thinning() -> None:
    curve = list(ET.fromstring(line_svg(drawn(), LABELS)).iter(f"{SPACE}polyline"))[1]  # noqa: S314  # our own text
    level = [float(pair.split(",")[1]) for pair in curve.get("points", "").split()]
    assert len(level) == 800
    assert min(level) < 0.5 * np.median(level)


def test_plain_characters_show_curves_and_marks() -> None:
    lines = line_text(drawn(), (".", "#"), n_columns=50, n_rows=10).splitlines()
    assert len(lines) == 12
    assert sum(line.count("#") for line in lines[:10]) == 50
    marks = lines[10].split("|")[1]
    assert (marks.index("!"), marks.rindex("!")) == (10, 14)


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to draw"):
        line_svg(drawn(1), LABELS)
    with pytest.raises(InputError, match="nothing to draw"):
        line_text(drawn(1), (".", "#"))
