"""What a run may be asked: scenarios of patreview.scenario/1, and how wrong ones are refused."""

from typing import Any

import pytest

from simulator import InvalidInput, analyse
from simulator.effective import Vendor
from simulator.inputs.command_line import MmioRelax
from simulator.memory_type import BY_WORD
from simulator.pat import POWER_ON, XEN_LAYOUT
from simulator.scenario import read_scenario
from tests.unit.simulator.scenarios import (
    LINUX,
    STOCK,
    Data,
    guest_scenario,
    layout_scenario,
    make_gpu,
    make_linux,
    make_platform,
)

GUEST: Data = {"guest": "linux", "release": "6.12", "mode": "pv", "role": "dom0"}


def test_a_scenario_in_its_shortest_form() -> None:
    scenario = read_scenario({"schema": "patreview.scenario/1", "platform": {}, "guests": [GUEST]})
    (platform,) = scenario.platforms
    assert (platform.name, platform.xen.title, platform.vendor) == ("platform", "Xen 4.22", Vendor.INTEL)
    assert (platform.layout, platform.layout_source) == (XEN_LAYOUT, "xen")
    (guest,) = scenario.guests
    assert (guest.facts.name, guest.facts.devices, guest.platforms) == ("guest-1", True, ("platform",))
    assert (scenario.kind, scenario.setter) == ("guest", "")


def test_a_platform_with_all_that_may_be_stated() -> None:
    stated = {
        "name": "p",
        "xen": "4.17",
        "layout": LINUX,
        "layout_name": "our own",
        "vendor": "amd",
        "mtrr": {"default": "WB"},
        "cmdline": "dom0_mem=1G mmio-relax=all",
        "errata_cpu": True,
        "patches": ["40b05620e2"],
    }
    (platform,) = read_scenario({"platform": stated, "guests": []}).platforms
    assert (platform.layout.hex, platform.layout_source, platform.layout_name) == (LINUX, "stated", "our own")
    assert (platform.relax, platform.errata_cpu, platform.xen.by_type) == (MmioRelax.ALL, True, True)
    assert platform.mtrr is not None
    assert platform.mtrr.enabled


def test_before_3_2_the_firmwares_layout_is_in_force() -> None:
    (platform,) = read_scenario({"platform": {"xen": "3.1"}, "guests": []}).platforms
    assert (platform.layout, platform.layout_source) == (POWER_ON, "xen")


def test_a_guest_may_be_proposed() -> None:
    scenario = {"platform": {}, "guests": [GUEST], "proposal": {"kind": "guest", **GUEST, "name": "new"}}
    read = read_scenario(scenario)
    assert (read.kind, [guest.facts.name for guest in read.guests]) == ("guest", ["guest-1", "new"])
    assert analyse(scenario)["kind"] == "guest"


def test_a_config_is_read_with_the_guest() -> None:
    text = "# Linux/x86 6.12.117 Kernel Configuration\nCONFIG_XEN=y\n"
    guest = {"mode": "pv", "role": "domu", "config": {"text": text}}
    (placed,) = read_scenario({"platform": {}, "guests": [guest]}).guests
    assert placed.facts.config.source == ".config"
    assert placed.facts.release is not None
    assert (placed.facts.release.text, placed.facts.role) == ("6.12.117", "domU")


def test_a_scheme_takes_the_first_domains_own_layout() -> None:
    others = {**GUEST, "role": "domu", "devices": True}
    scenario: Data = {
        "platform": {},
        "guests": [{**GUEST, "name": "first"}, {**others, "name": "second"}],
        "proposal": {"kind": "scheme"},
    }
    read = read_scenario(scenario)
    proposed = read.platforms[0].proposed
    assert proposed is not None
    assert (proposed.hex, read.setter) == (LINUX, "first")
    assert [guest.facts.hides_pat for guest in read.guests] == [False, True]
    scenario["proposal"]["layout"] = "WB WT UC- UC WC WP UC UC"
    assert read_scenario(scenario).platforms[0].proposed == XEN_LAYOUT


