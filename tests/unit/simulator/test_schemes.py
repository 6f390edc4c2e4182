"""The scheme that was thought of and rejected in 2010: a guest sets the system's PAT layout."""

from typing import Any

import pytest

from simulator import analyse
from tests.unit.simulator.scenarios import LINUX, STOCK, Data, findings_of

DOM0: Data = {"name": "dom0", "guest": "linux", "release": "6.12", "mode": "pv", "role": "dom0"}
SUSE: Data = {
    "name": "sles11",
    "guest": "suse-xenlinux",
    "release": "2.6.32",
    "mode": "pv",
    "role": "domU",
    "devices": True,
    "needs": ["WC"],
}
RULES = ("SCH010", "SCH020", "SCH030")


def report_of(*guests: Data, layout: str | None = None, **platform: Any) -> Data:
    proposal = {"kind": "scheme", **({"layout": layout} if layout else {})}
    return analyse({"platform": {"xen": "3.4", **platform}, "guests": list(guests), "proposal": proposal})


def problems(report: Data) -> list[str]:
    return [rule for rule in RULES if findings_of(report, rule)]


@pytest.mark.parametrize("layout", [None, LINUX])
def test_dom0_sets_linuxs_layout_beside_suse_xenlinux(layout: str | None) -> None:
    report = report_of(DOM0, SUSE, layout=layout)
    assert report["platforms"][0]["after"]["msr"] == LINUX
    assert problems(report) == list(RULES)
    (complexity,), (others,), (flag,) = (findings_of(report, rule) for rule in RULES)
    assert (complexity["verdict"], others["verdict"], flag["verdict"]) == (
        "conditional",
        "incompatible",
        "incompatible",
    )
    assert "WC by PA4 was WC and is WB" in others["message"]
    assert "PA1 is WC and not WT" in flag["message"]
    for number, finding in zip(("first", "second", "third"), (complexity, others, flag), strict=True):
        assert f"the {number} problem of 2010" in finding["message"]
        assert finding["guests"] == ([] if number == "first" else ["sles11"])


def test_dom0_sets_xens_own_layout() -> None:
    report = report_of(DOM0, SUSE, layout=STOCK)
    assert (problems(report), report["verdict"]) == ([], "compatible")


def test_a_guest_of_which_too_little_is_known() -> None:
    """What its bits are is not known, so nothing is said of them; the other two problems stand."""
    unknown = {"name": "b", "guest": "linux", "mode": "pv", "role": "domU", "devices": True, "needs": ["WC"]}
    report = report_of(DOM0, unknown, layout=LINUX)
    assert problems(report) == ["SCH010", "SCH030"]
    assert report["verdict"] == "incompatible"


def test_a_guest_without_devices_has_no_problem() -> None:
    assert problems(report_of(DOM0, SUSE | {"devices": False, "needs": []}, layout=LINUX)) == []


def test_without_a_scheme_its_rules_do_not_apply() -> None:
    report = analyse({"platform": {}, "guests": [DOM0]})
    why = {row["rule"]: row["why"] for row in report["coverage"]["not_applicable"]}
    assert [why[rule] for rule in RULES] == ["no scheme is proposed"] * 3
