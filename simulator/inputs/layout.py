"""A PAT layout from text: eight words, an MSR value, or the kernel's own boot-log line."""

import re
from typing import NamedTuple

from simulator.memory_type import BY_WORD
from simulator.pat import ENTRY_COUNT, POWER_ON, InvalidPatLayout, PatLayout
from simulator.problem import refuse

SIZE_LIMIT = 4096
HEX_DIGITS_LIMIT = 16
BARE_HEX_DIGITS = 9

# Patterns are compiled when first used: a short answer starts sooner.
_TYPE = r"(?:WB|WT|WC|WP|UC-|UC)"
_CONFIGURATION = rf"PAT[: ]+configuration \[0-7\]:((?:\s+{_TYPE}){{8}})(?![\w-])"
_ENABLED = r"x86 PAT enabled: cpu [0-9]+, old 0x([0-9a-f]+), new 0x([0-9a-f]+)"
_LOG_LINE = r"PAT[: ]+configuration|x86 PAT enabled"
_MSR = r"0x([0-9a-f]+)"
_BARE_HEX = rf"[0-9a-f]{{{BARE_HEX_DIGITS},}}"
_NOT_MINUS = "[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]"
_LETTERS = re.IGNORECASE | re.ASCII


class ReadLayout(NamedTuple):
    """A layout, how it was written (`words`, `msr` or `boot log`), and what to know of the reading."""

    layout: PatLayout
    written_as: str
    note: str = ""


def read_layout(text: object, *, field: str | None = "layout") -> ReadLayout:
    """The layout that a text of up to 4 KiB states.

    Raises InvalidInput, naming the entry that is wrong where one is.
    """
    try:
        return _read(_checked(text))
    except InvalidPatLayout as fault:
        raise refuse("layout", str(fault), field=field) from fault


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise InvalidPatLayout("a layout is text: eight memory types, PA0 first, or an IA32_PAT value")
    if len(text.encode(errors="replace")) > SIZE_LIMIT:
        raise InvalidPatLayout(f"the text is longer than {SIZE_LIMIT} bytes; give the eight types or the value alone")
    if sign := re.search(_NOT_MINUS, text):
        raise InvalidPatLayout(f"U+{ord(sign[0]):04X} is not the minus of UC-; write UC- with the ASCII hyphen")
    if not text.isascii():
        stranger = next(character for character in text if not character.isascii())
        raise InvalidPatLayout(f"U+{ord(stranger):04X} has no place in a layout; write it in ASCII")
    if not text.strip():
        raise InvalidPatLayout("is empty; give eight memory types, PA0 first, or an IA32_PAT value")
    return text.strip()


def _read(text: str) -> ReadLayout:
    if re.search(_LOG_LINE, text, _LETTERS):
        return _read_log(text)
    if match := re.fullmatch(_MSR, text, _LETTERS):
        return ReadLayout(layout=_of_hex(match[1]), written_as="msr")
    if re.fullmatch(_BARE_HEX, text, _LETTERS):
        return ReadLayout(layout=_of_hex(text), written_as="msr")
    return ReadLayout(layout=_of_words(text), written_as="words")


def _of_hex(digits: str) -> PatLayout:
    if len(digits) > HEX_DIGITS_LIMIT:
        raise InvalidPatLayout(f"IA32_PAT has {HEX_DIGITS_LIMIT} hex digits; {len(digits)} are given")
    return PatLayout.from_msr(int(digits, 16))


def _of_words(text: str) -> PatLayout:
    words = [word for word in re.split(r"[\s,]+", text) if word]
    for index, word in enumerate(words[:ENTRY_COUNT]):
        if word.upper() not in BY_WORD:
            raise InvalidPatLayout(
                f"PA{index}: {word[:20]!r} is no memory type; use UC, WC, WT, WP, WB or UC-, "
                "or give an IA32_PAT value as 0x and up to 16 hex digits"
            )
    if len(words) != ENTRY_COUNT:
        raise InvalidPatLayout(f"IA32_PAT has eight entries, PA0 to PA7; {len(words)} are given")
    return PatLayout.of(tuple(BY_WORD[word.upper()] for word in words))


def _read_log(text: str) -> ReadLayout:
    found: dict[PatLayout, str] = {}
    for line in text.splitlines():
        if match := re.search(_CONFIGURATION, line, _LETTERS):
            found.setdefault(_of_words(match[1]), "")
        elif match := re.search(_ENABLED, line, _LETTERS):
            found.setdefault(*_of_old_and_new(_of_hex(match[1]), _of_hex(match[2])))
    if not found:
        raise InvalidPatLayout(
            "the boot-log line holds no eight memory types; paste it whole, as the kernel printed it"
        )
    if len(found) > 1:
        stated = " and ".join(layout.hex for layout in found)
        raise InvalidPatLayout(f"the boot log states different layouts: {stated}; paste the line that counts")
    layout, note = next(iter(found.items()))
    return ReadLayout(layout=layout, written_as="boot log", note=note)


def _of_old_and_new(old: PatLayout, new: PatLayout) -> tuple[PatLayout, str]:
    """The layout of a line with two values, and a note.

    Under Xen the kernel's write is ignored: then the old value is still in force.
    """
    if old in (new, POWER_ON):
        return new, f"taken from the new value of the line; the old one was {old.hex}"
    raise InvalidPatLayout(
        f"the line holds two layouts, old {old.hex} and new {new.hex}: under Xen the write of the new one is ignored; "
        "give the one that is meant"
    )
