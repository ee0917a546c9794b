"""The builder's steps of the Dockerfile, run in a clean folder: what can be known of an image without a builder.

It understands the few instructions that the Dockerfile uses, and fails at any other.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.manifests import ROOT

INSTALLED = "/opt/metriport-ias"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"


@dataclass(frozen=True)
class Image:
    """A folder that stands for the builder's root, and one for what the image gets of it."""

    build: Path
    installed: Path

    @property
    def program(self) -> Path:
        """The entry point."""
        return self.installed / "bin" / "metriport-ias"


def builder_steps(text: str) -> list[tuple[str, str]]:
    """The instructions of the first stage after its base, each with its arguments on one line."""
    return _stages(text)[0]


def environment(text: str) -> dict[str, str]:
    """What the image's processes are given: the variables of the last stage."""
    settings = [rest for word, rest in _stages(text)[-1] if word == "ENV"]
    pairs = [word.partition("=") for rest in settings for word in shlex.split(rest)]
    return {name: value for name, _, value in pairs}


def _stages(text: str) -> list[list[tuple[str, str]]]:
    plain = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    stages: list[list[tuple[str, str]]] = []
    for line in re.sub(r"\\\n\s*", "", plain).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            stages.append([])
        elif word and stages:
            stages[-1].append((word, rest.strip()))
    return stages


def build(folder: Path) -> Image:
    """Run them; Python is the one that runs this."""
    image = Image(folder / "build", folder / "installed")
    image.build.mkdir()
    arguments: dict[str, str] = {}
    for word, rest in builder_steps(DOCKERFILE.read_text(encoding="utf-8")):
        match word:
            case "COPY":
                *sources, target = rest.split()
                for source in sources:
                    whole = f"{target}{Path(source).name}" if target.endswith("/") else target
                    _copy(ROOT / source, image.build / whole)
            case "RUN":
                _run(rest.replace(INSTALLED, str(image.installed)), image.build, arguments)
            case "ARG":
                name, _, default = rest.partition("=")
                arguments[name] = default
            case "ENV" | "WORKDIR":
                pass  # for pip's cache, and for the folder that is ours here
            case _:
                raise AssertionError(f"the Dockerfile has an instruction that is new here: {word}")
    return image


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _run(step: str, folder: Path, arguments: dict[str, str]) -> None:
    first = folder.parent / "bin"
    first.mkdir(exist_ok=True)
    python = first / "python"
    if not python.exists():
        python.symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    environment = {**os.environ, **arguments, "PATH": f"{first}:{os.environ['PATH']}"}
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"):
        environment.pop(name, None)
    done = subprocess.run(
        ["sh", "-ec", step],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{step}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
