"""``service.testing`` is no invention: double and service tell the same stories alike, field by field."""

import pytest

from tests.processes.scene import Scene
from tests.testing.stages import OnDouble, OnProcesses
from tests.testing.stories import STORIES, Story, comparable

pytestmark = pytest.mark.process


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_the_double_tells_what_the_service_tells(scene: Scene, story: Story) -> None:
    real, double = OnProcesses(scene, await scene.member("double")), OnDouble()
    await story(real)
    await scene.relayed()
    await story(double)
    told = comparable(real.subject_id, await real.told())
    assert comparable(double.subject_id, await double.told()) == told
