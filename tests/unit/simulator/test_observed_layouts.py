"""Layouts that boot logs show: one machine has one, for all of its PV guests."""

from typing import Any

import pytest

from simulator import analyse

LINUX, XEN = "WB WC UC- UC WB WP UC- WT", "WB WT UC- UC WC WP UC UC"
SUSE = {"name": "suse", "guest": "suse-xenlinux", "release": "2.6.32", "mode": "pv", "role": "domU", "devices": True}


def dom0(name: str = "dom0", **more: Any) -> dict[str, Any]:
    return {"name": name, "guest": "linux", "release": "6.12.1", "mode": "pv", "role": "dom0", **more}


def report_of(*guests: dict[str, Any], **platform: Any) -> Any:
    return analyse({"platform": platform, "guests": list(guests)})


def test_what_one_guest_sees_is_in_force_for_all() -> None:
    report = report_of(dom0(observed_pat=LINUX), SUSE | {"needs": ["WC@ram"]})
    assert {one["members"][0]: one["after"] for one in report["classes"]} == {
        "dom0": "compatible",
        "suse": "incompatible",
    }
    (finding,) = [one for one in report["findings"] if one["rule"] == "EVI070"]
    assert (finding["verdict"], finding["guests"]) == ("compatible", [])
    assert "what was seen counts" in finding["message"]


def test_a_proposal_is_compared_with_the_layout_that_was_seen() -> None:
    report = analyse({
        "platforms": [{"name": "host", "xen": "4.17"}],
        "guests": [dom0(observed_pat=LINUX, drivers=["i915"]) | {"platforms": ["host"]}],
        "proposal": {"kind": "layout", "platform": "host", "layout": XEN},
    })  # fmt: skip
    (one,) = report["classes"]
    assert (one["before"], one["after"], one["change"]) == ("degraded", "compatible", "improved")
    assert report["platforms"][0]["before"]["msr"] == "0x0407050600070106"
    assert report["platforms"][0]["after"]["msr"] == "0x0000050100070406"
    fixed = {finding["rule"] for finding in report["findings"] if finding["state"] == "fixed"}
    assert {"ENC010", "XEN100"} <= fixed


@pytest.mark.parametrize(
    ("guests", "platform"),
    [
        pytest.param([dom0(observed_pat=LINUX)], {"layout": XEN}, id="against a stated layout"),
        pytest.param([dom0(observed_pat=LINUX), SUSE | {"observed_pat": XEN}], {}, id="against each other"),
    ],
)
def test_contradictions_are_indeterminate(guests: list[dict[str, Any]], platform: dict[str, Any]) -> None:
    report = report_of(*guests, **platform)
    assert report["verdict"] == "indeterminate"
    (finding,) = [one for one in report["findings"] if one["rule"] == "EVI070"]
    assert "0x0407050600070106" in finding["message"]
    assert "0x0000050100070406" in finding["message"]


def test_an_hvm_guest_sees_its_own() -> None:
    hvm = {"guest": "linux", "release": "6.12.1", "mode": "hvm", "role": "domU", "devices": True, "observed_pat": LINUX}
    assert report_of(hvm, layout=XEN)["verdict"] == "compatible"


@pytest.mark.parametrize("module", ["i915", "i915.ko", "/lib/modules/5.15/kernel/drivers/gpu/i915.ko.xz", " I915 "])
def test_modules_by_file_name(module: str) -> None:
    assert report_of(dom0() | {"release": "5.15.100", "modules": [module]})["verdict"] == "incompatible"
