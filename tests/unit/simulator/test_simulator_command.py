"""`python -m simulator`: answers on stdout, errors on stderr, exit codes by verdict."""

import json
from pathlib import Path

import pytest

from simulator import __main__ as command
from tests.unit.simulator.scenarios import Data, guest_scenario, layout_scenario, make_fleet, make_linux, scenario_2010


def test_layout(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["layout", "0x50100070406"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "0x0000050100070406"
    assert lines[6] == "PA4    1   0   0    WC"


def test_effective(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["effective"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["intel:", "MTRR", "\\", "PAT", "UC", "UC-", "WC", "WT", "WP", "WB"]
    assert lines[2].split() == ["WC", "UC", "WC", "WC", "UC", "UC", "WC"]
    assert lines[8].split() == ["WC", "CD", "WC", "WC", "CD", "CD", "WC"]


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        (layout_scenario(*make_fleet()), 4),
        (guest_scenario(make_linux("a", None)), 5),
        (scenario_2010(), 6),
        (guest_scenario(make_linux("a", "6.12.117")), 0),
    ],
)
def test_check_exits_by_verdict(scenario: Data, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(scenario))
    assert command.main(["check", str(file)]) == code
    assert json.loads(capsys.readouterr().out)["schema"] == "patreview.report/1"


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
    body: bytes | None,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if message.startswith("more"):
        monkeypatch.setattr(command, "SCENARIO_LIMIT", 100)
    file = tmp_path / "scenario.json"
    if body is not None:
        file.write_bytes(body)
    assert command.main(["check", str(file)]) == 7
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err


def test_a_layout_that_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["layout", "0x0207050600070106"]) == 7
    assert capsys.readouterr().err == (
        "layout: PA7: encoding 0x02 is reserved; use 00 UC, 01 WC, 04 WT, 05 WP, 06 WB or 07 UC-\n"
    )


@pytest.mark.parametrize("arguments", [[], ["layout"], ["check"], ["effective", "x"], ["what"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(arguments) == 64
    assert capsys.readouterr().err.startswith("usage: python -m simulator layout TEXT")
