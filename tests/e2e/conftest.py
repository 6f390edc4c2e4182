"""One service and one browser for all walks."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.browsing import address, running_browser, running_service
from tests.faults.installation import Installation


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    with running_service() as started:
        yield started


@pytest.fixture(scope="session")
def base(installation: Installation) -> str:
    return address(installation)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_browser() as started:
        yield started
