from datetime import UTC, datetime

import pytest

from service.testing import IasDouble
from tests.testing.cast import Member


@pytest.fixture
def double() -> IasDouble:
    return IasDouble(now=datetime(2026, 3, 2, 9, tzinfo=UTC))


@pytest.fixture
def ann(double: IasDouble) -> Member:
    return Member(double)
