"""The catalogue of rules: ids, examples, and that every finding can be followed to a source, step by step."""

import ast
import re
from pathlib import Path

import pytest

import simulator
from simulator import analyse, citations, rules_as_data
from simulator.catalogue import GROUPS
from simulator.rules import RULES, Rule
from tests.following import assert_can_be_followed, is_citation
from tests.unit.simulator.scenarios import Data

SIMULATOR = Path(simulator.__file__).parent

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def standing(report: Data, rule: str) -> list[Data]:
    """The findings of a rule that the report does not call fixed."""
    return [one for one in report["findings"] if one["rule"] == rule and one["state"] != "fixed"]


@each_rule
def test_the_example_that_fires(rule: Rule) -> None:
    report = analyse(rule.fires)
    assert standing(report, rule.id)
    assert_can_be_followed(report)


@each_rule
def test_the_example_that_stays_silent(rule: Rule) -> None:
    report = analyse(rule.silent)
    assert standing(report, rule.id) == []
    assert_can_be_followed(report)


@each_rule
def test_a_finding_fits_its_rule(rule: Rule) -> None:
    for finding in standing(analyse(rule.fires), rule.id):
        assert finding["rule_title"] == rule.title
        assert (finding["assumption"] is not None) == (finding["verdict"] == "conditional")
        assert finding["confidence"] in ("verified", "derived", "recalled")
        assert isinstance(finding["fixes"], list)


def test_rules_have_an_id_of_their_own_and_citations() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(f"(?:{'|'.join(GROUPS)})[0-9]{{2}}0", rule.id)
        assert rule.title
        assert rule.applicability
        assert rule.cites
        assert all(is_citation(cite) for cite in rule.cites)
    assert {rule.id[:3] for rule in RULES} == set(GROUPS)
    assert "LAY010" not in {rule.id for rule in RULES}  # it was the door's: an id is never used again


def test_each_rule_says_in_a_line_what_it_is_about() -> None:
    for rule in rules_as_data():
        assert str(rule["about"]).endswith("."), rule["id"]


def constants() -> dict[str, str]:
    return {name: value for name, value in vars(citations).items() if name.isupper() and isinstance(value, str)}


def test_every_citation_has_one_of_the_two_forms() -> None:
    wrong = [f"{name}: {text}" for name, text in constants().items() if not is_citation(text)]
    assert not wrong
    assert len(set(constants().values())) == len(constants())


def test_every_citation_is_used() -> None:
    used = {
        node.attr
        for file in SIMULATOR.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "citations"
    }
    assert sorted(constants().keys() - used) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "xen",
        "Intel SDM",
        "xen: xen/arch/x86/mm.c",
        "xen: xen/arch/x86/mm.c@master",
        "Debian linux-source-7.2: arch/x86/mm/init.c@",
        'Intel SDM, ""',
    ],
)
def test_what_is_no_citation(text: str) -> None:
    assert not is_citation(text)
