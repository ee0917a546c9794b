"""Every check of the manifests runs on the files as they stand and on what kustomize makes of them."""

from collections.abc import Callable

import pytest

from tests.deploy.manifests import CannotRenderError, Manifest, Manifests, from_files, rendered


@pytest.fixture(scope="session", params=[from_files, rendered], ids=["files", "rendered"])
def manifests(request: pytest.FixtureRequest) -> Manifests:
    source: Callable[[], list[Manifest]] = request.param
    try:
        return Manifests(source())
    except CannotRenderError as error:
        pytest.skip(str(error))
