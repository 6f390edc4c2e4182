"""/proc/cpuinfo: processor and flags."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.canonical_json import canonical
from simulator.inputs.cpu_info import read_cpu_info
from simulator.inputs.reading import Reading
from simulator.problem import InvalidInput

INTEL = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 142
model name\t: Intel(R) Core(TM) i5-8350U CPU @ 1.70GHz
stepping\t: 10
flags\t\t: fpu de tsc msr pae mce cx8 apic sep mca cmov pat clflush hypervisor
power management:
"""


def read(text: str) -> Reading:
    return read_cpu_info(text, source="cpuinfo")


def facts(text: str) -> list[tuple[str, object, int | None]]:
    return [(fact.key, fact.value, fact.line) for fact in read(text).facts]


def notes(text: str) -> list[tuple[object, object]]:
    return [(note["line"], note["message"]) for note in read(text).notes]


def test_a_pv_guest_keeps_pat_and_loses_mtrr() -> None:
    assert facts(INTEL) == [
        ("cpu", {"vendor": "intel", "family": 6, "model": 142, "name": "Intel(R) Core(TM) i5-8350U CPU @ 1.70GHz"}, 3),
        ("cpu_flags", {"pat": True, "mtrr": False, "hypervisor": True}, 7),
    ]
    assert (notes(INTEL), read(INTEL).unknown_count) == ([], 0)


@pytest.mark.parametrize(
    ("vendor_id", "vendor"),
    [("AuthenticAMD", "amd"), ("GenuineIntel", "intel"), ("HygonGenuine", None), ("", None)],
)
def test_vendors(vendor_id: str, vendor: str | None) -> None:
    assert facts(INTEL.replace("GenuineIntel", vendor_id))[0][1]["vendor"] == vendor  # type: ignore[index]


def test_the_name_is_cut_and_may_be_missing() -> None:
    long, none = (f"cpu family : 15\nmodel : 4\n{name}flags : mtrr\n" for name in (f"model name : {'x' * 300}\n", ""))
    assert [facts(text)[0][1]["name"] for text in (long, none)] == ["x" * 100, ""]  # type: ignore[index]


def test_flags_are_whole_words() -> None:
    assert facts("flags : patx xmtrr hypervisors")[0][1] == {"pat": False, "mtrr": False, "hypervisor": False}


def test_only_the_first_processor_counts() -> None:
    second = INTEL.replace("142", "60").replace("processor\t: 0", "processor\t: 1")
    assert facts(f"{INTEL}\n{second}") == facts(INTEL)
    assert notes(f"{INTEL}\n{second}") == []


def test_a_list_may_begin_in_the_middle_of_a_processor() -> None:
    text = "flags : pat\nprocessor : 1\ncpu family : 6\nmodel : 1\nflags : pat\nprocessor : 2\n"
    assert facts(text)[0] == ("cpu", {"vendor": None, "family": 6, "model": 1, "name": ""}, 3)


def test_processors_with_other_flags_are_noted() -> None:
    second = INTEL.replace(" pat ", " mtrr ")
    assert notes(f"{INTEL}\n{second}\n{second}") == [
        (16, "2 other processors have other flags; the first of them differs in 'mtrr', 'pat'")
    ]


def test_many_differences_are_cut() -> None:
    other = "processor : 1\nflags : " + " ".join(f"f{n}" for n in range(10))
    assert notes(f"processor : 0\ncpu family : 6\nmodel : 1\nflags :\n{other}") == [
        (6, "1 other processors have other flags; the first of them differs in "
            "'f0', 'f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7' and 2 more")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "digits",
    ["cpu family : six", "cpu family : \u0666\nmodel : 1", "cpu family : 6", "cpu family : 1234567890\nmodel : 1"],
)
def test_families_that_are_no_numbers(digits: str) -> None:
    assert notes(f"{digits}\nflags : pat") == [(1, "the first processor has no `cpu family` and `model` in digits")]
    assert [key for key, _, _ in facts(f"{digits}\nflags : pat")] == ["cpu_flags"]


def test_a_processor_without_flags() -> None:
    text = "cpu family : 6\nmodel : 1"
    message = "the first processor has no `flags`: whether it shows PAT and MTRRs is not said"
    assert (notes(text), [key for key, _, _ in facts(text)]) == ([(None, message)], ["cpu"])


def test_lines_without_a_colon_are_skipped() -> None:
    assert read(f"{INTEL}\n$ lscpu\n").unknown == [(10, "$ lscpu")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cpuinfo:1: files: holds neither `flags` nor `cpu family`; send /proc/cpuinfo of an x86 machine"),
        ("processor : 0\nBogoMIPS : 48.00\nFeatures : fp asimd\nCPU implementer : 0x41", "holds neither"),
        ("x" * (5 << 20), "more than 4194304 bytes; a /proc/cpuinfo has some 1,500 bytes a processor"),
    ],
)
def test_what_is_no_cpuinfo(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(text)


PIECES = [INTEL, "flags : pat\n", "flags", ":", " : ", "\n", "cpu family : 6\n", "model : 1\n", "processor : 7\n", "9"]


@settings(max_examples=100, deadline=None)
@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reading = read(text)
    except InvalidInput:
        return
    assert canonical(reading.as_data())
    assert {fact.key for fact in reading.facts} <= {"cpu", "cpu_flags"}
