"""What Xen's own layout means to guests with a PAT of their own, and which MTRR ranges guests meet."""

import pytest

from simulator import InvalidInput, analyse, explain
from simulator.memory_type import BY_WORD
from simulator.pat import LINUX_LAYOUT, POWER_ON, XEN_LAYOUT, PatLayout
from simulator.stage2 import absent_types, npt_faults, shadow_type
from tests.unit.simulator.scenarios import Data, findings_of


@pytest.mark.parametrize(
    ("wanted", "layout", "expected"),
    [
        ("WC", XEN_LAYOUT, "WC"),
        ("WC", POWER_ON, "UC"),
        ("WP", POWER_ON, "UC"),
        ("UC", PatLayout.of_words("WT WB UC- UC- WC WP UC- UC-"), "WT"),
        ("UC-", PatLayout.of_words("WB WT UC UC WC WP UC UC"), "UC"),
    ],
)
def test_shadow_paging_looks_a_type_up_in_xens_layout(wanted: str, layout: PatLayout, expected: str) -> None:
    assert shadow_type(BY_WORD[wanted], layout) is BY_WORD[expected]


def test_absent_types() -> None:
    assert absent_types(XEN_LAYOUT) == absent_types(LINUX_LAYOUT) == []
    assert [one.word for one in absent_types(POWER_ON)] == ["WC", "WP"]


@pytest.mark.parametrize(
    ("layout", "faults"),
    [
        ("WB WT UC- UC WC WP UC UC", []),
        ("WB WT UC UC WC WP UC UC", []),
        ("WB WT WC UC WC WP UC UC", [2]),
        ("UC WT WB UC WC WP UC UC", [0, 2]),
    ],
)
def test_nested_paging_needs_two_entries(layout: str, faults: list[int]) -> None:
    assert npt_faults(PatLayout.of_words(layout)) == faults


WC_RANGE = {"default": "WB", "variable": [{"base": "0xd0000000", "size": "0x10000000", "type": "WC"}]}


def under_wc(**guest: object) -> Data:
    stated = {"mode": "pv", "role": "dom0", **guest}
    return analyse({"platform": {"mtrr": WC_RANGE}, "guests": [stated]})


def test_what_a_range_of_wc_makes_of_each_type() -> None:
    (finding,) = findings_of(under_wc(guest="linux", release="6.12"), "EFF040")
    assert "WC by PA4 (WC) is WC, UC- by PA2 (UC-) is WC, UC by PA3 (UC) is UC" in finding["message"]
    (finding,) = findings_of(under_wc(guest="mini-os"), "EFF040")
    assert "where an MTRR says WC, UC- by PA2 (UC-) is WC, UC by PA2 (UC-) is WC" in finding["message"]


def test_one_guest_is_explained() -> None:
    guest = {"guest": "linux", "release": "6.12", "mode": "pv", "role": "domU"}
    scenario = {"platform": {}, "guests": [guest, guest | {"name": "b", "devices": True}]}
    with pytest.raises(InvalidInput, match="one guest on one platform is explained"):
        explain(scenario)
    with pytest.raises(InvalidInput, match="one guest on one platform is explained"):
        explain({"platforms": [{"name": "a"}, {"name": "b"}], "guests": [guest]})
