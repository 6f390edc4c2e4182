"""Headers of Xen, and patches of them: what they say of the PAT, of what rests on it, and of what was before."""

import re
from collections.abc import Sequence

from simulator.inputs.c_constant import NotConstant
from simulator.inputs.c_source import Line, logical_lines, may_meet
from simulator.inputs.reading import Reading
from simulator.inputs.unified_diff import DiffLine, FileDiff
from simulator.inputs.xen_definitions import FLAGS, VALUE_MACRO, Definition, Definitions, World
from simulator.inputs.xen_pat import Variant, say_variant, variants_of
from simulator.pat import InvalidPatLayout, PatLayout
from simulator.problem import InvalidInput

FILES_LIMIT = 100

_FLAG = "|".join(FLAGS)
_DEFINES_FLAG = re.compile(rf"[ \t]*#[ \t]*define[ \t]+(?:{_FLAG})\b", re.ASCII)
_ENTRY = re.compile(r"\b(?:X86_MT|MSR_PAT|PAT_TYPE)_\w+[^|]{0,40}<<", re.ASCII)
_MMIO_TEST = re.compile(r"\bget_page_from_l1e[ \t]*\(", re.ASCII)
_CACHE_WORD = re.compile(rf"PAGE_CACHE_ATTRS|_PAGE_P(?:WT|CD|AT)\b|(?:{_FLAG})\b|X86_MT_|{VALUE_MACRO}|cacheattr")
_HEADERS = (("processor.h", (VALUE_MACRO,)), ("page.h", tuple(FLAGS)), ("setup.c or cpu/common.c", ("host_pat",)))


def read_headers(reading: Reading, lines: Sequence[Line]) -> None:
    """Say what headers define. Raises InvalidInput where that is nothing, or a value that cannot be told."""
    defined = Definitions.of([[lines]])
    if not defined.layouts and not defined.flags:
        message = (
            f"defines neither {VALUE_MACRO}, host_pat nor page flags as _PAGE_WC; send Xen's processor.h and page.h, "
            "or a patch of them"
        )
        raise reading.refusal("no_pat", message, line=1)
    cut = next((definition for definition in defined.layouts if definition.is_cut), None)
    if cut is not None:
        raise _refuse_cut(reading, cut.name, cut.line)
    variants = variants_of(reading, defined)
    reading.say("files", [name for name, tells in _HEADERS if any(tell in defined.macros for tell in tells)])
    for variant in variants:
        say_variant(reading, variant, ())
    is_own = all(index == FLAGS[name][1] for variant in variants for name, index in variant.flags.items())
    reading.say("page_h", "absent" if not defined.flags else "unchanged" if is_own else "changed")
    if not defined.flags and "flags_agree" in {fact.key for fact in reading.facts}:
        reading.note("page.h is not part of the text; its flags are taken to be upstream's")
    _say_assertion(reading, defined, None)


def _refuse_cut(reading: Reading, name: str, line: int) -> InvalidInput:
    message = (
        f"the definition of {name} is not shown whole; send the header itself, or a diff with more context "
        "(git format-patch -U20)"
    )
    return reading.refusal("pat_definition", message, line=line)


def read_patch(reading: Reading, files: list[FileDiff]) -> None:
    """Say what the source is after a patch and was before, and what else the patch touches.

    Raises InvalidInput where it has nothing to do with the PAT, or shows half of its value, and TooManyDefinitions.
    """
    _Patch(reading, files).read()


