"""The published JSON Schemas, and the documents that the engine writes, say what the engine does."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from simulator import analyse
from simulator.rules import RULES
from tests.unit.simulator.scenarios import make_fleet, make_linux

DOCS = Path(__file__).parents[3] / "docs"


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((DOCS / "schemas" / name).read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


REPORT, SCENARIO = validator("report-1.json"), validator("scenario-1.json")


def examples() -> Iterator[Any]:
    for rule in RULES:
        yield pytest.param(rule.fires, id=f"{rule.id} fires")
        yield pytest.param(rule.silent, id=f"{rule.id} is silent")


@pytest.mark.parametrize("scenario", list(examples()))
def test_examples_and_their_reports_are_of_the_published_formats(scenario: Any) -> None:
    SCENARIO.validate(scenario)
    REPORT.validate(analyse(scenario))


def test_what_the_service_asks_is_of_the_published_format() -> None:
    fleet = [*make_fleet(), make_linux("unknown", None)]
    scenario = {
        "schema": "patreview.scenario/1",
        "platforms": [{"name": "host", "xen": "4.17", "vendor": "any", "layout_name": "own"}],
        "guests": fleet,
        "proposal": {"kind": "layout", "platform": "host", "layout": "0x0407050600070106"},
    }
    SCENARIO.validate(scenario)
    REPORT.validate(analyse(scenario))


@pytest.mark.parametrize(
    ("key", "value"), [("verdict", "fine"), ("schema", "patreview.report/2"), ("surplus", 1), ("platforms", [])]
)
def test_the_schema_refuses_what_is_no_report(key: str, value: object) -> None:
    report = analyse(RULES[0].fires)
    assert not REPORT.is_valid({**report, key: value})


def test_the_documents_are_what_the_engine_says() -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for path, text in generate.generated().items():
        assert path.read_text() == text, f"{path.name}: make docs"
    text = (DOCS / "memory-types.md").read_text()
    assert all(f"<!-- table: {name} -->" in text for name in generate.TABLES)
