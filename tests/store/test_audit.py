"""The audit log: whole after every kill, and nothing in it changes, goes or changes places unnoticed."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError, PlanError
from rahdari.store import keys
from rahdari.store.audit import KEY, LAST_ROOT, LOG, AuditError, AuditLog, records, verify
from rahdari.store.audit_chain import (
    BEGIN,
    HEAD,
    MIDDLE,
    ROOT_HEAD,
    ROOT_MIDDLE,
    SIGNED_FOR,
    START,
    TAIL,
    Chain,
    canonical,
    chained,
    read_root,
)
from rahdari.store.keys import ML_DSA, SigningKey, read_trusted
from rahdari.store.merkle import consistency_proof, inclusion_proof, is_consistent, is_included, leaf_hash, root_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORKER = """
import sys
from pathlib import Path
from rahdari.store.audit import AuditLog
log = AuditLog(Path(sys.argv[1]))
for k in range(100_000):
    log.record_many([("read", f"reader-{sys.argv[2]}", {"k": k, "part": part}) for part in range(3)])
    print(k, flush=True)
"""


def filled(folder: Path, n: int = 12) -> Path:
    """Return the folder of a log with ``n`` records, signed at the end."""
    with AuditLog(folder) as log:
        for k in range(n):
            log.record("read", f"planner-{k}", {"table": "places", "row": f"zz-{k}"})
    return folder


def lines_of(folder: Path) -> list[bytes]:
    return (folder / LOG).read_bytes().splitlines(keepends=True)


def test_an_untouched_log_holds_and_says_what_it_holds(tmp_path: Path) -> None:
    found = verify(filled(tmp_path))
    assert (found.n_records, found.n_unsigned) == (13, 0)
    assert found.n_roots >= 2
    told = list(records(tmp_path / LOG, read_trusted(tmp_path / f"{KEY}.pub"), Chain()))
    assert [row["kind"] for row in told] == ["begin", *["read"] * 12]
    assert told[3]["who"] == "planner-2"


def test_key_and_log_are_their_owners_alone_and_a_key_that_others_read_is_refused(tmp_path: Path) -> None:
    filled(tmp_path)
    for name in (KEY, LOG):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    (tmp_path / KEY).chmod(0o640)
    with pytest.raises(InputError, match="others than its owner"):
        AuditLog(tmp_path)


def test_a_flipped_bit_anywhere_is_found(tmp_path: Path) -> None:
    whole = (filled(tmp_path, 6) / LOG).read_bytes()
    places = {k for k, line in enumerate(whole.splitlines(keepends=True)) if not line.startswith(b'{"root"')}
    at, tried = 0, 0
    for number, line in enumerate(whole.splitlines(keepends=True)):
        step = 1 if number in places else 61  # signatures are long
        for offset in [*range(0, len(line), step), len(line) - 1]:
            changed = bytearray(whole)
            changed[at + offset] ^= 1 << (offset % 8)
            (tmp_path / LOG).write_bytes(changed)
            with pytest.raises(AuditError):
                verify(tmp_path)
            tried += 1
        at += len(line)
    assert tried > 500


def test_the_first_broken_link_is_named(tmp_path: Path) -> None:
    lines = lines_of(filled(tmp_path))
    lines[6] = lines[6].replace(b"places", b"plates")
    (tmp_path / LOG).write_bytes(b"".join(lines))
    with pytest.raises(AuditError, match=r"breaks at record 5: its hash"):  # line 1 is the first root
        verify(tmp_path)


@pytest.mark.parametrize("n_cut", [1, 2, 5])
def test_a_cut_tail_is_found_by_the_copy_of_the_last_root(tmp_path: Path, n_cut: int) -> None:
    lines = lines_of(filled(tmp_path))
    (tmp_path / LOG).write_bytes(b"".join(lines[: len(lines) - 1 - n_cut]))
    with pytest.raises(AuditError, match="its tail was cut"):
        verify(tmp_path)
    with pytest.raises(AuditError, match="a signed root counts 13"):
        AuditLog(tmp_path)


def test_swapped_and_missing_records_are_found(tmp_path: Path) -> None:
    lines = lines_of(filled(tmp_path))
    for changed in ([*lines[:5], lines[6], lines[5], *lines[7:]], lines[:5] + lines[6:], lines[:5] + lines[4:]):
        (tmp_path / LOG).write_bytes(b"".join(changed))
        with pytest.raises(AuditError, match="breaks at record"):
            verify(tmp_path)


def test_a_log_written_anew_as_a_whole_is_found_by_a_kept_key_or_root(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    log = filled(tmp_path / "log")
    for name in (LAST_ROOT, f"{KEY}.pub"):
        (tmp_path / "kept" / name).write_bytes((log / name).read_bytes())
    for path in log.iterdir():
        path.unlink()
    filled(log, 40)
    assert verify(log).n_records == 41
    with pytest.raises(AuditError, match="is not trusted"):
        verify(log, trusted=tmp_path / "kept" / f"{KEY}.pub")
    with pytest.raises(AuditError, match="is not trusted"):
        verify(log, kept=[tmp_path / "kept" / LAST_ROOT])


def test_a_thief_of_the_key_cannot_write_what_a_kept_root_counts_anew(tmp_path: Path) -> None:
    log, kept = filled(tmp_path / "log"), tmp_path / "kept.root"
    kept.write_bytes((log / LAST_ROOT).read_bytes())
    for name in (LOG, LAST_ROOT):
        (log / name).unlink()
    filled(log, 40)  # the same key signs another story
    assert verify(log).n_records == 41
    with pytest.raises(AuditError, match="not those that a kept root was signed over"):
        verify(log, kept=[kept])


def test_a_forged_root_is_found(tmp_path: Path) -> None:
    lines = lines_of(filled(tmp_path))
    other = filled(tmp_path / "other")
    chain, mine = Chain(), read_trusted(tmp_path / f"{KEY}.pub")
    for line in lines[:-1]:
        chain.take(line, mine)
    forged = chain.sign(SigningKey.open(other / KEY), 1)
    (tmp_path / LOG).write_bytes(b"".join([*lines[:-1], forged]))
    with pytest.raises(AuditError, match="is not trusted"):
        verify(tmp_path)
    whole = json.loads(lines[-1])
    del whole["signatures"][ML_DSA]
    bare = lines[-1][: lines[-1].rfind(b',"signatures":')] + b',"signatures":' + canonical(whole["signatures"]) + b"}\n"
    (tmp_path / LOG).write_bytes(b"".join([*lines[:-1], bare]))
    with pytest.raises(AuditError, match="not signed with ed25519 and ml-dsa-65"):
        verify(tmp_path)


def test_a_record_of_the_right_hash_with_a_wrong_number_or_no_record_is_found() -> None:
    def line(values: object) -> bytes:
        body = json.dumps(values, separators=(",", ":")).encode()
        return HEAD + chained(START, body).hex().encode() + MIDDLE + body + TAIL

    begin = {"n": 0, "kind": BEGIN, "log_id": "a"}
    assert Chain().take(line(begin), []) == begin
    for values, what in (
        ({**begin, "n": 1}, "bears number 1"), ({**begin, "n": "0"}, "bears number 0"), ({"n": None}, "bears number"),
        ([1], "it is no record"), ("n", "it is no record"), ({**begin, "kind": "read"}, "does not begin"),
    ):  # fmt: skip
        with pytest.raises(AuditError, match=what):
            Chain().take(line(values), [])


def test_a_root_that_its_own_key_signed_over_other_records_is_found(tmp_path: Path) -> None:
    key, writer = SigningKey.open(tmp_path / KEY), Chain()
    writer.log_id = "a"
    begin = writer.add({"at_us": 1, "kind": BEGIN, "who": "", "log_id": "a", "what": {}})
    statement = json.loads(writer.sign(key, 2))["root"]

    def taken(**changed: object) -> None:
        body = canonical({**statement, **changed})
        signatures = json.dumps(key.sign(SIGNED_FOR + body), separators=(",", ":")).encode()
        reader = Chain()
        reader.take(begin, [key.public])
        assert reader.take(ROOT_HEAD + body + ROOT_MIDDLE + signatures + TAIL, [key.public]) is None

    taken()
    for changed in ({"n": 2}, {"head": "0" * 64}, {"log_id": "b"}, {"root": "0" * 64}, {"previous": "0" * 64}):
        with pytest.raises(AuditError, match="a signed root"):
            taken(**changed)


def test_a_root_that_its_own_key_signed_in_another_form_is_none(tmp_path: Path) -> None:
    key = SigningKey.open(tmp_path / KEY)

    def line(statement: bytes, tail: bytes = TAIL) -> bytes:
        signatures = json.dumps(key.sign(SIGNED_FOR + statement), separators=(",", ":")).encode()
        return ROOT_HEAD + statement + ROOT_MIDDLE + signatures + tail

    well = canonical({"n": 0, "at_us": 1, "key_id": key.public.key_id})
    assert read_root(line(well), 0, [key.public])[0] == well
    for broken, what in (
        (line(canonical({"n": 0, "at_us": "1", "key_id": key.public.key_id})), "does not say when"),
        (line(canonical({"n": 0, "key_id": key.public.key_id})), "does not say when"),
        (line(b"[1]"), "no signed root"),
        (line(well, b"} \n"), "no signed root"),
        (line(well, b',"more":1}\n'), "no signed root"),
        (line(well).replace(ROOT_MIDDLE, b', "signatures":'), "no signed root"),
        (ROOT_HEAD + well + ROOT_MIDDLE + b"[]" + TAIL, "no signed root"),
        (ROOT_HEAD + well + TAIL, "no signed root"),
    ):
        with pytest.raises(AuditError, match=what):
            read_root(broken, 0, [key.public])


def test_a_missing_copy_of_the_last_root_is_told(tmp_path: Path) -> None:
    (filled(tmp_path) / LAST_ROOT).unlink()
    with pytest.raises(AuditError, match="last signed root is missing"):
        verify(tmp_path)
    with pytest.raises(AuditError, match="last signed root is missing"):
        AuditLog(tmp_path)


def test_proofs_show_one_record_and_the_growth_between_two_roots(tmp_path: Path) -> None:
    lines = [line for line in lines_of(filled(tmp_path)) if not line.startswith(b'{"root"')]
    leaves = [leaf_hash(line[line.find(b'"record":') + 9 : -2]) for line in lines]
    root = bytes.fromhex(verify(tmp_path).root)
    assert is_included(leaves[7], 7, 13, inclusion_proof(leaves, 7), root)
    assert is_consistent(5, 13, root_of(leaves[:5]), root, consistency_proof(leaves, 5))


def test_kills_at_random_moments_leave_every_acknowledged_record(tmp_path: Path) -> None:
    draw, n_told = random.Random(7), 0  # noqa: S311  # moments of kills
    for run in range(6):
        process = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path), str(run)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(draw.randrange(1, 40))]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read().splitlines()
        process.wait()
        process.stdout.close()
        with AuditLog(tmp_path):
            pass
        verify(tmp_path)
        held = list(records(tmp_path / LOG, read_trusted(tmp_path / f"{KEY}.pub"), Chain()))
        mine = [row["what"] for row in held if row["who"] == f"reader-{run}"]
        assert mine == [{"k": k, "part": part} for k in range(len(mine) // 3 + 1) for part in range(3)][: len(mine)]
        assert len(mine) >= 3 * len([line for line in told if line.strip()])
        n_told += len(mine)
    assert n_told


@pytest.mark.parametrize("n_bytes", [1, 40, 150])
def test_what_a_killed_program_left_half_written_is_cut_and_recorded(tmp_path: Path, n_bytes: int) -> None:
    with AuditLog(tmp_path) as log:
        log.record("read", "a", {})
        log.sign()
        log.record("read", "b", {})
        whole = (tmp_path / LOG).read_bytes()
    last = whole.rfind(b"\n", 0, -1) + 1
    (tmp_path / LOG).write_bytes(whole[: last + n_bytes])
    with pytest.raises(AuditError, match="not finished"):
        verify(tmp_path)
    with AuditLog(tmp_path):
        pass
    told = list(records(tmp_path / LOG, read_trusted(tmp_path / f"{KEY}.pub"), Chain()))
    assert [row["kind"] for row in told] == ["begin", "read", "cut unfinished"]
    assert told[-1]["what"]["n_bytes"] == n_bytes
    assert verify(tmp_path).n_unsigned == 0


def test_several_threads_and_programs_share_one_log(tmp_path: Path) -> None:
    first, second = AuditLog(tmp_path), AuditLog(tmp_path)

    def write(log: AuditLog, name: str) -> None:
        for k in range(25):
            log.record("read", name, {"k": k})

    threads = [
        threading.Thread(target=write, args=(log, f"{log is first}-{k}")) for log in (first, second) for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first.close()
    second.close()
    assert verify(tmp_path).n_records == 201


def test_a_minute_later_a_root_is_signed(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    with AuditLog(tmp_path, clock=lambda: now[0], steady=lambda: now[0]) as log:
        log.record("read", "a", {})
        assert verify(tmp_path).n_unsigned == 1
        now[0] += 61.0
        log.record("read", "b", {})
        assert verify(tmp_path).n_unsigned == 0


def test_a_clock_that_is_set_is_recorded(tmp_path: Path) -> None:
    wall, steady = [1_800_000_000.0], [5.0]
    with AuditLog(tmp_path, clock=lambda: wall[0], steady=lambda: steady[0]) as log:
        log.record("read", "a", {})
        wall[0] -= 3_600.0
        log.record("read", "b", {})
        log.record("read", "c", {})
    told = list(records(tmp_path / LOG, read_trusted(tmp_path / f"{KEY}.pub"), Chain()))
    assert [row["kind"] for row in told] == ["begin", "read", "clock", "read", "read"]
    assert told[2]["what"] == {"step_ms": -3_600_000}


def test_a_full_disk_refuses_the_record_and_leaves_a_whole_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with AuditLog(tmp_path) as log:
        log.record("read", "a", {})
        write = os.write

        def full(file: int, data: bytes) -> int:
            write(file, bytes(data)[:20])
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            with pytest.raises(PlanError, match="free some space"):
                log.record("read", "b", {})
        log.record("read", "c", {})
    told = list(records(tmp_path / LOG, read_trusted(tmp_path / f"{KEY}.pub"), Chain()))
    assert [row["who"] for row in told] == ["", "a", "c"]


def test_hostile_text_is_kept_in_one_short_line(tmp_path: Path) -> None:
    hostile = ['a\n{"root":1}', "\ud800", "x" * 100_000, "\x00\u202e=1+1", '","record":{}}']
    with AuditLog(tmp_path) as log:
        for text in hostile:
            log.record("read", text, {"path": text})
    assert verify(tmp_path).n_records == 6


def test_without_ml_dsa_the_log_is_signed_with_ed25519_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_ml_dsa", lambda: None)
    filled(tmp_path)
    assert list(read_trusted(tmp_path / f"{KEY}.pub")[0].keys) == ["ed25519"]
    assert verify(tmp_path).n_records == 13


@pytest.fixture
def grown(tmp_path: Path) -> Callable[[int], Path]:
    return lambda n: filled(tmp_path / str(n), n)


def test_a_log_longer_than_a_block_is_gone_on_with(grown: Callable[[int], Path]) -> None:
    folder = grown(3)
    with AuditLog(folder) as log:
        log.record_many([("read", "a", {"k": k, "pad": "y" * 300}) for k in range(8_000)])
    with AuditLog(folder) as log:
        log.record("read", "b", {})
    assert verify(folder).n_records == 8_005
