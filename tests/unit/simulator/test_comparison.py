"""Two reports compared, row by row."""

from typing import Any

import pytest

from simulator import InvalidInput, analyse, compare
from simulator.comparison import CLASSES
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
    assert list(found["counts"]) == list(CLASSES)


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
