"""What a release hides, or a scheme leaves open, decides nothing: both answers are judged, or the input is refused."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator import InvalidInput, analyse

ROOT = Path(__file__).parents[3]
Data = dict[str, Any]


def verdict_of(**guest: Any) -> Data:
    return analyse({"platform": {}, "guests": [{"name": "g", "guest": "linux", "mode": "pv", "role": "dom0", **guest}]})


@pytest.mark.parametrize(
    ("guest", "verdict"),
    [
        pytest.param({"release": "5.19.5"}, "incompatible", id="before the fix"),
        pytest.param({"release": "5.19.6", "patches": ["548cb932051f"]}, "compatible", id="with both fixes"),
        pytest.param({"release": "5.19.0-50-generic", "patches": ["548cb932051f"]}, "indeterminate", id="hidden"),
        pytest.param({"release": "5.19.0-50-generic", "patches": ["548cb932051f", "72cbc8f04fe2"]}, "compatible",
                     id="hidden, and stated to be there"),
        pytest.param({"release": "6.0.0-1-amd64", "patches": ["548cb932051f"]}, "compatible", id="6.0 has it anyway"),
    ],
)  # fmt: skip
def test_the_fix_of_pat_enabled_behind_a_hidden_patch_level(guest: Data, verdict: str) -> None:
    report = verdict_of(drivers=["i915"], **guest)
    assert report["verdict"] == verdict
    if verdict == "indeterminate":
        (finding,) = [one for one in report["findings"] if one["rule"] == "EVI030"]
        assert "72cbc8f04fe2" in finding["message"]


@pytest.mark.parametrize(
    ("release", "verdict"),
    [("6.1.6", "compatible"), ("6.1.7", "conditional"), ("6.1.32", "conditional"), ("6.1.33", "compatible"),
     ("6.1.0-3-amd64", "conditional"), ("6.2-rc3", "compatible"), ("6.2-rc4", "conditional"),
     ("6.2.0-1", "compatible")],
)  # fmt: skip
def test_a_missing_mtrr_taken_for_wb(release: str, verdict: str) -> None:
    assert verdict_of(release=release)["verdict"] == verdict


def test_guests_of_one_class_do_not_share_what_a_release_decides() -> None:
    fleet = [{"name": name, "guest": "linux", "release": release, "mode": "pv", "role": "dom0"}
             for name, release in (("a", "6.1.60"), ("b", "6.1.8"))]  # fmt: skip
    report = analyse({"platform": {}, "guests": fleet})
    assert {one["members"][0]: one["after"] for one in report["classes"]} == {"a": "compatible", "b": "conditional"}


@pytest.mark.parametrize(
    ("mtrr", "verdict"),
    [
        pytest.param({"default": "WC"}, "incompatible", id="all memory is WC"),
        pytest.param({"default": "UC"}, "degraded", id="all memory is UC"),
        pytest.param({"default": "WT"}, "incompatible", id="registers are WT as well"),
        pytest.param({"enabled": False}, "degraded", id="disabled"),
        pytest.param({"default": "UC", "variable": [{"base": 0, "size": 1 << 31, "type": "WB"}]}, "compatible",
                     id="as machines have it"),
    ],
)  # fmt: skip
def test_stated_mtrrs_count(mtrr: Data, verdict: str) -> None:
    guest = {"guest": "linux", "release": "6.12", "mode": "pv", "role": "dom0", "encode": {"UC-": "0"}}
    plain = guest | {"encode": {}} if mtrr.get("default") != "WT" else guest
    scenario = {"platform": {"mtrr": mtrr, "cmdline": "mmio-relax=all"}, "guests": [plain]}
    assert analyse(scenario)["verdict"] == verdict


@pytest.mark.parametrize("guest", [{"guest": "linux"}, {"guest": "suse-xenlinux", "release": "2.6.32"}])
def test_a_scheme_whose_layout_is_not_known_is_refused(guest: Data) -> None:
    scenario = {"platform": {}, "guests": [guest | {"mode": "pv", "role": "dom0"}], "proposal": {"kind": "scheme"}}
    with pytest.raises(InvalidInput, match="it is not known which layout") as refused:
        analyse(scenario)
    assert refused.value.problems[0]["field"] == "proposal.layout"


def explain(*arguments: str, **run: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "simulator", *arguments]
    return subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, check=False, **run)


GUEST = ("--guest", "linux", "--release", "6.12", "--mode", "pv", "--role", "dom0")


def test_an_answer_that_cannot_be_written_is_said() -> None:
    with Path("/dev/full").open("wb") as full:
        done = explain("explain", *GUEST, stdout=full)
    assert (done.returncode, b"could not be written" in done.stderr, b"Traceback" in done.stderr) == (7, True, False)


def test_names_in_any_script_are_shown_on_any_terminal(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text('{"platform": {}, "guests": [{"name": "é", "guest": "linux", "release": "6.12", "mode": "pv",'
                        ' "role": "dom0"}]}', encoding="utf-8")  # fmt: skip
    done = explain("check", str(scenario), stdout=subprocess.PIPE, env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\xe9" in done.stdout
