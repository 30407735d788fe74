"""Reading number plates: processor seconds a frame, whole frames beside cut-out plates, and how many are right.

The plates are drawn, not photographed: right readings tell that the chain works, not how it does on a road.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from rahdari.methods.plates import vote
from rahdari.service.toll import SHAPES, _engine, read_frame

N_PASSAGES, FRAMES = 12, 3
WIDTH, HEIGHT = 1280, 720
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


def drawn(text: str, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame with a plate, tilted, blurred and noisy, and the plate cut out of it."""
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    x, y = int(draw.integers(200, 700)), int(draw.integers(300, 600))
    cv2.putText(image, "TOLL PLAZA", (60, 90), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (80, 200, 200), 3)
    cv2.rectangle(image, (x, y - 60), (x + 330, y + 25), (235, 240, 240), -1)
    cv2.putText(image, text, (x + 15, y), cv2.FONT_HERSHEY_SIMPLEX, 1.7, (20, 20, 20), 4)
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), float(draw.uniform(-3, 3)), 1.0)
    image = cv2.GaussianBlur(cv2.warpAffine(image, turn, (WIDTH, HEIGHT), borderValue=(90, 90, 90)), (5, 5), 0)
    noisy = np.clip(image + draw.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    return noisy, noisy[max(0, y - 110) : y + 75, max(0, x - 40) : x + 370]


def main() -> None:
    """Read every passage from whole frames and from cut-outs."""
    draw, engine = np.random.default_rng(1), _engine()
    texts = [
        "".join(draw.choice(list(LETTERS), 3)) + " " + "".join(str(d) for d in draw.integers(0, 10, 4))
        for _ in range(N_PASSAGES)
    ]
    frames = [[drawn(text, draw) for _ in range(FRAMES)] for text in texts]
    read_frame(engine, frames[0][0][0], SHAPES)
    lines = {}
    for name, part in (("whole frame", 0), ("cut-out plate", 1)):
        start, right = time.process_time(), 0
        for text, passage in zip(texts, frames, strict=True):
            right += vote([read_frame(engine, frame[part], SHAPES) for frame in passage]).text == text.replace(" ", "")
        lines[name] = (time.process_time() - start, right)
    with tempfile.TemporaryDirectory() as folder:
        sizes = []
        for k, passage in enumerate(frames):
            for j, frame in enumerate(passage):
                for part in (0, 1):
                    path = Path(folder) / f"{k}_{j}_{part}.jpg"
                    cv2.imwrite(str(path), frame[part], [cv2.IMWRITE_JPEG_QUALITY, 85])
                    sizes.append((part, path.stat().st_size))
    whole_s, cut_s = (lines[name][0] / (N_PASSAGES * FRAMES) for name in lines)
    kb = [float(np.mean([size for p, size in sizes if p == part])) / 1e3 for part in (0, 1)]
    print(json.dumps({
        "bench": "toll_read", "n_passages": N_PASSAGES, "frames_a_passage": FRAMES,
        "cpu_s_per_whole_frame": whole_s, "cpu_s_per_cut_out": cut_s, "ratio": whole_s / cut_s,
        "cpu_s_per_passage": cut_s * FRAMES, "right_whole": lines["whole frame"][1],
        "right_cut_out": lines["cut-out plate"][1], "kbyte_whole": kb[0], "kbyte_cut_out": kb[1],
    }))  # fmt: skip


if __name__ == "__main__":
    main()
