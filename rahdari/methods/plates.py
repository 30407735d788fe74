"""Number plates: which text of an image is a plate, what grammar makes of it, and the vote of several frames."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FEWEST, MOST = 4, 9  # characters of a plate, as plates of the world have them
SAME_LINE = 0.5  # of a box's height: texts no farther apart in height stand on one line
NEAR = 1.2  # heights between two texts that are one plate with a gap in it
WRONG_CHARACTER = 0.12  # share of confidence lost for each character read as its look-alike
NO_DIGIT = 0.0
ONLY_DIGITS = 0.6  # a plate may be of digits alone, but so is a house number
#: What readers take for each other; a grammar says which of the two stands there.
LETTER_OF = {"0": "O", "1": "I", "2": "Z", "4": "A", "5": "S", "6": "G", "8": "B"}
DIGIT_OF = {"O": "0", "Q": "0", "D": "0", "I": "1", "L": "1", "Z": "2", "A": "4", "S": "5", "G": "6", "B": "8"}


@dataclass(frozen=True, slots=True)
class TextBox:
    """A text that a reader found: its confidence (0 to 1) and box in pixels (left, top, right, bottom)."""

    text: str
    confidence: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """A plate as read: characters without gaps, confidence, box, and whether a grammar knows its shape."""

    text: str
    confidence: float
    box: tuple[float, float, float, float]
    is_known_shape: bool


@dataclass(frozen=True, slots=True)
class Vote:
    """What several frames of one passage agree on; ``text`` is None where a person must look.

    ``share_frac`` is the winner's share of all confidence cast.
    """

    text: str | None
    confidence: float
    share_frac: float
    n_frames: int
    n_agreeing: int
    reason: str


def plate_characters(text: str) -> str:
    """Return the capital letters A to Z and digits of a text, in order; other scripts and signs fall away.

    >>> plate_characters(" abc-١٢٣ 45·")
    'ABC12345'
    """
    digits = (str(unicodedata.digit(sign)) if sign.isdigit() and not sign.isascii() else sign for sign in text)
    return re.sub(r"[^A-Z0-9]", "", "".join(digits).upper())


def fitted(text: str, shapes: Sequence[str]) -> tuple[str, int] | None:
    """Return the text under the shape it fits with the fewest look-alikes exchanged, and how many; None without.

    A shape is written with ``A`` for a letter and ``9`` for a digit.  The first shape wins among equals.

    >>> fitted("A8C12O", ["AAA999"])
    ('ABC120', 2)
    """
    best: tuple[str, int] | None = None
    for shape in shapes:
        if len(shape) != len(text):
            continue
        made = [_as_wanted(sign, want) for sign, want in zip(text, shape, strict=True)]
        if "" in made:
            continue
        n_changed = sum(new != old for new, old in zip(made, text, strict=True))
        if best is None or n_changed < best[1]:
            best = "".join(made), n_changed
    return best


def _as_wanted(sign: str, want: str) -> str:
    """Return the sign, or its look-alike of the wanted kind, or nothing."""
    if want == "A":
        return sign if sign.isalpha() else LETTER_OF.get(sign, "")
    return sign if sign.isdigit() else DIGIT_OF.get(sign, "")


def _joined(boxes: Sequence[TextBox]) -> list[TextBox]:
    """Return the boxes, and pairs side by side on a line as one."""
    found = list(boxes)
    for first in boxes:
        left, top, right, bottom = first.box
        height = bottom - top
        for second in boxes:
            x, y, x_end, y_end = second.box
            gap, apart = x - right, abs((y + y_end) / 2 - (top + bottom) / 2)
            if second is not first and -SAME_LINE * height < gap < NEAR * height and apart < SAME_LINE * height:
                box = (left, min(top, y), x_end, max(bottom, y_end))
                found.append(TextBox(first.text + second.text, min(first.confidence, second.confidence), box))
    return found


def best_reading(boxes: Sequence[TextBox], shapes: Sequence[str] = ()) -> Reading | None:
    """Return the text of an image that most likely is its plate, or None where none can be one.

    A plate has 4 to 9 letters and digits, one digit at least.  A text that fits one of ``shapes`` (see
    :func:`fitted`) goes before all that do not; its look-alikes are exchanged.
    """
    found: list[tuple[tuple[bool, float, str], Reading]] = []
    for each in _joined(boxes):
        text = plate_characters(each.text)
        if not (FEWEST <= len(text) <= MOST and any(sign.isdigit() for sign in text)):
            continue
        known = fitted(text, shapes)
        weight = each.confidence * (ONLY_DIGITS if text.isdigit() else 1.0)
        if known is not None:
            text, weight = known[0], weight * (1.0 - WRONG_CHARACTER * known[1])
        found.append(((known is not None, weight, text), Reading(text, weight, each.box, known is not None)))
    return max(found, key=lambda item: item[0])[1] if found else None


def vote(readings: Iterable[Reading | None], *, least_confidence: float = 0.6, least_share_frac: float = 0.6) -> Vote:
    """Return what the frames of one passage say together; a frame without a reading counts as looked at.

    Confidence is summed by text; the winner needs ``least_share_frac`` of all that was cast and a frame with
    ``least_confidence``.  Otherwise no plate is named and the reason is told.

    >>> read = Reading("ABC123", 0.9, (0, 0, 1, 1), True)
    >>> vote([read, read, None]).text
    'ABC123'
    """
    frames = list(readings)
    cast: dict[str, float] = {}
    for each in frames:
        if each is not None:
            cast[each.text] = cast.get(each.text, 0.0) + each.confidence
    if not cast or not sum(cast.values()):
        return Vote(None, 0.0, 0.0, len(frames), 0, "no plate seen")
    text = min(cast, key=lambda key: (-cast[key], key))
    share = cast[text] / sum(cast.values())
    agreeing = [each.confidence for each in frames if each is not None and each.text == text]
    reason = "" if share >= least_share_frac else "frames disagree"
    reason = reason or ("" if max(agreeing) >= least_confidence else "too faint")
    return Vote(None if reason else text, max(agreeing), share, len(frames), len(agreeing), reason)


__all__ = ["Reading", "TextBox", "Vote", "best_reading", "fitted", "plate_characters", "vote"]
