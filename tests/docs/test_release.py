"""The files beside the code agree with it: version, dependencies, licence, locks, examples."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import rahdari

ROOT = Path(__file__).parents[2]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def wanted(name: str) -> list[str]:
    lines = [line.strip() for line in text_of(f"requirements/{name}").splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def test_every_file_states_the_same_version() -> None:
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    assert rahdari.__version__ == version
    assert re.findall(r"^version: (.*)$", text_of("CITATION.cff"), re.MULTILINE) == [version]
    assert re.findall(r"^## (.*)$", text_of("CHANGELOG.md"), re.MULTILINE)[0] == version


@pytest.mark.parametrize("name", ["bootstrap.in", "core.in", "dev.in"])
def test_every_dependency_has_a_reason(name: str) -> None:
    page = text_of("docs/dependencies.md")
    assert [package for package in wanted(name) if f"`{package}`" not in page] == []


def test_no_reason_is_given_for_a_package_that_is_gone() -> None:
    page = text_of("docs/dependencies.md")
    named = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(.*?)`", row)}
    assert named == {*wanted("bootstrap.in"), *wanted("core.in"), *wanted("dev.in")}


@pytest.mark.parametrize("name", ["bootstrap.lock", "core.lock", "dev.lock"])
def test_a_lock_is_hashed_and_names_no_host(name: str) -> None:
    lock = text_of(f"requirements/{name}")
    assert "--hash=sha256:" in lock
    assert re.findall(r"https?://\S+", lock) == []


def test_the_core_stays_small() -> None:
    packages = re.findall(r"^([A-Za-z0-9_.-]+)==", text_of("requirements/core.lock"), re.MULTILINE)
    assert len(set(packages)) <= 90
