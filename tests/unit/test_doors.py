"""The doors reach rows only through queries and services: import contracts see modules, this sees managers."""

import re
from pathlib import Path

import pytest

import patreview.api
import patreview.web

DOORS = [Path(door.__file__ or "").parent for door in (patreview.api, patreview.web)]
FORBIDDEN = re.compile(r"\.objects\b|\.save\(|\.delete\(|\.update\([a-z_]+=")


@pytest.mark.parametrize("path", [path for door in DOORS for path in door.rglob("*.py")], ids=lambda path: path.name)
def test_a_door_touches_no_manager_and_saves_nothing(path: Path) -> None:
    assert not FORBIDDEN.findall(path.read_text())
