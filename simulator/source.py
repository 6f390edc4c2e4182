"""What of Xen's source comes along with a proposed layout: page-flag constants, build assertion, header, MMIO test."""

from typing import NamedTuple

from simulator.hypervisor import PAGE_FLAGS
from simulator.inputs.layout import ReadLayout, read_layout
from simulator.inputs.record import NAME_LIMIT, Record
from simulator.pat import XEN_LAYOUT, PatLayout, PteCacheBits
from simulator.problem import refuse

Data = dict[str, object]
_MESSAGE_LIMIT = 1000
_ASSERTIONS = ("dropped", "changed", "kept", "unknown")
_TOUCHED = ("changed", "unchanged")
_PAGE_H = (*_TOUCHED, "absent")
_KEYS = (
    "name",
    "page_flags",
    "page_h",
    "assertion",
    "assertion_value",
    "public_header",
    "mmio_test",
    "lines",
    "binary",
    "built_in",
    "binary_release",
    "unreadable",
)
#: What a patch shows whatever tree it is for.
_SHOWN_ANYWHERE = ("name", "assertion", "assertion_value")
_XEN_FLAGS = {name: bits.pat_index for name, _, bits in PAGE_FLAGS}


class XenSource(NamedTuple):
    """A patch or headers of Xen, read. What a patch does not touch stays as upstream has it.

    `flags` are the PAT indices of all page-flag constants, None where the text shows nothing of page.h. `asserted` is
    the value that a changed assertion names. `binary` is the name of a Xen binary that was sent, `built_in` and
    `binary_release` what it has in it, `unreadable` why it could not be read.
    """

    name: str
    flags: dict[str, int] | None = None
    flags_line: int | None = None
    is_patch: bool = False
    assertion: str = "unknown"
    asserted: PatLayout | None = None
    mmio_changed: bool = False
    binary: str = ""
    built_in: PatLayout | None = None
    binary_release: str = ""
    unreadable: str = ""

    @property
    def wrong_flags(self) -> list[str]:
        """The constants that are not Xen's own any more."""
        return [name for name, index in (self.flags or {}).items() if index != _XEN_FLAGS[name]]

    def bits(self, name: str) -> PteCacheBits:
        """The bits of a constant; Xen's own where nothing is known."""
        return PteCacheBits.of_index((self.flags or _XEN_FLAGS)[name])

    def keeps_assertion(self, layout: PatLayout) -> bool:
        """Whether a patch leaves an assertion in place that stops the build for a layout."""
        if self.assertion == "changed":
            return self.asserted is not None and self.asserted != layout
        return self.is_patch and self.assertion != "dropped"

    def frees_assertion(self, layout: PatLayout) -> bool:
        """Whether the assertion is shown to be gone, or to name this layout."""
        return self.assertion == "dropped" or (self.assertion == "changed" and self.asserted == layout)


def read_layout_text(text: object, *, name: str = "the pasted text") -> Data:
    """A proposed layout from words, a value, a boot-log line, Xen's headers or a patch to them.

    `source` of the result is what read_source() takes, None where the text is no source of Xen. Raises InvalidInput.
    """
    if isinstance(text, str):
        from simulator.inputs.xen_source import is_xen_source

        if is_xen_source(text):
            return _of_source(text, name)
    return _as_data(read_layout(text), None, [])


def _as_data(read: ReadLayout, source: Data | None, notes: list[Data]) -> Data:
    layout = read.layout
    said: Data = {"msr": layout.hex, "entries": layout.words, "written_as": read.written_as, "note": read.note}
    return said if source is None else said | {"source": source, "notes": notes}


def _of_source(text: str, name: str) -> Data:
    from simulator.inputs.xen_source import read_xen_source

    reading = read_xen_source(text, source=name)
    said = {fact.key: fact for fact in reading.facts}
    if "layout" not in said:
        message = "shows no value of IA32_PAT: XEN_MSR_PAT or host_pat, as processor.h defines it"
        raise reading.refusal("no_layout", message)
    values = list(dict.fromkeys(str(value) for value in reading.said("layout")))
    if len(values) > 1:
        message = f"defines several values, each under a condition: {' and '.join(values)}; send the one that is built"
        raise reading.refusal("several_layouts", message, line=said["layout"].line)
    layout = read_layout(values[0]).layout
    source: Data = {key: said[key].value for key in _KEYS if key in said}
    before = said.get("layout_before")
    if before is not None and before.value != XEN_LAYOUT.hex:
        # The tree was patched before: what this patch leaves alone is not upstream's.
        source = {key: value for key, value in source.items() if key in _SHOWN_ANYWHERE}
        message = f"it is for a tree whose layout is {before.value}: what it leaves alone there is not known"
        reading.note(message, before.line)
    source |= {"name": name, "lines": {key: fact.line for key, fact in said.items() if fact.line}}
    return _as_data(ReadLayout(layout, "Xen source"), source, reading.notes)


def read_source(data: object, *, field: str) -> XenSource:
    """What came along with a layout, from plain data of a scenario. Raises InvalidInput."""
    record = Record.of(data, path=field, known=_KEYS)
    lines = Record.of(record.data.get("lines") or {}, path=record.at("lines"), known=(*_KEYS, *_EXTRA))
    page_h = record.word("page_h", _PAGE_H) or "absent"
    return XenSource(
        name=record.text("name", limit=4 * NAME_LIMIT),
        flags=_read_flags(record, page_h),
        flags_line=lines.line("page_flags"),
        is_patch=record.word("public_header", _TOUCHED) is not None,  # only a patch says what it does to other files
        assertion=record.word("assertion", _ASSERTIONS) or "unknown",
        asserted=_layout(record, "assertion_value"),
        mmio_changed=record.word("mmio_test", _TOUCHED) == "changed",
        binary=record.optional_text("binary", limit=4 * NAME_LIMIT) or "",
        built_in=_layout(record, "built_in"),
        binary_release=record.optional_text("binary_release") or "",
        unreadable=record.optional_text("unreadable", limit=_MESSAGE_LIMIT) or "",
    )


#: Facts of a source that a scenario does not repeat, but for their lines.
_EXTRA = ("layout", "layout_before", "page_flags_before", "files", "flags_agree")


def _layout(record: Record, key: str) -> PatLayout | None:
    return read_layout(record.data[key], field=record.at(key)).layout if record.has(key) else None


def _read_flags(record: Record, page_h: str) -> dict[str, int] | None:
    stated = Record.of(record.data.get("page_flags") or {}, path=record.at("page_flags"), known=tuple(_XEN_FLAGS))
    if page_h == "absent" and not stated.data:
        return None
    flags = dict(_XEN_FLAGS)
    for name, index in stated.data.items():
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(flags) + 2:
            raise refuse("page_flags", "a PAT index, 0 to 7, is wanted", field=stated.at(name))
        flags[name] = index
    return flags
