"""What the program is made of: a bill of materials of the published form, licences, equal wheels, and no network."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
HEX = {"SHA-256": 64, "SHA-512": 128}
#: In a process that may reach nobody: the first attempt ends it with what it tried.
WITHOUT_NETWORK = """
import sys
def refuse(event, args):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        raise SystemExit(f"tried the network: {event} {args}")
sys.addaudithook(refuse)
from pathlib import Path
from rahdari.service.planning import plan
from rahdari.service.requests import PlanRequest
keep = {"demand", "access"}
from rahdari.run.registry import registry
off = tuple(name for name in registry().engines if name not in keep)
plan(PlanRequest(country=sys.argv[1], out=Path(sys.argv[2]), cache_dir=Path(sys.argv[3]), engines_off=off))
"""


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "requirements" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bill(sbom: ModuleType) -> dict[str, Any]:
    return dict(sbom.bill())


def test_the_bill_has_what_the_published_schema_requires(bill: dict[str, Any]) -> None:
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["specVersion"] == "1.6"
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", bill["serialNumber"])
    assert bill["version"] >= 1
    references = [part["bom-ref"] for part in bill["components"]]
    assert len(set(references)) == len(references)
    for part in [bill["metadata"]["component"], *bill["components"]]:
        assert part["type"] in {"application", "library"}
        assert part["name"]
        assert part["version"]
        assert part["purl"].startswith(("pkg:pypi/", "pkg:npm/"))
        for digest in part.get("hashes", []):
            assert re.fullmatch(rf"[0-9a-f]{{{HEX[digest['alg']]}}}", digest["content"])
        for licence in part.get("licenses", []):
            assert set(licence) == {"expression"}
    own = bill["metadata"]["component"]["bom-ref"]
    for line in bill["dependencies"]:
        assert {line["ref"], *line["dependsOn"]} <= {own, *references}


def test_the_bill_names_every_pin_of_every_lock_with_its_digests(bill: dict[str, Any]) -> None:
    named = {part["purl"] for part in bill["components"]}
    for lock in ("core", "dev", "bootstrap", "oracles"):
        pins = re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)", (ROOT / "requirements" / f"{lock}.lock").read_text())
        assert pins
        assert {f"pkg:pypi/{name.lower().replace('_', '-')}@{version}" for name, version in pins} <= named
    assert all(part.get("hashes") for part in bill["components"])


def test_the_same_locks_give_the_same_bill(sbom: ModuleType, bill: dict[str, Any]) -> None:
    assert sbom.bill() == bill


def test_every_package_that_comes_with_the_program_has_an_allowed_licence(
    sbom: ModuleType, bill: dict[str, Any]
) -> None:
    unclear = {
        part["name"]: part.get("licenses")
        for part in bill["components"]
        if part["scope"] == "required"
        and not sbom.is_allowed((part.get("licenses") or [{"expression": ""}])[0]["expression"])
    }
    assert unclear == {}


@pytest.mark.parametrize(
    ("expression", "well"),
    [
        ("MIT", True), ("GPL-3.0-only", False), ("", False), ("MIT OR GPL-3.0-only", True), ("MIT AND GPL-3.0", False),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True), ("MPL-2.0 AND (GPL-2.0 OR AGPL-3.0)", False), ("(MIT)", True),
        ("BSD-2-Clause AND Apache-2.0 WITH LLVM-exception", True), ("(MIT OR GPL-2.0) AND (GPL-2.0 OR ISC)", True),
    ],
)  # fmt: skip
def test_a_licence_is_judged_by_its_whole_expression(sbom: ModuleType, expression: str, well: bool) -> None:  # noqa: FBT001
    assert sbom.is_allowed(expression) is well


def test_every_pin_of_every_lock_is_hashed() -> None:
    for lock in (ROOT / "requirements").glob("*.lock"):
        for block in re.split(r"\n(?=[A-Za-z0-9])", lock.read_text(encoding="utf-8")):
            assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.long
def test_two_builds_of_the_wheel_are_equal_byte_for_byte(tmp_path: Path) -> None:
    digests = set()
    for run in ("first", "second"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / run)]
        subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})
        (wheel,) = (tmp_path / run).glob("*.whl")
        digests.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.long
def test_a_plan_is_made_without_any_network(country_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_NETWORK, str(country_folder), str(tmp_path / "plan"), str(tmp_path / "c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "plan" / "manifest.json").is_file()
