"""Write the bill of materials of this program as CycloneDX 1.6 JSON, from the locks alone: ``make sbom``.

Every package that the locks of Python and of the map name, with version, package address, the digests that an
installation is checked against, and its licence where the package is installed.  The same locks give the same bytes.
"""  # noqa: INP001  # a script

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
import tomllib
import uuid
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).parents[1]
#: Lock of Python, and whether what it names comes with the program.
LOCKS = {"core": "required", "bootstrap": "excluded", "dev": "excluded", "oracles": "excluded"}
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
NAMESPACE = uuid.UUID("7a5c3d5e-3b0a-5c8e-9a53-2f6c7d1f4b10")
#: How packages that name no SPDX expression say what their licence is.
SPOKEN = {
    "MIT License": "MIT", "BSD License": "BSD-3-Clause", "New BSD": "BSD-3-Clause", "BSD": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0", "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ISC License (ISCL)": "ISC", "ISC License": "ISC", "MIT": "MIT", "Apache-2.0": "Apache-2.0", "MPL-2.0": "MPL-2.0",
    "BSD-3-Clause": "BSD-3-Clause", "Python Software Foundation License": "PSF-2.0",
}  # fmt: skip
#: What may come with the program; anything else needs a decision.
ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT",
    "MIT-0", "MPL-2.0", "OFL-1.1", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip


def licence_of(name: str) -> str:
    """Return the licence of an installed package as an SPDX expression; empty where it is not installed or not said."""
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return ""
    told = found.get("License-Expression") or ""
    if told:
        return told
    spoken = [line.rsplit(" :: ", 1)[-1] for line in found.get_all("Classifier") or [] if line.startswith("License")]
    short = (found.get("License") or "").strip()
    texts = [*spoken, short] if "\n" not in short else spoken
    known = [SPOKEN[text] for text in texts if text in SPOKEN]
    return known[0] if known else ""


def is_allowed(expression: str) -> bool:
    """Return whether a licence may come with the program: of ``OR`` one, of ``AND`` all."""
    text = expression.strip()
    while text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    if not text:
        return False
    for word, together in ((" AND ", all), (" OR ", any)):
        parts = _split(text, word)
        if len(parts) > 1:
            return together(is_allowed(part) for part in parts)
    return text in ALLOWED


def _split(text: str, word: str) -> list[str]:
    """Return the parts of an expression between words that stand in no brackets."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and text.startswith(word, at):
            parts.append(text[start:at])
            start = at + len(word)
    return [*parts, text[start:]]


def python_packages(lock: str) -> list[dict[str, Any]]:
    """Return the components of one lock."""
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    found = []
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        pin = PIN.match(block)
        if pin is None:
            continue
        name, version = pin.groups()
        address = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
        digests = [{"alg": "SHA-256", "content": digest} for digest in HASH.findall(block)]
        found.append(_component(name, version, address, digests=digests, licence=licence_of(name), scope=LOCKS[lock]))
    return found


def web_packages() -> list[dict[str, Any]]:
    """Return the components of the map."""
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))
    found = []
    for path, record in lock["packages"].items():
        if not path:
            continue
        name = path.rsplit("node_modules/", 1)[-1]
        address = f"pkg:npm/{quote(name, safe='/')}@{record['version']}"
        digests = []
        for each in record.get("integrity", "").split():
            kind, _, text = each.partition("-")
            if kind == "sha512":
                digests.append({"alg": "SHA-512", "content": base64.b64decode(text).hex()})
        found.append(
            _component(
                name, record["version"], address, digests=digests, licence=record.get("license", ""), scope="required"
            )
        )
    return found


def _component(
    name: str, version: str, address: str, *, digests: list[dict[str, str]], licence: str, scope: str
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library", "bom-ref": address, "name": name, "version": version, "purl": address, "scope": scope,
    }  # fmt: skip
    if digests:
        made["hashes"] = digests
    if licence:
        made["licenses"] = [{"expression": licence}]
    return made


def bill() -> dict[str, Any]:
    """Return the whole bill."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts: dict[str, dict[str, Any]] = {}
    for component in [each for lock in LOCKS for each in python_packages(lock)] + web_packages():
        parts.setdefault(component["bom-ref"], component)
    components = [parts[name] for name in sorted(parts)]
    own = f"pkg:pypi/{project['name']}@{project['version']}"
    serial = uuid.uuid5(NAMESPACE, json.dumps([own, components], sort_keys=True))
    required = [part["bom-ref"] for part in components if part["scope"] == "required"]
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": own, "name": project["name"], "version": project["version"],
                "purl": own, "description": project["description"],
            },
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": required}],
    }  # fmt: skip


def main() -> None:
    """Write the bill to a file, and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="file to write")
    out = parser.parse_args().out
    made = bill()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    n_required = len(made["dependencies"][0]["dependsOn"])
    sys.stdout.write(f"sbom: {out}, {len(made['components'])} components, {n_required} of them come with the program\n")


if __name__ == "__main__":
    main()
