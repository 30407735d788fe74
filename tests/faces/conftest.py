"""One browser for all tests of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers.web import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium."""
    with chromium() as started:
        yield started
