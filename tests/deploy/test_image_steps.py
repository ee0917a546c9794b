"""What the Dockerfile's own steps make, in a clean folder and without a builder.

They fetch from the package registry, so they run where they are asked for: ``make check-image``.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import schemas
from tests.deploy.image_steps import DOCKERFILE, Image, build, builder_steps
from tests.supply.pins import REQUIREMENTS, canonical, pins

ASKED = "CHECK_IMAGE"
MOST_MEBIBYTES = 150
"""What the image may have beside its base."""

NOBODY = 10001


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    if ASKED not in os.environ:
        pytest.skip("fetches every package: `make check-image`")
    folder = tmp_path_factory.mktemp("image")
    made = build(folder)
    for one in (folder, folder.parent, folder.parent.parent):
        one.chmod(0o755)  # so that nobody gets at it
    return made


def somebody_else() -> int | None:
    """A user that owns nothing, where this one may become it and it may run this Python."""
    if os.getuid() != 0:
        return None
    interpreter = Path(sys.base_prefix).resolve() / "bin"
    reachable = all(part.stat().st_mode & 0o001 for part in (interpreter, *interpreter.parents))
    return NOBODY if reachable else None


def run(image: Image, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As in the image: no home, no terminal, a clean environment, and nobody's user where that can be."""
    user = somebody_else()
    return subprocess.run(
        [image.program, *arguments],
        cwd="/",
        env={"PATH": f"{image.installed}/bin:{os.defpath}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        user=user,
        group=user,
        extra_groups=None if user is None else (),
    )


def files(image: Image) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in image.installed.rglob("*")}


def test_it_is_linted_clean() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), DOCKERFILE],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_steps_are_those_that_are_understood_here() -> None:
    words = [word for word, _ in builder_steps(DOCKERFILE.read_text())]
    assert set(words) == {"ARG", "ENV", "WORKDIR", "COPY", "RUN"}
    assert words.count("RUN") == 4


def test_it_holds_what_is_pinned_and_the_project_and_nothing_else(image: Image) -> None:
    (packages,) = image.installed.glob("lib/python3*/site-packages")
    found = {
        canonical(one.name.split("-")[0]): one.name.split("-")[1].removesuffix(".dist")
        for one in packages.glob("*.dist-info")
    }
    project = found.pop("metriport-ias-gateway")
    assert project.startswith("0.1.0")
    expected = pins(REQUIREMENTS.read_text())
    assert set(found) <= set(expected), "something that is not pinned"
    assert {name for name in expected if name not in found} <= {"async-timeout"}
    assert not list(image.installed.glob("bin/pip*"))


def test_it_is_small(image: Image) -> None:
    size = sum(path.lstat().st_size for path in image.installed.rglob("*") if path.is_file())
    assert size < MOST_MEBIBYTES * 1024 * 1024


def test_every_file_that_the_code_reads_is_in_it(image: Image) -> None:
    """Migrations, pages and documents are data: a package list that forgets them shows here only."""
    (packages,) = image.installed.glob("lib/python3*/site-packages")
    root = Path(schemas.__file__).parents[1]
    kinds = ("*.sql", "*.ini", "*.html", "*.css", "*.json")
    wanted = {
        path.relative_to(root)
        for part in ("schemas", "service", "consumers", "migrations")
        for kind in kinds
        for path in (root / part).rglob(kind)
    }
    assert wanted
    missing = {str(path) for path in wanted if not (packages / path).exists()}
    assert not missing


def test_it_runs_from_a_clean_environment_and_writes_nothing(image: Image) -> None:
    before = files(image)
    settings = run(image, "settings")
    assert settings.returncode == 0, settings.stderr
    assert "KAFKA_BOOTSTRAP_SERVERS" in settings.stdout
    ingress = run(image, "ingress")
    assert ingress.returncode == 2, ingress.stderr
    assert "DATABASE_URL" in ingress.stderr
    assert files(image) == before
