"""lsmod, /proc/modules and lspci -k."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.canonical_json import canonical
from simulator.inputs.module_list import read_modules, read_pci_list
from simulator.inputs.reading import Reading
from simulator.problem import InvalidInput

LSMOD = """\
Module                  Size  Used by
xen_pciback           102400  0
i915                 4202496  23
drm                   741376  6 i915,drm_kms_helper
"""
PROC = """\
i915 4202496 23 - Live 0x0000000000000000
nvidia 62709760 1285 nvidia_modeset,nvidia_uvm, Live 0xffffffffc0a00000 (POE)
xen-netback 77824 0 [permanent], Live 0x0000000000000000
"""
LSPCI = """\
00:00.0 Host bridge: Intel Corporation Device 9b61 (rev 0c)
\tSubsystem: Lenovo Device 5079
\tKernel driver in use: skl_uncore
00:02.0 VGA compatible controller: Intel Corporation UHD Graphics (rev 02)
\tSubsystem: Lenovo Device 5079
\tKernel driver in use: i915
\tKernel modules: i915
01:00.0 3D controller: NVIDIA Corporation GP108M (rev a1)
\tKernel modules: nouveau
"""
NUMBERED = """\
0000:00:02.0 VGA compatible controller [0300]: Intel Corporation UHD Graphics [8086:9b41] (rev 02) (prog-if 00 [VGA])
\tFlags: bus master, fast devsel, latency 0, IRQ 142
\tCapabilities: [40] Vendor Specific Information: Len=0c <?>
\tKernel driver in use: i915

10000:e1:00.0 Non-Volatile memory controller [0108]: Intel Corporation Device [8086:0975]
    Kernel driver in use: xen-pciback
"""


def modules(text: str) -> Reading:
    return read_modules(text, source="modules")


def pci(text: str) -> Reading:
    return read_pci_list(text, source="pci")


@pytest.mark.parametrize(
    ("text", "names", "line"),
    [
        pytest.param(LSMOD, ["drm", "i915", "xen_pciback"], 1, id="lsmod"),
        pytest.param(PROC, ["i915", "nvidia", "xen_netback"], 1, id="/proc/modules"),
        pytest.param("Module  Size  Used by\n", [], 1, id="a kernel without modules"),
        pytest.param("\n\nnouveau\t 2334720 -1\r\n", ["nouveau"], 3, id="without the header, being unloaded"),
        pytest.param("i915 1 1\ni915 1 1\nBusLogic 1 0", ["buslogic", "i915"], 1, id="twice, capitals"),
    ],
)
def test_modules(text: str, names: list[str], line: int) -> None:
    reading = modules(text)
    assert [(fact.key, fact.value, fact.line) for fact in reading.facts] == [("modules", names, line)]
    assert reading.unknown_count == 0


@pytest.mark.parametrize("line", ["libkmod: ERROR could not open", "i915 many 23", "n\u00e4me 1 1", "a" * 65 + " 1 1"])
def test_other_lines_of_modules_are_skipped(line: str) -> None:
    reading = modules(f"i915 1 1\n{line}")
    assert (reading.unknown, reading.facts[0].value) == ([(2, line)], ["i915"])


def test_drivers_in_use() -> None:
    reading = pci(LSPCI)
    assert [(fact.key, fact.value, fact.line) for fact in reading.facts] == [
        ("pci_drivers", {"driver": "skl_uncore", "slot": "00:00.0",
                         "device": "Host bridge: Intel Corporation Device 9b61 (rev 0c)"}, 3),
        ("pci_drivers", {"driver": "i915", "slot": "00:02.0",
                         "device": "VGA compatible controller: Intel Corporation UHD Graphics (rev 02)"}, 6),
        ("pci_devices", 3, 1),
    ]  # fmt: skip
    assert reading.unknown_count == 0


def test_numbers_details_and_domains() -> None:
    reading = pci(NUMBERED)
    drivers = [fact.value for fact in reading.facts if fact.key == "pci_drivers"]
    assert [(value["driver"], value["slot"]) for value in drivers] == [
        ("i915", "00:02.0"),
        ("xen-pciback", "10000:e1:00.0"),
    ]
    assert (len(drivers[0]["device"]), reading.unknown_count, reading.said("pci_devices")) == (100, 0, [2])


def test_lines_that_belong_to_no_device_are_skipped() -> None:
    text = "\tKernel driver in use: i915\npcilib: Cannot open\n00:02.0 VGA: a\n\tKernel driver in use: \u00e4"
    reading = pci(text)
    assert reading.unknown == [(1, "\tKernel driver in use: i915"), (2, "pcilib: Cannot open")]
    assert [(fact.key, fact.value, fact.line) for fact in reading.facts] == [("pci_devices", 1, 3)]


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (modules, "", "modules:1: files: holds no row as in `i915 4202496 .* send what lsmod prints"),
        (modules, "CONFIG_X86_PAT=y", "holds no row"),
        (modules, "i915 1 1\n" * 2001, "more than 2000 lines"),
        (modules, "x" * (257 << 10), "more than 262144 bytes"),
        (pci, "", "pci:1: files: holds no device as in `00:02.0 VGA .* send what lspci -k prints"),
        (pci, "\tKernel driver in use: i915", "holds no device"),
        (pci, "00:02.8 VGA compatible controller: Intel", "holds no device"),
        (pci, "x" * (1 << 21), "more than 1048576 bytes"),
    ],
)
def test_what_is_no_list(read: object, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(text)  # type: ignore[operator]


PIECES = [
    LSMOD,
    PROC,
    LSPCI,
    NUMBERED,
    "\n",
    " ",
    "\t",
    "i915 1 1",
    "0000:",
    "\tKernel driver in use: ",
    "- Live 0x0",
    ",",
]


@settings(max_examples=100, deadline=None)
@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (modules, pci):
        try:
            reading = read(text)
        except InvalidInput:
            continue
        assert canonical(reading.as_data())
        assert reading.facts[-1].key in ("modules", "pci_devices")
