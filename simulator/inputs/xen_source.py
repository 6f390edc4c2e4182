"""Xen's source: the PAT that its headers define, or that a patch leaves and found."""

import re

from simulator.inputs.reading import Bounds, Reading, lines_of

BOUNDS = Bounds(1 << 20, 40_000, 4096, "Xen's processor.h has some 15,000 bytes, a patch of the PAT some 4,000")

# Patterns are compiled, and modules loaded, when first used: a layout in words is read sooner.
_BLANK = r"[ \t\u00a0]"
_DEFINES = rf"#{_BLANK}*define{_BLANK}+(?:XEN_MSR_PAT|_PAGE_(?:WB|WT|UCM|UC|WC|WP))\b"
_HOST_PAT = r"(?:static[ \t]+)?(?:u64|uint64_t|unsigned long(?: long)?)[ \t][^=\n;]{0,80}?host_pat[^=\n;]{0,40}="
_TELLS = rf"^\ufeff?(?:> ?){{0,8}}[+-]?{_BLANK}*(?:{_DEFINES}|{_HOST_PAT})"
_TELLS_OF_PATCH = ("XEN_MSR_PAT", "get_page_from_l1e", "include/public/xen.h")
_HUNK_HEAD = r"^(?:> ?){0,8}@@ -[0-9,]{1,20} \+[0-9,]{1,20} @@"
_LINES = re.ASCII | re.MULTILINE


def is_xen_source(text: str) -> bool:
    """Whether a text defines Xen's PAT, or is a patch of a place that rests on it."""
    if ("XEN_MSR_PAT" in text or "host_pat" in text or "_PAGE_" in text) and re.search(_TELLS, text, _LINES):
        return True
    is_near = "@@ -" in text and any(tell in text for tell in _TELLS_OF_PATCH)
    return is_near and re.search(_HUNK_HEAD, text, _LINES) is not None


def read_xen_source(text: str, *, source: str) -> Reading:
    """The facts of Xen's processor.h, page.h or setup.c, of several of them in a row, or of a patch; up to 1 MiB.

    Each says `files`, `layout`, `page_flags`, `flags_agree`, `page_h`, `assertion` and `assertion_value` as far as it
    shows them; a patch says `layout_before`, `page_flags_before`, `public_header` and `mmio_test` too. For headers
    `page_h` compares with upstream. What conditions keep apart is said once for each way to compile it.
    Raises InvalidInput where nothing of the PAT is shown, or where its value cannot be told.
    """
    lines = lines_of(text, source, BOUNDS)
    reading = Reading("xen-source", source)
    if "\r\n" in text:
        reading.note("lines end in CR LF; the CRs are left out", 1)
    _read(reading, lines)
    return reading


def _read(reading: Reading, lines: list[str]) -> None:
    from simulator.inputs.unified_diff import is_diff, read_diff, unfold
    from simulator.inputs.xen_definitions import TooManyDefinitions
    from simulator.inputs.xen_patch import read_headers, read_patch

    numbered = unfold(lines, reading)
    try:
        if is_diff([line.text for line in numbered]):
            read_patch(reading, read_diff(numbered, reading))
        else:
            read_headers(reading, numbered)
    except TooManyDefinitions as fault:
        raise reading.refusal("too_many_definitions", str(fault), line=fault.line) from fault
