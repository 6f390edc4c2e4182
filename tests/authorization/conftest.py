"""The world that every cell is tried in: made once a file, and undone after every cell."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from tests.authorization.world import World, build, undone


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    hasher = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with django_db_blocker.unblock(), override_settings(PASSWORD_HASHERS=hasher), undone():
        yield build()