class _Patch:
    """What the hunks of a patch show of the source after and before it."""

    def __init__(self, reading: Reading, files: list[FileDiff]) -> None:
        self.reading, self.files = reading, files
        self.after = Definitions.of([[hunk.side("-") for hunk in one.hunks] for one in files])
        self.before = Definitions.of([[hunk.side("+") for hunk in one.hunks] for one in files])
        self.changed = {line.number for one in files for hunk in one.hunks for line in hunk.changes}
        self.cut = {line.number for one in files for hunk in one.hunks if hunk.is_cut for line in hunk.lines}

    def read(self) -> None:
        header = self._changes("include/public/xen.h")
        mmio = self._mmio_changes()
        flags = [line for line in self._changes("") if _DEFINES_FLAG.match(line.text)]
        self._check_heads()
        self._leave_out_cut()
        if not (header or mmio or self.after.says_something or self.before.says_something):
            raise self._refuse_stranger()
        variants = variants_of(self.reading, self.after)
        self._say_files()
        before = self._say_before()
        removed = {name for one in before for name in one.flags} - {name for one in variants for name in one.flags}
        for variant in variants:
            say_variant(self.reading, variant, removed)
        if self.before.layouts and not self.after.layouts:
            self.reading.note("the patch takes the value away and shows none", self.before.layouts[-1].line)
        self._say_touched("page_h", flags)
        _say_assertion(self.reading, self.after, self.before.assertions)
        self._say_touched("public_header", header)
        self._say_touched("mmio_test", mmio)

    def _say_touched(self, key: str, changes: list[DiffLine]) -> None:
        self.reading.say(key, "changed" if changes else "unchanged", line=changes[0].number if changes else None)

    def _say_files(self) -> None:
        paths = list(dict.fromkeys(one.path for one in self.files if one.path))
        self.reading.say("files", paths[:FILES_LIMIT], line=self.files[0].line)
        if len(paths) > FILES_LIMIT:
            self.reading.note(f"{len(paths)} files; the first {FILES_LIMIT} are listed")

    def _changes(self, path: str) -> list[DiffLine]:
        """The added and removed lines of the files whose path ends so."""
        return [line for one in self.files if one.path.endswith(path) for hunk in one.hunks for line in hunk.changes]

    def _mmio_changes(self) -> list[DiffLine]:
        """The changed lines of the test in get_page_from_l1e() that tell cacheable mappings of MMIO."""
        found = []
        for hunk in (hunk for one in self.files if one.path.endswith("mm.c") for hunk in one.hunks):
            is_inside = _MMIO_TEST.search(hunk.context) is not None
            for line in hunk.lines:
                if (line.text[:1].isalpha() or line.text[:1] == "_") and not line.text.rstrip().endswith((";", ":")):
                    is_inside = _MMIO_TEST.search(line.text) is not None
                if is_inside and line.mark != " " and _CACHE_WORD.search(line.text):
                    found.append(line)
        return found

    def _check_heads(self) -> None:
        """Raises InvalidInput for a changed entry of a definition that begins before its hunk."""
        for without in "-+":
            sides = [[hunk.side(without) for hunk in one.hunks] for one in self.files]
            for line in (line for fragments in sides for line in logical_lines(fragments) if line.is_first):
                changed = [part.number for part in line.parts if part.number in self.changed]
                if changed and _ENTRY.search(line.text) and not line.text.lstrip().startswith("#"):
                    raise _refuse_cut(self.reading, VALUE_MACRO, changed[0])

    def _leave_out_cut(self) -> None:
        """A definition that goes on past its hunk is left out. Raises InvalidInput where the patch changes it."""
        for definition in [one for one in self.after.layouts if one.is_cut]:
            numbers = {part.number for part in definition.parts}
            if numbers & self.changed or numbers & self.cut:
                raise _refuse_cut(self.reading, definition.name, definition.line)
            message = f"the hunk ends within the definition of {definition.name}, which it does not change"
            self.reading.note(message, definition.line)
            self.after.layouts.remove(definition)
        self.before.layouts = [one for one in self.before.layouts if not one.is_cut]

    def _refuse_stranger(self) -> InvalidInput:
        message = (
            f"a patch of {len(self.files)} files that shows nothing of Xen's PAT: {VALUE_MACRO}, host_pat, the page "
            "flags of page.h, get_page_from_l1e() or the public xen.h"
        )
        return self.reading.refusal("no_pat", message, line=self.files[0].line)

    def _say_before(self) -> list[Variant]:
        """Say what the source was before the patch; a value that cannot be told is a note."""
        unheard = Reading(self.reading.kind, self.reading.source)
        try:
            variants = variants_of(unheard, self.before)
        except InvalidInput as fault:
            found = fault.found[0]
            self.reading.note(f"what was before the patch cannot be told: {found.message}", found.line)
            return []
        for variant in variants:
            for definition, layout in variant.values:
                self.reading.say("layout_before", layout.hex, line=definition.line)
            if variant.flags:
                self.reading.say("page_flags_before", variant.flags, line=variant.flags_line)
        return variants


def _say_assertion(reading: Reading, defined: Definitions, old: Sequence[Definition] | None) -> None:
    """What becomes of the assertion that stops the build for another value than it names; `old` is None for headers."""
    held = [one for one in defined.assertions if _may_stop(one, defined.layouts)]
    if not held:
        reading.say("assertion", "dropped" if old else "unknown", line=old[0].line if old else None)
        if defined.assertions:
            reading.note("the assertion holds only where another value is defined", defined.assertions[-1].line)
        return
    line, named = held[-1].line, _named_value(defined, held[-1])
    is_kept = old is None or (bool(old) and _named_value(defined, old[0]) == named)
    reading.say("assertion", "kept" if is_kept else "changed", line=line)
    if named is None:
        reading.note("the value that the assertion names is no layout; it is left out", line)
        return
    reading.say("assertion_value", named, line=line)
    if any(layout != named for layout in reading.said("layout")):
        reading.note(f"the assertion stops the build: it wants {named}", line)


def _may_stop(assertion: Definition, layouts: Sequence[Definition]) -> bool:
    return not layouts or any(may_meet(assertion.conditions, layout.conditions) for layout in layouts)


def _named_value(defined: Definitions, assertion: Definition) -> str | None:
    try:
        return PatLayout.from_msr(World(defined, assertion.conditions).value(assertion, is_whole=False).value).hex
    except (NotConstant, InvalidPatLayout):
        return None
