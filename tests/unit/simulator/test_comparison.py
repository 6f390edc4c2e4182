"""Two reports compared, row by row."""

from typing import Any

import pytest

from simulator import InvalidInput, analyse, compare
from simulator.comparison import COMPARISON_CLASSES
from tests.unit.simulator.scenarios import (
    LINUX,
    Data,
    guest_scenario,
    layout_scenario,
    make_fleet,
    make_gpu,
    make_guest,
    make_linux,
    make_suse,
)


def compared(before: Data, after: Data) -> Data:
    return compare(analyse(before), analyse(after))


def rows_of(found: Data, guest: str) -> dict[str, str]:
    """The class of each row about a guest: by rule and subject, or `guest` for the guest itself."""
    return {
        f"{row['rule']} {row['subject']}" if row["rule"] else row["kind"]: row["class"]
        for row in found["rows"]
        if row["guest"] == guest
    }


def test_a_report_against_itself() -> None:
    report = analyse(layout_scenario(*make_fleet()))
    found = compare(report, report)
    assert (found["schema"], found["verdict"]) == ("patreview.comparison/1", "unchanged")
    assert {row["class"] for row in found["rows"]} == {"unchanged"}
    assert found["before"]["inputs_digest"] == found["after"]["inputs_digest"]


def test_regressed_and_fixed() -> None:
    fine, broken = guest_scenario(make_gpu("a", "6.12.117")), guest_scenario(make_gpu("a", "5.15.100"))
    worse, better = compared(fine, broken), compared(broken, fine)
    assert (worse["verdict"], better["verdict"]) == ("regressed", "fixed")
    assert rows_of(worse, "a")["guest"] == "regressed"
    assert rows_of(better, "a")["guest"] == "fixed"
    assert rows_of(worse, "a")["ENC020 WC on ram"] == "new"
    assert rows_of(better, "a")["ENC020 WC on ram"] == "gone"


def test_a_finding_gets_worse() -> None:
    guest = make_suse(needs=["WC@ram"])
    found = compared(guest_scenario(guest, layout="WB WT UC- UC WT WP UC UC"), guest_scenario(guest, layout=LINUX))
    assert rows_of(found, "suse")["ENC010 WC on ram"] == "regressed"
    (row,) = [row for row in found["rows"] if row["rule"] == "ENC010"]
    assert (row["before"]["verdict"], row["after"]["verdict"]) == ("conditional", "incompatible")


def test_the_same_verdict_in_other_words_is_changed() -> None:
    guest = make_suse(needs=["WC@ram"])
    found = compared(
        guest_scenario(guest, layout="WB WT UC- UC WB WP UC UC"),
        guest_scenario(make_suse(needs=["WC@ram"], encodings={"WC": "0", "WB": "0"}), layout=LINUX),
    )
    assert rows_of(found, "suse")["ENC010 WC on ram"] == "changed"


def test_guests_come_and_go() -> None:
    one, two = make_linux("a", "6.12"), make_linux("b", "6.12", role="dom0")
    found = compared(guest_scenario(one), guest_scenario(two))
    assert (rows_of(found, "a")["guest"], rows_of(found, "b")["guest"]) == ("gone", "new")
    assert (found["counts"]["gone"], found["counts"]["new"]) == (1, 1)
    assert list(found["counts"]) == list(COMPARISON_CLASSES)


def test_what_is_not_known_cannot_be_compared() -> None:
    known, unknown = guest_scenario(make_gpu("a", "6.12.117")), guest_scenario(make_gpu("a", None))
    for before, after in ((known, unknown), (unknown, known)):
        found = compared(before, after)
        assert (found["verdict"], rows_of(found, "a")["guest"]) == ("incomparable", "incomparable")
    assert compared(unknown, unknown)["verdict"] == "unchanged"


def test_a_rule_that_did_not_run_says_nothing() -> None:
    hvm = make_guest("a", family="windows", mode="hvm", role="domU", devices=True)
    pv = make_linux("a", "6.12")
    found = compared(guest_scenario(hvm), guest_scenario(pv))
    assert rows_of(found, "a")["XEN060 second stage"] == "incomparable"
    assert rows_of(found, "a")["EVI080 table"] == "gone"


def test_what_was_fixed_is_no_statement() -> None:
    report = analyse(layout_scenario(*make_fleet()))
    assert any(finding["state"] == "fixed" for finding in report["findings"])
    assert "ENC020 WC on ram" not in rows_of(compare(report, report), "net-5.15")


WHOLE: Data = {
    "schema": "patreview.report/1",
    "verdict": "compatible",
    "classes": [],
    "findings": [],
    "coverage": {"ran": []},
    "engine": {},
}


@pytest.mark.parametrize("data", [None, [], {}, {"schema": "patreview.report/2"}, {"schema": "patreview.report/1"}])
def test_what_is_no_report_is_refused(data: Any) -> None:
    assert compare(WHOLE, WHOLE)["rows"] == []
    with pytest.raises(InvalidInput) as refused:
        compare(data, WHOLE)
    assert str(refused.value.problems[0]["field"]).startswith("before")
    with pytest.raises(InvalidInput) as refused:
        compare(WHOLE, data)
    assert str(refused.value.problems[0]["field"]).startswith("after")


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "odd"},
        {"verdict": None},
        {"classes": {}},
        {"classes": [{}]},
        {"classes": [{"after": "compatible", "platform": "p", "behaviour": 7, "members": []}]},
        {"classes": [{"after": "compatible", "platform": "p", "behaviour": "b", "members": [7]}]},
        {"classes": [{"after": "compatible", "platform": "p", "behaviour": "b", "members": {}}]},
        {"findings": [7]},
        {"coverage": []},
        {"coverage": {}},
    ],
)
def test_what_only_looks_like_a_report_is_refused(change: Data) -> None:
    with pytest.raises(InvalidInput):
        compare(WHOLE | change, WHOLE | change)


