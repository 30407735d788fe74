"""Signed plans, packs and files: any changed, added or missing byte is refused."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError, PlanError
from rahdari.service.packs import PACKS
from rahdari.store.keys import PUBLIC_ENDING, SigningKey
from rahdari.store.signing import SIGNATURE, require_signed, sign, verify_signed
from tests.helpers.fake_plan import write_fake_plan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey.open(tmp_path / "own.key", name="planning office")


@pytest.fixture
def trusted(tmp_path: Path, key: SigningKey) -> Path:
    assert key.public.name == "planning office"
    return tmp_path / f"own.key{PUBLIC_ENDING}"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return write_fake_plan(tmp_path / "plan", n_places=30, n_links=5)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return shutil.copytree(PACKS / "pakistan", tmp_path / "pack")


def test_a_signed_plan_is_known_by_its_signer(plan: Path, key: SigningKey, trusted: Path) -> None:
    sign(plan, key)
    found = verify_signed(plan, trusted)
    assert (found.kind, found.name, found.key_id) == ("plan", "planning office", key.public.key_id)


def test_a_changed_byte_of_any_file_of_a_plan_is_refused(plan: Path, key: SigningKey, trusted: Path) -> None:
    sign(plan, key)
    files = [path for path in plan.rglob("*") if path.is_file() and path.name != SIGNATURE and path.name[0] != "."]
    signed = set(json.loads((plan / SIGNATURE).read_text())["statement"]["files"])
    assert {path.relative_to(plan).as_posix() for path in files} == signed
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(PlanError):
            verify_signed(plan, trusted)
        path.write_bytes(whole)
    verify_signed(plan, trusted)


def test_what_releases_tables_cannot_be_added_to_a_signed_plan(plan: Path, key: SigningKey, trusted: Path) -> None:
    sign(plan, key)
    (plan / "released.toml").write_text("[[release]]\n")
    with pytest.raises(PlanError, match="was added after signing"):
        verify_signed(plan, trusted)


def test_all_changed_added_and_missing_files_of_a_pack_are_told_at_once(
    pack: Path, key: SigningKey, trusted: Path
) -> None:
    sign(pack, key)
    verify_signed(pack, trusted)
    (pack / "pack.toml").write_text((pack / "pack.toml").read_text() + "\n")
    (pack / "extra.csv").write_text("a\n")
    (pack / "sources.csv").unlink()
    with pytest.raises(PlanError) as told:
        verify_signed(pack, trusted)
    assert [problem.what for problem in told.value.problems] == [
        "'extra.csv' was added after signing", "'pack.toml' was changed after signing", "'sources.csv' is missing",
    ]  # fmt: skip


def test_a_signature_of_somebody_else_or_made_over_is_refused(
    pack: Path, key: SigningKey, trusted: Path, tmp_path: Path
) -> None:
    sign(pack, SigningKey.open(tmp_path / "thief.key", name="planning office"))
    with pytest.raises(PlanError, match="nobody who is trusted"):
        verify_signed(pack, trusted)
    sign(pack, key)
    told = json.loads((pack / SIGNATURE).read_text())
    told["statement"]["files"]["pack.toml"] = "0" * 64
    (pack / SIGNATURE).write_text(json.dumps(told))
    with pytest.raises(PlanError, match="does not hold"):
        verify_signed(pack, trusted)
    sign(pack, key)
    told = json.loads((pack / SIGNATURE).read_text())
    del told["signatures"]["ml-dsa-65"]
    (pack / SIGNATURE).write_text(json.dumps(told))
    with pytest.raises(PlanError, match="not signed with ed25519 and ml-dsa-65"):
        verify_signed(pack, trusted)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"statement": 1, "signatures": {}}', "[" * 100_000])
def test_what_is_no_signature_is_told_as_such(pack: Path, trusted: Path, text: str) -> None:
    (pack / SIGNATURE).write_text(text)
    with pytest.raises(PlanError, match="is no signature"):
        verify_signed(pack, trusted)


def test_a_rule_pack_or_update_is_one_signed_file(tmp_path: Path, key: SigningKey, trusted: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("title = 'national rules'\n")
    with pytest.raises(PlanError, match="is not signed"):
        require_signed(rules, trusted)
    require_signed(rules, None)
    sign(rules, key)
    require_signed(rules, trusted)
    other = tmp_path / "other.toml"
    other.write_text(rules.read_text())
    shutil.copyfile(f"{rules}.sig", f"{other}.sig")
    with pytest.raises(PlanError, match=r"'other\.toml' was added"):
        require_signed(other, trusted)
    rules.write_text("title = 'National rules'\n")
    with pytest.raises(PlanError, match="changed after signing"):
        require_signed(rules, trusted)


def test_a_link_in_a_pack_is_not_signed(pack: Path, key: SigningKey) -> None:
    (pack / "link.csv").symlink_to("/etc/hostname")
    with pytest.raises(InputError, match="is a link"):
        sign(pack, key)
