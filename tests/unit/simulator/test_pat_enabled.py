"""pat_enabled(), which the memtype code and some drivers ask, is not whether the layout's entries are used."""

from typing import Any

import pytest

from simulator import analyse
from tests.unit.simulator.scenarios import (
    HEADER,
    LINUX,
    Data,
    config_guest,
    findings_of,
    guest_scenario,
    make_linux,
    symbols,
)

BOOTS = ("X86_64", "XEN", "XEN_PV", "XEN_DOM0", "MTRR")


def report_of(*guests: Data, layout: str = LINUX, release: str = "4.18", **platform: Any) -> Data:
    return analyse(guest_scenario(*guests, layout=layout, release=release, **platform))


@pytest.mark.parametrize(
    ("release", "cmdline", "is_told"),
    [
        ("6.12.1", "nopat", False),
        ("6.12.1", "quiet", True),
        ("5.17", "", False),
        ("5.16", "", True),
        ("5.19.5", "", False),
        ("5.19.6", "", True),
        ("6.0-rc2", "", False),
        ("6.0-rc3", "", True),
        ("6.0.19", "", True),
    ],
)
def test_i915_refuses_wc_where_it_is_told_of_no_pat(release: str, cmdline: str, is_told: bool) -> None:
    report = report_of(make_linux("a", release, role="dom0", cmdline=cmdline, drivers=["i915"]))
    assert report["verdict"] == ("compatible" if is_told else "incompatible")
    for finding in findings_of(report, "DRV020"):
        assert (finding["verdict"], finding["severity"]) == ("incompatible", "function")
        assert "pat_enabled() is false" in finding["message"]
    without = report_of(make_linux("a", release, role="dom0", cmdline=cmdline, drivers=["amdgpu"]))
    assert (without["verdict"], findings_of(without, "DRV020")) == ("compatible", [])
    for finding in findings_of(without, "ENC040"):
        assert (finding["verdict"], finding["severity"], finding["assumption"]) == ("compatible", "advice", None)


def test_a_driver_that_may_be_loaded_makes_it_conditional() -> None:
    text = HEADER.format(release="5.17.3") + symbols(*BOOTS, "X86_PAT") + "CONFIG_DRM_I915=m\n"
    report = report_of(config_guest(text))
    assert report["verdict"] == "conditional"
    (finding, *_) = findings_of(report, "DRV020")
    assert finding["assumption"] == "i915 is not loaded"


def test_without_mtrr_there_is_no_pat() -> None:
    report = report_of(config_guest("# CONFIG_MTRR is not set\n", release="6.12.1"))
    (finding,) = findings_of(report, "ENC040")
    assert "pat_enabled() is false (CONFIG_MTRR is not set (c:1))" in finding["message"]
    assert finding["fixes"] == ["enable CONFIG_X86_PAT, which needs CONFIG_MTRR"]


def test_a_whole_config_without_pat_has_it_off() -> None:
    report = report_of(config_guest(HEADER.format(release="6.12.1") + symbols(*BOOTS)))
    assert "(CONFIG_X86_PAT is absent (c))" in findings_of(report, "ENC040")[0]["message"]
    has = report_of(config_guest(HEADER.format(release="6.12.1") + symbols("X86_PAT", *BOOTS)))
    assert (has["verdict"], findings_of(has, "ENC040")) == ("compatible", [])


def test_pat_enabled_may_be_true_by_a_backport() -> None:
    plain = report_of(make_linux("a", "5.17", role="dom0"))
    (finding,) = findings_of(plain, "ENC040")
    assert finding["fixes"] == ["run Linux 6.0 or later, or a kernel with 72cbc8f04fe2 (5.19.6)"]
    carried = report_of(make_linux("a", "5.17", role="dom0", patches=["72cbc8f04fe2"]))
    assert findings_of(carried, "ENC040") == []