def why_of(found: Data) -> dict[str, str | None]:
    return {row["rule"] or row["kind"]: row["why"] for row in found["rows"] if row["class"] == "incomparable"}


def test_what_is_incomparable_says_why() -> None:
    known, unknown = guest_scenario(make_gpu("a", "6.12.117")), guest_scenario(make_gpu("a", None))
    after = analyse(unknown)
    rules = sorted({row["rule"] for row in after["findings"] if row["verdict"] == "indeterminate"})
    assert (
        why_of(compared(known, unknown))["guest"]
        == f"after is indeterminate by {', '.join(rules)}, before is compatible"
    )
    assert why_of(compared(unknown, known))["guest"].startswith("before is indeterminate by ")
    rows = compared(known, unknown)["rows"]
    assert all(bool(row["why"]) == (row["class"] == "incomparable") for row in rows)


def test_a_rule_that_did_not_run_is_named_with_its_side() -> None:
    hvm = make_guest("a", family="windows", mode="hvm", role="domU", devices=True)
    pv = make_linux("a", "6.12")
    reason = next(
        row["why"] for row in analyse(guest_scenario(pv))["coverage"]["not_applicable"] if row["rule"] == "XEN060"
    )
    assert why_of(compared(guest_scenario(hvm), guest_scenario(pv)))["XEN060"] == f"XEN060 did not run after: {reason}"
    assert why_of(compared(guest_scenario(pv), guest_scenario(hvm)))["XEN060"].startswith("XEN060 did not run before")


def finding(**change: Any) -> Data:
    return {"platform": "p", "rule": "ENC010", "subject": "WC", "title": "T", "guests": ["a"], **change}


def report(*findings: Data, verdict: str = "compatible", guest: str = "compatible", **coverage: Any) -> Data:
    """A report on guest `a`; `coverage` as rule -> reason of each part."""
    parts = {"ran": {"ENC010": ""}, **coverage}
    known = {"after": guest, "platform": "p", "behaviour": "b", "members": ["a"]}
    rows = {part: [{"rule": rule, "why": why} for rule, why in rules.items()] for part, rules in parts.items()}
    return WHOLE | {"verdict": verdict, "classes": [known], "findings": list(findings), "coverage": rows}


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        pytest.param(
            report(finding(verdict="incompatible")), report(finding(verdict="indeterminate")),
            "after is indeterminate (T), before is incompatible", id="a statement that is indeterminate",
        ),
        pytest.param(
            report(finding(verdict="incompatible")), report(ran={}, not_applicable={"ENC010": "no guest is PV"}),
            "ENC010 did not run after: no guest is PV", id="a rule that did not apply",
        ),
        pytest.param(
            report(ran={}), report(finding(verdict="degraded")),
            "ENC010 did not run before: its engine, 0.1, has no such rule", id="a rule that the engine has not",
        ),
        pytest.param(
            report(finding(verdict="incompatible"), guest="incompatible"),
            report(guest="indeterminate", undecided={"ENC010": "a release"}),
            "ENC010 could not decide after: a release", id="a rule that could not decide",
        ),
        pytest.param(
            report(finding(verdict="degraded", title="")), report(finding(verdict="indeterminate", title="")),
            "after is indeterminate, before is degraded", id="a statement without a title",
        ),
    ],
)  # fmt: skip
def test_why(before: Data, after: Data, why: str) -> None:
    engine = {"engine": {"version": "0.1"}}
    found = compare(before | engine, after | engine)
    assert why in [row["why"] for row in found["rows"] if row["class"] == "incomparable"]


def test_what_makes_reports_differ_as_a_whole() -> None:
    one = guest_scenario(make_linux("a", "6.12"), name="host-1")
    two = layout_scenario(*make_fleet())
    one["guests"][0]["platforms"] = ["host-1"]
    notes = {note["code"]: note["message"] for note in compared(one, two)["notes"]}
    assert notes["kind"] == "before is a report on a guest, after is one on a layout"
    assert notes["platform"] == "no platform is in both: host-1 before, host after"
    assert notes["guest"] == "no guest is in both: a before, dom0-6.12, net-5.15, suse and 2 more after"


@pytest.mark.parametrize(
    ("engines", "message"),
    [
        (({"version": "0.1"}, {"version": "0.2"}), "engine 0.1 judged before, engine 0.2 after"),
        (
            ({"version": "0.2", "rules_digest": "a"}, {"version": "0.2", "rules_digest": "b"}),
            "engine 0.2 judged both, with other rules or tables",
        ),
        ((None, {"version": "0.2"}), "engine unknown judged before, engine 0.2 after"),
    ],
)
def test_another_engine_is_said(engines: tuple[Data, Data], message: str) -> None:
    before, after = ({"engine": engine} for engine in engines)
    (note,) = compare(WHOLE | before, WHOLE | after)["notes"]
    assert note == {"code": "engine", "side": None, "message": message}


def test_what_one_side_leaves_open_is_said() -> None:
    notes = compare(report(), report(undecided={"ENC010": "a release"}))["notes"]
    assert notes == [{"code": "coverage", "side": "after", "message": "after leaves ENC010 undecided: a release"}]
