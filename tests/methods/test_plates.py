"""Plates: grammar, look-alikes, which text is the plate, and the vote of frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.methods.plates import Reading, TextBox, best_reading, fitted, plate_characters, vote

SHAPES = ("AAA999", "AAA9999", "AA9999")


def box(text: str, confidence: float = 0.9, x: float = 0.0, y: float = 0.0, width: float = 100.0) -> TextBox:
    return TextBox(text, confidence, (x, y, x + width, y + 30.0))


def reading(text: str, confidence: float = 0.9) -> Reading:
    return Reading(text, confidence, (0, 0, 1, 1), is_known_shape=True)


@pytest.mark.parametrize(
    ("text", "plate"),
    [("abc-123", "ABC123"), ("A8C 12O", "ABC120"), ("0AB-1234", "OAB1234"), ("LE 4821", "LE4821")],
)
def test_look_alikes_are_exchanged_where_the_shape_wants_the_other_kind(text: str, plate: str) -> None:
    found = best_reading([box(text)], SHAPES)
    assert found is not None
    assert (found.text, found.is_known_shape) == (plate, True)


def test_a_sign_without_a_digit_is_no_plate() -> None:
    assert best_reading([box("TOLL PLAZA"), box("WELCOME")], SHAPES) is None


def test_a_text_of_a_known_shape_goes_before_a_surer_one_of_none() -> None:
    found = best_reading([box("1234567", 0.99, y=200), box("ABC123", 0.7)], SHAPES)
    assert found is not None
    assert found.text == "ABC123"


def test_two_texts_side_by_side_are_one_plate() -> None:
    found = best_reading([box("LEA", x=0, width=80), box("1234", x=100, width=90)], SHAPES)
    assert found is not None
    assert found.text == "LEA1234"


def test_texts_on_two_lines_are_not_joined() -> None:
    found = best_reading([box("LEA", y=0), box("1234", y=300)], SHAPES)
    assert found is not None
    assert found.text == "1234"


def test_exchanged_look_alikes_cost_confidence() -> None:
    right, wrong = best_reading([box("ABC123")], SHAPES), best_reading([box("A8C123")], SHAPES)
    assert right is not None
    assert wrong is not None
    assert wrong.confidence < right.confidence


def test_the_majority_of_confidence_wins_the_vote() -> None:
    found = vote([reading("ABC123"), reading("ABC123", 0.7), reading("A8C123", 0.5), None])
    assert (found.text, found.n_frames, found.n_agreeing) == ("ABC123", 4, 2)


def test_a_passage_that_frames_disagree_on_waits_for_a_person() -> None:
    assert vote([reading("ABC123"), reading("ABD123")]).reason == "frames disagree"
    assert vote([None, None]).reason == "no plate seen"
    assert vote([]).text is None
    assert vote([reading("ABC123", 0.3)]).reason == "too faint"


@given(st.lists(st.sampled_from(["ABC123", "ABC124", "XYZ999"]), min_size=1, max_size=8), st.randoms())
def test_the_order_of_frames_does_not_matter(texts: list[str], random: object) -> None:
    frames = [reading(text, 0.5 + 0.05 * k) for k, text in enumerate(sorted(texts))]
    mixed = list(frames)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert vote(frames).text == vote(mixed).text


@given(st.text(max_size=30))
def test_any_text_gives_capital_letters_and_digits_alone(text: str) -> None:
    found = plate_characters(text)
    assert all(sign.isascii() and (sign.isupper() or sign.isdigit()) for sign in found)
    assert fitted(found, SHAPES) is None or len(found) in {6, 7}
