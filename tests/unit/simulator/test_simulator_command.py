"""`python -m simulator`: answers on stdout, errors on stderr, exit codes by verdict.

What `explain` answers is in test_explain_command.py.
"""

import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from simulator import command
from simulator.guest import ROWS
from simulator.rules import RULES
from tests.unit.simulator.scenarios import (
    Data,
    guest_scenario,
    layout_scenario,
    make_fleet,
    make_gpu,
    make_linux,
    scenario_2010,
)

GUEST = ["--guest", "linux", "--release", "6.12", "--mode", "pv", "--role", "dom0"]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command; gives its exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = command.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def to_file(data: object, name: str = "scenario.json") -> str:
        file = tmp_path / name
        file.write_text(data if isinstance(data, str) else json.dumps(data))
        return str(file)

    return to_file


def test_layout(run: Any) -> None:
    code, out, err = run("layout", "0x50100070406")
    lines = out.splitlines()
    assert (code, err, lines[0]) == (0, "", "0x0000050100070406  Xen 3.2 and later")
    assert lines[6].split() == ["PA4", "1", "0", "0", "WC"]


@pytest.mark.parametrize(
    "text",
    ["50100070406", "0000050100070406", "wb WT uc- UC wc WP uc UC",
     "x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  "],
)  # fmt: skip
def test_layout_for_machines(text: str, run: Any) -> None:
    code, out, _ = run("layout", text, "--format", "json")
    assert (code, json.loads(out)) == (
        0,
        {
            "msr": "0x0000050100070406",
            "entries": ["WB", "WT", "UC-", "UC", "WC", "WP", "UC", "UC"],
            "name": "Xen 3.2 and later",
        },
    )


def test_a_layout_that_is_rejected(run: Any) -> None:
    code, out, err = run("layout", "0x0207050600070106")
    assert (code, out) == (7, "")
    assert err == "PA7: encoding 0x02 is reserved; use 00 UC, 01 WC, 04 WT, 05 WP, 06 WB or 07 UC-\n"


def test_effective(run: Any) -> None:
    code, out, _ = run("effective")
    rows = [line.split() for line in out.splitlines() if not line.startswith("  ")]
    assert code == 0
    assert rows[0] == ["intel:", "MTRR", "\\", "PAT", "UC", "UC-", "WC", "WT", "WP", "WB"]
    assert rows[2] == ["WC", "UC", "WC", "WC", "UC", "UC", "WC"]
    assert rows[6] == ["amd:", *rows[0][1:]]
    assert rows[8] == rows[2]
    assert "AMD's CD is uncached" in out


def test_effective_for_machines(run: Any) -> None:
    _, out, _ = run("effective", "--vendor=AMD", "--format=json")
    answer = json.loads(out)
    assert (answer["vendor"], answer["grid"]["WP"]["UC-"]) == ("amd", "UC")
    assert any("CD" in note for note in answer["notes"])
    _, out, _ = run("effective", "--vendor", "intel")
    assert "amd:" not in out
    code, out, err = run("effective", "--format", "json")
    assert (code, out) == (64, "")
    assert err.startswith("effective as JSON is of one vendor")


DEGRADED = guest_scenario(make_gpu("a", "6.12"), layout="WB WT UC- UC WB WT UC- UC")


@pytest.mark.parametrize(
    ("scenario", "verdict", "code"),
    [
        (layout_scenario(*make_fleet()), "incompatible", 4),
        (guest_scenario(make_gpu("a", None)), "indeterminate", 5),
        (scenario_2010(), "conditional", 6),
        (guest_scenario(make_linux("a", "6.12.117")), "compatible", 0),
        (DEGRADED, "degraded", 0),
    ],
)
def test_check_exits_by_verdict(scenario: Data, verdict: str, code: int, run: Any, write: Any) -> None:
    file = write(scenario)
    answered, out, err = run("check", file, "--format", "json")
    report = json.loads(out)
    assert (answered, err, report["schema"], report["verdict"]) == (code, "", "patreview.report/1", verdict)
    answered, out, _ = run("check", file, "--strict", "--format", "text")
    assert answered == (3 if verdict == "degraded" else code)
    lines = out.splitlines()
    assert lines[0] == f"verdict: {verdict}"
    assert " ".join(out.split()).startswith(f"verdict: {verdict} {' '.join(report['sentence'].split())}")
    for finding in report["findings"]:
        assert f"{finding['rule']} {finding['verdict']}, {finding['severity']}: " in out
    assert ("right if " in out) or verdict != "conditional"


