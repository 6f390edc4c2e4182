"""A layout from text: words, an MSR value, a boot-log line."""

import pytest

from simulator import InvalidInput, read_layout

XEN = "0x0000050100070406"
LINUX = "0x0407050600070106"


@pytest.mark.parametrize(
    ("text", "msr", "written_as"),
    [
        ("WB WT UC- UC WC WP UC UC", XEN, "words"),
        ("wb,wt,uc-,uc,wc,wp,uc,uc", XEN, "words"),
        ("  WB, WC , UC-\tUC\nWB WP UC- WT ", LINUX, "words"),
        ("0x0407050600070106", LINUX, "msr"),
        ("0X407050600070106", LINUX, "msr"),
        ("50100070406", XEN, "msr"),
        ("0x50100070406", XEN, "msr"),
        ("0x6", "0x0000000000000006", "msr"),
        ("0007040600070406", "0x0007040600070406", "msr"),
        ("x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  ", XEN, "boot log"),
        ("PAT configuration [0-7]: WB  WC  UC- UC  WB  WC  UC- UC  ", "0x0007010600070106", "boot log"),
        ("[    0.000000] x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT  ", LINUX, "boot log"),
        ("Nov  1 a kernel: [ 0.0] x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT", LINUX, "boot log"),
        ("> (XEN) HVM4: x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  ", XEN, "boot log"),
        ("x86 PAT enabled: cpu 0, old 0x7040600070406, new 0x7010600070106", "0x0007010600070106", "boot log"),
        ("Linux version 6.1\nx86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  \nend", XEN, "boot log"),
    ],
)  # fmt: skip
def test_layouts(text: str, msr: str, written_as: str) -> None:
    read = read_layout(text)
    assert (read.layout.hex, read.written_as) == (msr, written_as)


def test_the_line_with_two_values_says_which_was_taken() -> None:
    read = read_layout("x86 PAT enabled: cpu 0, old 0x7040600070406, new 0x7010600070106")
    assert read.note == "taken from the new value of the line; the old one was 0x0007040600070406"


def test_a_line_whose_old_value_is_the_new_one_is_read() -> None:
    read = read_layout("x86 PAT enabled: cpu 1, old 0x7010600070106, new 0x7010600070106")
    assert read.layout.hex == "0x0007010600070106"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; give eight memory types"),
        (None, "a layout is text: eight memory types, PA0 first, or an IA32_PAT value"),
        (7, "a layout is text"),
        ("WB WT UC- UC WC WP UC", "IA32_PAT has eight entries, PA0 to PA7; 7 are given"),
        ("WB WT UC- UC WC WP UC UC UC", "9 are given"),
        ("WB WT UC- XX WC WP UC UC", "PA3: 'XX' is no memory type; use UC, WC, WT, WP, WB or UC-"),
        ("WB WT UC\u2212 UC WC WP UC UC", "U\\+2212 is not the minus of UC-; write UC- with the ASCII hyphen"),
        ("WB WT UC\u2013 UC WC WP UC UC", "U\\+2013 is not the minus of UC-"),
        ("0x\u0660\u0660", "U\\+0660 has no place in a layout"),
        ("0x0207050600070106", "PA7: encoding 0x02 is reserved; use 00 UC"),
        ("0x0407050600078106", "PA1: encoding 0x81 is reserved"),
        ("0x00407050600070106", "IA32_PAT has 16 hex digits; 17 are given"),
        ("00407050600070106", "17 are given"),
        ("0x", "PA0: '0x' is no memory type"),
        ("WB " * 2000, "the text is longer than 4096 bytes"),
        ("x86/PAT: Configuration [0-7]: WB  WT  UC-", "holds no eight memory types"),
        ("x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UCX", "holds no eight memory types"),
        (
            "x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC\n"
            "x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT",
            "states different layouts: 0x0000050100070406 and 0x0407050600070106",
        ),
        ("\ud800", "U\\+D800 has no place"),
        (
            "x86 PAT enabled: cpu 0, old 0x50100070406, new 0x7010600070106",
            "old 0x0000050100070406 and new 0x0007010600070106: under Xen the write of the new one is ignored",
        ),
    ],
)
def test_layouts_that_are_refused(text: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        read_layout(text)
    assert refused.value.problems[0]["field"] == "layout"
