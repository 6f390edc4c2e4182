"""Canonical JSON and digests."""

import pytest
import rfc8785

from simulator import analyse, canonical, digest
from tests.unit.simulator.scenarios import layout_scenario, make_fleet


def test_a_report_equals_rfc_8785() -> None:
    report = analyse(layout_scenario(*make_fleet()))
    assert canonical(report) == rfc8785.dumps(report)


@pytest.mark.parametrize("data", [1.5, {1: "a"}, {"a": b""}, {"a": {1, 2}}])
def test_what_has_no_one_form(data: object) -> None:
    with pytest.raises(TypeError):
        canonical(data)


@pytest.mark.parametrize("data", [2**53, -(2**53), ["\ud800"]])
def test_values_that_do_not_fit(data: object) -> None:
    with pytest.raises(ValueError, match=r"53 bits|surrogates"):
        canonical(data)


def test_digests_are_apart_for_each_domain() -> None:
    assert digest("a", {"x": [True, None, 1]}) == digest("a", b'{"x":[true,null,1]}')
    assert digest("a", {}) != digest("b", {})
    assert len(digest("a", ())) == 64
