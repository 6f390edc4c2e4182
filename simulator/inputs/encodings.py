"""Stated encodings: the PTE bits that a guest sets for each memory type that it uses."""

from simulator.memory_type import BY_WORD, ORDER, MemoryType
from simulator.pat import ENTRY_COUNT, PteCacheBits
from simulator.problem import InvalidInput, refuse

_BITS = {"PAT": 4, "PCD": 2, "PWT": 1}
_NONE = ("0", "NONE")


def read_encodings(value: object, *, field: str = "encodings") -> dict[MemoryType, int]:
    """The PAT index of each type that is stated, in the order of reports.

    Bits are `PWT`, `PCD+PWT`, `PAT`; none are `0` or `none`; an index 0 to 7 is taken too.
    Raises InvalidInput naming the type whose bits are wrong.
    """
    if not isinstance(value, dict) or not value:
        raise refuse("wrong_type", 'an object is wanted, as in {"WC": "PWT", "UC-": "PCD"}', field=field)
    stated: dict[MemoryType, int] = {}
    for word, bits in value.items():
        wanted = BY_WORD.get(str(word).strip().upper())
        if wanted is None:
            raise refuse("encodings", f"{str(word)[:20]!a} is no memory type; use WB, WC, UC-, UC, WT, WP", field=field)
        if wanted in stated:
            raise refuse("encodings", f"{wanted.word} is stated twice", field=field)
        stated[wanted] = _index(bits, field=f"{field}.{wanted.word}")
    return {wanted: stated[wanted] for wanted in ORDER if wanted in stated}


def _index(bits: object, *, field: str) -> int:
    if isinstance(bits, int) and not isinstance(bits, bool) and 0 <= bits < ENTRY_COUNT:
        return bits
    if not isinstance(bits, str):
        raise _refused(bits, field)
    text = bits.strip().upper()
    if text in _NONE:
        return 0
    if len(text) == 1 and text in "1234567":
        return int(text)
    names = [name.strip() for name in text.split("+")]
    if len(set(names)) != len(names) or not all(name in _BITS for name in names):
        raise _refused(bits, field)
    return sum(_BITS[name] for name in names)


def _refused(bits: object, field: str) -> InvalidInput:
    shown = ascii(bits)[:40]
    return refuse(
        "encodings",
        f"{shown} are no PTE bits; use 0, PWT, PCD, PCD+PWT, PAT and so on, or an index 0 to 7",
        field=field,
    )


def write_encodings(stated: dict[MemoryType, int]) -> dict[str, str]:
    """Stated encodings as words, in one spelling."""
    return {wanted.word: PteCacheBits.of_index(index).words for wanted, index in stated.items()}
