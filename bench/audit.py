"""The audit log in batches, signed, beside a plain log of JSON lines that waits for the disk at every record."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

from rahdari.store.audit import LOG, AuditLog, verify

N, BATCH, N_NAIVE, ASKED_PER_S = 200_000, 1_000, 500, 50_000


def made(k: int) -> tuple[str, str, dict[str, str | int]]:
    """Return record ``k``: one answered request."""
    what: dict[str, str | int] = {"route": "GET /api/row/{table}/{row_id:path}", "row": f"pk-{k % 32_000:06d}"}
    return "read", f"planner-{k % 7}", {**what, "status": 200, "clearance": "restricted|power"}


def main() -> None:
    """Write, verify, and write the naive way."""
    with tempfile.TemporaryDirectory() as folder:
        with AuditLog(Path(folder)) as log:
            batches = [[made(k) for k in range(first, first + BATCH)] for first in range(0, N, BATCH)]
            start, start_cpu = time.perf_counter(), time.process_time()
            for batch in batches:
                log.record_many(batch)
            ours, in_cpu = N / (time.perf_counter() - start), N / (time.process_time() - start_cpu)
        start = time.perf_counter()
        found = verify(Path(folder))
        checked = N / (time.perf_counter() - start)
        assert found.n_records == N + 1
        n_bytes = (Path(folder) / LOG).stat().st_size / N
        with (Path(folder) / "naive.jsonl").open("ab") as file:
            start = time.perf_counter()
            for k in range(N_NAIVE):
                kind, who, what = made(k)
                file.write(json.dumps({"n": k, "kind": kind, "who": who, "what": what}).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            naive = N_NAIVE / (time.perf_counter() - start)
    line = {"bench": "audit", "n_records": N, "batch": BATCH, "records_per_s": ours, "asked_per_s": ASKED_PER_S}
    line |= {"records_per_processor_s": in_cpu}
    rates = {"verified_per_s": checked, "bytes_per_record": n_bytes, "naive_per_s": naive, "ratio": ours / naive}
    print(json.dumps({**line, **rates}))


if __name__ == "__main__":
    main()
