"""The report in one sentence."""

import pytest

from simulator import analyse
from simulator.headline import LIMIT, fit, shorten
from tests.unit.simulator.scenarios import LINUX, guest_scenario, layout_scenario, make_gpu, make_linux


def test_a_sentence_that_fits() -> None:
    assert fit("{who} asks for WC", "dom0") == "dom0 asks for WC."
    assert fit("release of {who} is not known.", "dom0") == "Release of dom0 is not known."


def test_a_long_name_gives_way() -> None:
    text = fit("{who} asks for WC by PA4 and gets WB", "a name of many words " * 20)
    assert len(text) <= LIMIT
    assert text.endswith("\u2026 asks for WC by PA4 and gets WB.")


def test_a_long_clause_is_cut_too() -> None:
    text = fit("{who}: " + "word " * 60, "n" * 300)
    assert len(text) <= LIMIT
    assert text.endswith("\u2026")
    assert shorten("x" * 50, 10) == "x" * 9 + "\u2026"


@pytest.mark.parametrize(
    ("release", "sentence"),
    [
        ("4.17", "Xen's page-flag constants select other types: right if a patch along with the value covers "
         "_PAGE_WT, _PAGE_WC."),
        ("4.18", "Xen's page-flag constants select other types: right if a patch along with the value covers "
         "_PAGE_WT, _PAGE_WC."),
    ],
)  # fmt: skip
def test_a_conditional_layout_names_its_assumption(release: str, sentence: str) -> None:
    report = analyse(layout_scenario(make_linux("a", "6.12.1", role="dom0"), proposed=LINUX, release=release))
    assert (report["verdict"], report["sentence"]) == ("conditional", sentence)


def test_several_guests_are_spoken_of_as_several() -> None:
    fleet = [make_gpu(name, "5.15") for name in "ab"]
    assert analyse(guest_scenario(*fleet))["sentence"] == (
        "2 guests (Linux 5.15) ask for WC by PA4, lose the PAT bit and get WB in RAM: "
        "a device that does not snoop reads stale memory."
    )
