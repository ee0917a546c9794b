"""The packages of ``requirements.txt``: names as registries spell them, and versions."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
REQUIREMENTS: Final = ROOT / "requirements.txt"
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Version by name."""
    return {canonical(name): version for name, version in _PIN.findall(text)}


def canonical(name: str) -> str:
    """A name as PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()
