"""``python -m tests.supply.sbom TOOL``: a CycloneDX list of everything that the image installs.

``TOOL`` is ``cyclonedx-py``, which also judges the document by CycloneDX's own schema. Markers are left
as they are: a package that another system alone needs is in the list.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.supply.pins import REQUIREMENTS, ROOT, canonical, pins

SBOM: Final = ROOT / "build" / "sbom.cdx.json"


def write(tool: str, target: Path) -> None:
    """Have the tool write the document."""
    target.parent.mkdir(exist_ok=True)
    command = [tool, "requirements", str(REQUIREMENTS), "--pyproject", str(ROOT / "pyproject.toml")]
    options = ["--output-reproducible", "--validate", "--of", "JSON", "-o", str(target)]
    subprocess.run([*command, *options], check=True, timeout=120)


def problems(document: Any, expected: dict[str, str]) -> list[str]:
    """What the document lacks, has too much of, or says without a hash."""
    components = {canonical(one["name"]): one for one in document.get("components", [])}
    found = {name: one.get("version") for name, one in components.items()}
    lines = [f"{name} {version} is not in it" for name, version in expected.items() - found.items()]
    lines += [f"{name} {version} is too much" for name, version in found.items() - expected.items()]
    lines += [f"{name} has no hash" for name, one in components.items() if not _has_hash(one)]
    return sorted(lines)


def _has_hash(component: Any) -> bool:
    references = component.get("externalReferences", [])
    return bool(component.get("hashes")) or any(one.get("hashes") for one in references)


def main(tool: str) -> int:
    """Write it and check it; the exit code."""
    write(tool, SBOM)
    document = json.loads(SBOM.read_text(encoding="utf-8"))
    expected = pins(REQUIREMENTS.read_text(encoding="utf-8"))
    wrong = problems(document, expected)
    for line in wrong:
        print(f"sbom: {line}")
    if not wrong:
        kind = f"{document['bomFormat']} {document['specVersion']}"
        print(f"{SBOM.relative_to(ROOT)}: {kind}, {len(expected)} packages, each with its hashes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
