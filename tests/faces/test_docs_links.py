"""Links between documents lead somewhere; generated pages are known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
GENERATED = {
    "docs/dictionary.md",
    "docs/engines.md",
    "docs/cli.md",
    "docs/design/index.md",
    "docs/contributing.md",
    "docs/changelog.md",
}
SKIPPED = {".venv", "node_modules", "site", "plans"}
PAGES = sorted(path for path in ROOT.rglob("*.md") if not SKIPPED & set(path.relative_to(ROOT).parts))


@pytest.mark.parametrize("page", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    broken = []
    for target, _ in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        path = (page.parent / target).resolve()
        is_generated = path.is_relative_to(ROOT) and path.relative_to(ROOT).as_posix() in GENERATED
        if not path.exists() and not is_generated:
            broken.append(target)
    assert broken == []