def test_check_by_flags(run: Any, write: Any) -> None:
    config = write("CONFIG_DRM_AMDGPU=m\nCONFIG_X86_PAT=y\n", "dom0.config")
    code, out, _ = run("check", *GUEST, "--config", config, "--vendor", "amd", "--xen", "4.18", "--format=json")
    report = json.loads(out)
    assert (code, report["platforms"][0]["hypervisor"], report["platforms"][0]["cpu_vendor"]) == (0, "Xen 4.18", "amd")
    whys = {need["why"] for need in report["classes"][0]["needs"]}
    assert f"AMD graphics (amdgpu): CONFIG_DRM_AMDGPU=m ({config}:1)" in whys


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "No such file"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff", "no JSON"),
        (b"[]", "an object is wanted"),
        (b" " * 101, "more than 100 bytes"),
    ],
)
def test_files_that_are_rejected(
    body: bytes | None, message: str, tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if message.startswith("more"):
        monkeypatch.setattr(command, "FILE_LIMIT", 100)
    file = tmp_path / "scenario.json"
    if body is not None:
        file.write_bytes(body)
    code, out, err = run("check", str(file))
    assert (code, out) == (7, "")
    assert message in err


def test_a_file_name_that_cannot_be_one(run: Any) -> None:
    assert run("check", "a\0b")[:2] == (7, "")


def test_diff(run: Any, write: Any) -> None:
    fine, worse = guest_scenario(make_gpu("a", "6.12.117")), guest_scenario(make_gpu("a", "5.15.100"))
    files = []
    for name, scenario in (("fine", fine), ("worse", worse)):
        files.append(write(run("check", write(scenario), "--format", "json")[1], f"{name}.json"))
    code, out, _ = run("diff", *files, "--format=json")
    assert (code, json.loads(out)["verdict"]) == (4, "regressed")
    code, out, _ = run("diff", *files)
    assert code == 4
    assert "regressed: a" in out
    assert "compatible -> incompatible" in out
    assert run("diff", *reversed(files))[0] == 0
    code, out, _ = run("diff", files[0], files[0])
    assert code == 0
    assert "regressed" not in out
    code, out, err = run("diff", files[0], write([], "list.json"))
    assert (code, out) == (7, "")
    assert "is no report" in err


def test_diff_says_why_not(run: Any, write: Any) -> None:
    files = []
    for name, release in (("known", "6.12.117"), ("unknown", None)):
        scenario = guest_scenario(make_gpu("a", release))
        files.append(write(run("check", write(scenario), "--format", "json")[1], f"{name}.json"))
    _, out, _ = run("diff", *files)
    lines = " ".join(out.split())
    assert "after leaves" in lines
    assert "incomparable: a compatible -> indeterminate after is indeterminate by " in lines


def test_rules(run: Any) -> None:
    _, out, _ = run("rules")
    assert [line.split()[0] for line in out.splitlines()] == [rule.id for rule in RULES]
    _, out, _ = run("rules", "--format", "json")
    assert [rule["id"] for rule in json.loads(out)] == [rule.id for rule in RULES]
    _, out, _ = run("rules", "enc010", "--format", "json")
    assert json.loads(out)["id"] == "ENC010"
    _, out, _ = run("rules", "ENC010")
    assert out.splitlines()[0].startswith("ENC010  ")
    assert all(word in out for word in ("Severity: correctness", "fires: ", "silent: ", "Intel SDM"))
    code, out, err = run("rules", "LAY010")
    assert (code, out, err) == (7, "", "'LAY010' is no rule; `rules` lists them\n")


def test_guests(run: Any) -> None:
    _, out, _ = run("guests")
    for row in ROWS:
        assert row.family == "stated" or row.title in out
    _, out, _ = run("guests", "--format", "json")
    families = {row["family"] for row in json.loads(out)}
    assert families == {row.family for row in ROWS} - {"stated"}


def test_hypervisors(run: Any) -> None:
    _, out, _ = run("hypervisors")
    assert "IA32_PAT" in out.splitlines()
    assert "  4.16.0 to 4.16.3" in out.splitlines()
    assert "  3.2.0 to its last release" in out.splitlines()
    _, out, _ = run("hypervisors", "--format", "json")
    assert {"facets", "s3_windows", "layouts"} <= set(json.loads(out))


def words_of(line: str) -> str:
    return " ".join(line.split())


def test_explain_for_people(run: Any) -> None:
    code, out, _ = run(
        "explain", *GUEST, "--driver", "i915", "--host-layout", "WB WC UC- UC WB WP UC- WT", "--xen=4.17"
    )
    lines = [words_of(line) for line in out.splitlines()]
    assert (code, lines[0]) == (0, "verdict: degraded")
    assert lines[1].startswith("guest: linux 6.12, pv dom0, with devices; Linux 4.14 and later")
    assert lines[2] == "layout: 0x0407050600070106 WB WC UC- UC WB WP UC- WT (stated)"
    assert lines[3] == "needs: WB@ram, UC-@mmio, WC@mmio, WC@ram"
    assert "UC- 0 1 0 2 UC- UC WC UC WC UC compatible" in lines
    assert any(line.startswith("XEN100 compatible, advice: ") for line in lines)
    assert any(line.startswith("fix: carry 40b05620e2") for line in lines)


def test_explain_tells_what_is_refused_and_what_is_not_known(run: Any) -> None:
    code, out, _ = run("explain", "--guest", "linux", "--release", "6.12", "--mode", "pv", "--role", "domu")
    lines = [words_of(line) for line in out.splitlines()]
    assert code == 0
    assert any(line.startswith("WC - - - refused by xen incompatible") for line in lines)
    code, out, _ = run("explain", "--guest", "linux", "--mode", "pv", "--role", "dom0", "--driver", "amdgpu")
    lines = [words_of(line) for line in out.splitlines()]
    assert (code, lines[0]) == (5, "verdict: indeterminate")
    assert lines[1].startswith("guest: linux (release unknown), pv dom0, with devices; undecided: ")
    assert any(line.startswith("WC ? ? ? ? indeterminate") for line in lines)
    assert any(line.startswith("undecided: ENC010: what is known of guest does not decide") for line in lines)


def test_an_encoding_that_is_stated_twice(run: Any) -> None:
    code, out, err = run("explain", *GUEST, "--encode", "WC=PWT", "--encode=wc=PAT")
    assert (code, out, err) == (7, "", "encode: WC is stated twice\n")
    code, _, err = run("explain", *GUEST, "--encode", "WC")
    assert code == 64
    assert err.startswith("--encode WC: write it as TYPE=BITS, as in WC=PWT")


@pytest.mark.parametrize("arguments", [["layout", "0x50100070406"], ["rules", "--format", "json"]])
def test_a_reader_that_went_away_is_no_error(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        ended = subprocess.run(
            [sys.executable, "-m", "simulator", *arguments],
            cwd=Path(__file__).parents[3],
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_a_reader_that_goes_away_while_a_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert command.main(["rules", "--format", "json"]) == 141
        monkeypatch.undo()


def test_an_answer_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert command.main(["rules", "--format", "json"]) == 7
        monkeypatch.undo()
    assert capsys.readouterr().err == "the answer could not be written: No space left on device\n"


def test_an_answer_into_memory() -> None:
    with redirect_stdout(StringIO()) as written:
        assert command.main(["layout", "0x0407050600070106"]) == 0
    assert "0x0407050600070106" in written.getvalue()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "usage: "),
        (["what"], "'what' is no command"),
        (["layout"], "layout takes one text"),
        (["layout", "WB", "WT"], "layout takes one text"),
        (["layout", "--colour"], "--colour is no flag of this command"),
        (["layout", "0x6", "--format", "xml"], "--format xml: it is one of text, json"),
        (["layout", "0x6", "--format"], "--format needs a value"),
        (["layout", "0x6", "--format=json", "--format=text"], "--format is given 2 times"),
        (["effective", "x"], "'x' is one word too many"),
        (["effective", "--vendor", "via"], "--vendor via: it is one of intel, amd"),
        (["check"], "--guest is missing"),
        (["check", "a.json", "b.json"], "check takes one scenario file, or the flags of explain"),
        (["check", "a.json", "--guest", "linux"], "check takes one scenario file, or the flags of explain"),
        (["check", *GUEST, "--strict=yes"], "--strict takes no value"),
        (["check", *GUEST[:-1], "king"], "--role king: it is one of dom0, domu"),
        (["diff", "a.json"], "diff takes two reports"),
        (["rules", "ENC010", "ENC020"], "'ENC020' is one word too many"),
        (["guests", "linux"], "'linux' is one word too many"),
        (["hypervisors", "xen"], "'xen' is one word too many"),
    ],
)
def test_usage(arguments: list[str], message: str, run: Any) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (64, "")
    assert err.startswith(message)
    assert "usage: python -m simulator layout TEXT" in err