PLATFORM = make_platform()
PROPOSAL = layout_scenario()["proposal"]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"schema": "patreview.scenario/2"}, "schema", "is not patreview.scenario/1"),
        ({"kind": "layout"}, "kind", "is not known here"),
        ({"platforms": []}, "platforms", "no platform is given"),
        ({"platforms": [PLATFORM, PLATFORM]}, "platforms[1].name", "'host' is given twice"),
        ({"platform": PLATFORM}, "platforms", "platform and platforms are both given"),
        ({"platforms": [PLATFORM | {"hypervisor": "kvm"}]}, "platforms[0].hypervisor", "is not known here"),
        ({"platforms": [PLATFORM | {"layout": "0x3"}]}, "platforms[0].layout", "PA0: encoding 0x03"),
        ({"platforms": [PLATFORM | {"vendor": "via"}]}, "platforms[0].vendor", "'via' is not one of intel, amd, any"),
        ({"platforms": [PLATFORM | {"cmdline": "mmio-relax=maybe"}]}, "platforms[0].cmdline", "a boolean or `all`"),
        ({"platforms": [make_platform("2.9")]}, "platforms[0].xen", "Xen 2.9 is not known"),
        ({"proposal": 7}, "proposal", "an object is wanted, not a number"),
        ({"proposal": {}}, "proposal.kind", "is missing: layout, guest, scheme"),
        ({"proposal": {"kind": "what-if"}}, "proposal.kind", "is not one of layout, guest, scheme"),
        ({"proposal": PROPOSAL | {"platform": "moon"}}, "proposal.platform", "'moon' is not among the platforms"),
        ({"proposal": PROPOSAL | {"layout": 7}}, "proposal.layout", "a layout is text"),
        ({"proposal": PROPOSAL | {"mode": "pv"}}, "proposal.mode", "a layout has no such field"),
        ({"proposal": {"kind": "scheme"}}, "guests", "a scheme needs one dom0"),
        ({"proposal": None}, "guests", "no rule applies"),
        ({"guests": [make_linux("a", "5.15"), make_linux("a", "5.15")]}, "guests[1].name", "'a' is given twice"),
        ({"guests": [make_linux("a", "5.15", on="moon")]}, "guests[0].platforms", "'moon' is not among the platforms"),
        ({"guests": [make_linux("a", "5.15") | {"platforms": [7]}]}, "guests[0].platforms", "7 is not among"),
        ({"guests": [make_linux("a", "5.15") | {"platforms": []}]}, "guests[0].platforms", "nothing can judge it"),
        ({"guests": [7]}, "guests[0]", "an object is wanted, not a number"),
        ({"guests": [GUEST | {"family": "linux"}]}, "guests[0].guest", "guest and family are both given"),
        ({"guests": [GUEST | {"colour": 1}]}, "guests[0].colour", "is not known here"),
        ({"guests": [GUEST | {"mode": "xen"}]}, "guests[0].mode", "is not one of pv, pvh, hvm"),
        ({"guests": [GUEST | {"config": {"text": 7}}]}, "guests[0].config.text", "the file's text is wanted"),
        ({"guests": [{"name": "a", "facts": 1}]}, "guests[0].facts", "an object is wanted"),
        ({"guests": [{"name": "a", "facts": {"release": {"value": "5.15", "origin": {"line": -1}}}}]},
         "guests[0].facts.release.origin.line", "a line number is wanted"),
        ({"guests": [{"name": "a", "facts": {"config": {"value": {"CONFIG_FOO": "y"}}}}]},
         "guests[0].facts.config.value.CONFIG_FOO", "is not known here"),
    ],
)  # fmt: skip
def test_scenarios_that_are_refused(change: Data, field: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        analyse({**layout_scenario(), **change})
    assert refused.value.problems[0]["field"] == field
    assert message in str(refused.value)


@pytest.mark.parametrize("data", [None, [], 7, "platform"])
def test_what_is_no_scenario(data: object) -> None:
    with pytest.raises(InvalidInput, match="an object is wanted"):
        analyse(data)


def test_a_layout_must_say_for_which_platform_it_is() -> None:
    scenario = layout_scenario()
    scenario["platforms"].append(make_platform(name="other"))
    del scenario["proposal"]["platform"]
    with pytest.raises(InvalidInput, match=r"is missing: which platform is it for\?"):
        analyse(scenario)


def needs_of(**stated: Any) -> set[tuple[str, str, bool]]:
    (one,) = analyse({"platform": {}, "guests": [GUEST | stated]})["classes"]
    return {(need["wanted"], need["target"], need["certain"]) for need in one["needs"]}


def test_needs_that_are_stated() -> None:
    default = {("WB", "ram", True), ("UC-", "mmio", True)}
    assert needs_of() == default
    assert needs_of(needs=["WC"]) == default | {("WC", "mmio", True), ("WC", "ram", True)}
    assert needs_of(needs=["wt@RAM"]) == default | {("WT", "ram", True)}
    assert set(BY_WORD) > {wanted for wanted, *_ in needs_of(needs=["UC-@ram"])}
    with pytest.raises(InvalidInput, match="'XX' is no need; write it as in WC, WC@mmio or UC-@ram"):
        needs_of(needs=["XX"])
    with pytest.raises(InvalidInput, match="is no need"):
        needs_of(needs=["WC@disk"])


def test_a_guest_runs_on_all_platforms_unless_it_says_on_which() -> None:
    gpu = make_gpu("a", "6.12.117")
    del gpu["platforms"]
    scenario = guest_scenario(gpu)
    scenario["platforms"].append(make_platform(name="other"))
    assert [one["platform"] for one in analyse(scenario)["classes"]] == ["host", "other"]
    gpu["platforms"] = ["other"]
    assert [one["platform"] for one in analyse(scenario)["classes"]] == ["other"]
    assert analyse(guest_scenario(make_linux("b", "6.12"), layout=STOCK))["verdict"] == "compatible"
