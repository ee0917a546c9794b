"""Every check runs on the base's files as they stand, and on what kustomize makes of it and of each overlay."""

import copy

import pytest

from tests.deploy.manifests import (
    BASE,
    KUSTOMIZE,
    OVERLAYS,
    CannotRenderError,
    Manifests,
    from_files,
    rendered,
)


@pytest.fixture(scope="session", params=["files", "base", *OVERLAYS])
def manifests(request: pytest.FixtureRequest) -> Manifests:
    name: str = request.param
    if name == "files":
        return Manifests("base", from_files())
    return rendered_or_skipped(name)


@pytest.fixture(scope="session", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> Manifests:
    return rendered_or_skipped(request.param)


@pytest.fixture(scope="session")
def production() -> Manifests:
    return rendered_or_skipped("production")


def rendered_or_skipped(name: str) -> Manifests:
    folder = BASE if name == "base" else KUSTOMIZE / "overlays" / name
    try:
        return Manifests(name, copy.deepcopy(rendered(folder)))
    except CannotRenderError as error:
        pytest.skip(f"{error}: nothing of {name} as rendered was checked")
