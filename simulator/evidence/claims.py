"""What readings claim of a guest and of its host, and the facts that follow; where they disagree, both stay."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from simulator.driver import driver_named
from simulator.errata import loses_index_bit
from simulator.hypervisor import parse_release as parse_xen
from simulator.inputs.command_line import mmio_relax, says_nopat
from simulator.inputs.kernel_release import parse_release
from simulator.problem import InvalidInput

Data = dict[str, object]
Facts = dict[str, Data]
LIST_LIMIT = 200


class Claim(NamedTuple):
    """One thing that one source says: of the guest, or of its `host`."""

    key: str
    value: object
    origin: Data
    of_host: bool = False


def origin_of(kind: str, source: object, line: object = None, offset: object = None) -> Data:
    """Where a claim comes from: kind file or image, with line or offset in bytes."""
    at = {"kind": kind, "by": None, "source": source, "line": line}
    return at if offset is None else at | {"offset": offset}


#: Facts of a reading that are the guest's facts of the same name.
_GUEST = (
    "name", "family", "release", "mode", "role", "devices", "cmdline", "modules", "hide_cpuid_pat", "hide_cpuid_mtrr",
    "config", "observed_pat", "mtrr_list", "seen_mtrr", "dom0_mode", "bare_metal", "image",
    "boots_differ",
)  # fmt: skip
#: Facts of a reading that are the host's, under the name that a platform has for them.
_HOST = {"xen": "xen", "xen_cmdline": "xen_cmdline", "xen_layout": "layout", "mtrr": "mtrr"}
#: Facts of which a guest has as many as are said.
_LISTS = ("drivers", "conflicts", "mapped")


def claims_of(role: str, reading: Data) -> Iterator[Claim]:
    """What the reading of a file of a role, as plain data, claims."""
    kind = "image" if role in ("image", "xen-image") else "file"
    facts: list[Data] = reading["facts"]  # type: ignore[assignment]
    said = {str(fact["key"]): fact["value"] for fact in facts}
    for fact in facts:
        key, value = str(fact["key"]), printable(fact["value"])
        origin = origin_of(kind, reading["source"], fact["line"], fact["offset"])
        if (role, key) == ("image", "image"):
            value = {**value, "abilities": said.get("abilities", {})}  # type: ignore[dict-item]
        if (role, key) == ("dmesg", "mtrr"):
            key = "seen_mtrr"  # the guest's own, unless it turns out to run on the host's
        if key in _GUEST:
            yield Claim(key, value, origin)
        elif key in _HOST:
            yield Claim(_HOST[key], value, origin, of_host=True)
        elif key in _MEANINGS:
            yield from (claim._replace(origin=origin) for claim in _MEANINGS[key](value))


def printable(value: object) -> object:
    """A text with a mark for each character that no text of a fact may have; anything else as it is."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(character if character.isprintable() else "\ufffd" for character in value)


def _of_flags(value: object) -> Iterator[Claim]:
    flags: dict[str, bool] = value  # type: ignore[assignment]
    yield Claim("hide_cpuid_pat", not flags["pat"], {})
    if not flags["mtrr"]:
        yield Claim("lacks_mtrr", True, {})


def _of_cpu(value: object) -> Iterator[Claim]:
    cpu: dict[str, object] = value  # type: ignore[assignment]
    vendor, family, model = cpu["vendor"], cpu["family"], cpu["model"]
    if vendor is not None:
        yield Claim("vendor", vendor, {}, of_host=True)
    if isinstance(family, int) and isinstance(model, int) and loses_index_bit(str(vendor), family, model):
        yield Claim("errata_cpu", True, {})


def _of_driver(value: object) -> Iterator[Claim]:
    name = str(value["driver"] if isinstance(value, dict) else value)
    if driver_named(name) is not None:
        yield Claim("drivers", driver_named(name).key, {})  # type: ignore[union-attr]


def _of_memtypes(value: object) -> Iterator[Claim]:
    """The list has what is no RAM; WB there is the firmware's tables, not a device."""
    if value["type"] != "WB":  # type: ignore[index]
        yield Claim("mapped", f"{value['type']}@mmio", {})  # type: ignore[index]


def _of_boots(value: object) -> Iterator[Claim]:
    if isinstance(value, int) and value > 1:
        yield Claim("boots", value, {})


def _of_mtrr_state(value: object) -> Iterator[Claim]:
    if value["read_only"]:  # type: ignore[index]
        yield Claim("copies_mtrrs", True, {})


def _of_telltales(value: object) -> Iterator[Claim]:
    """A kernel that can say that its MTRRs are read-only copies them from Xen: 6.5 and later, and backports."""
    told: dict[str, bool] = {str(one["string"]): bool(one["present"]) for one in value}  # type: ignore[attr-defined]
    copies = next((present for text, present in told.items() if "read-only" in text), None)
    if copies is not None:
        yield Claim("copies_mtrrs", copies, {})


_MEANINGS: dict[str, Callable[[object], Iterator[Claim]]] = {
    "cpu_flags": _of_flags,
    "cpu": _of_cpu,
    "pci_drivers": _of_driver,
    "memtypes": _of_memtypes,
    "boots": _of_boots,
    "mtrr_state": _of_mtrr_state,
    "telltales": _of_telltales,
    "no_cpuid_pat": lambda _: iter([Claim("hide_cpuid_pat", True, {})]),
    "without_pat": lambda value: iter([Claim("pat_off", value, {})]),
    "conflicts": lambda value: iter([Claim("conflicts", value, {})]),
    "nvidia_pat_refused": lambda _: _of_driver("nvidia-nv-pat"),
}


def _same_kernel(one: object, other: object) -> bool:
    try:
        return parse_release(str(one)).agrees_with(parse_release(str(other)))
    except InvalidInput:
        return one == other


def same_xen(one: object, other: object) -> bool:
    """Whether two texts may state the same release of Xen."""
    first, second = parse_xen(str(one)), parse_xen(str(other))
    return first.series == second.series and len({first.patch, second.patch} - {None}) < 2


#: When two values say the same; other values have to be equal.
_AGREE: dict[str, Callable[[object, object], bool]] = {
    "release": _same_kernel,
    "xen": same_xen,
    "cmdline": lambda one, other: says_nopat(str(one)) == says_nopat(str(other)),
    "xen_cmdline": lambda one, other: relaxes(one) == relaxes(other),
    "mtrr": lambda one, other: _ranges(one) == _ranges(other),
    "boots": lambda one, other: True,  # noqa: ARG005 - several logs may hold several boots each
}
SYMBOLS_SHOWN = 3


def relaxes(command_line: object) -> str:
    """Whom Xen's command line spares the rewriting of MMIO mappings; the text itself where it says nonsense."""
    try:
        return mmio_relax(str(command_line))
    except InvalidInput:
        return str(command_line)


def _ranges(value: object) -> set[tuple[str, str, str]]:
    """The variable ranges of MTRRs: all that /proc/mtrr shows."""
    rows: list[dict[str, str]] = value.get("variable") or []  # type: ignore[attr-defined]
    return {(row["base"], row["size"], row["type"]) for row in rows}


def _other_config(known: Data, value: object) -> str:
    """Where two .configs set a symbol that matters to different values; "" where they agree."""
    mine: dict[str, str] = known["value"]  # type: ignore[assignment]
    other: dict[str, str] = value["value"]  # type: ignore[index]
    both = sorted((mine.keys() & other.keys()) - {"CONFIG_LOCALVERSION"})
    found = [f"{symbol}={other[symbol]} here, and {mine[symbol]}" for symbol in both if other[symbol] != mine[symbol]]
    more = f", and {len(found) - SYMBOLS_SHOWN} more" if len(found) > SYMBOLS_SHOWN else ""
    return ", ".join(found[:SYMBOLS_SHOWN]) + more


def _other_image(known: Data, value: object) -> str:
    """How Xen takes two images differently; "" where it does not."""
    mine, other = (
        {way: one["able"] for way, one in (image.get("abilities") or {}).items()}  # type: ignore[attr-defined]
        for image in (known["value"], value)
    )
    return "" if mine == other else "another image, which Xen takes otherwise"


#: Facts that are compared part by part: in words where they disagree.
_COMPARED: dict[str, Callable[[Data, object], str]] = {"config": _other_config, "image": _other_image}


def says_more(key: str, known: object, value: object) -> bool:
    """Whether a value is the same and tells what the known one does not."""
    try:
        if key == "release":
            return parse_release(str(known)).says_less_than(parse_release(str(value)))
        return key == "xen" and parse_xen(str(known)).patch is None and parse_xen(str(value)).patch is not None
    except InvalidInput:
        return False


def merge(facts: Facts, claims: Iterable[Claim]) -> None:
    """Put claims to facts. The first value of a key counts; one that disagrees stays beside it, under `also`."""
    for key, value, origin, _ in claims:
        known = facts.get(key)
        if known is None:
            facts[key] = _config(value, origin) if key == "config" else _first(key, value, origin)
        elif key in _LISTS:
            listed: list[object] = known["value"]  # type: ignore[assignment]
            if value not in listed and len(listed) < LIST_LIMIT:
                listed.append(value)
        elif key in _COMPARED:
            if differs := _COMPARED[key](known, value):
                put_beside(known, differs, origin)
        elif not _agrees(key, known["value"], value):
            put_beside(known, value, origin)
        elif says_more(key, known["value"], value):
            known |= {"value": value, "origin": origin}


def put_beside(known: Data, value: object, origin: Data) -> None:
    """Keep a value that disagrees beside the one that counts."""
    others: list[Data] = known.setdefault("also", [])  # type: ignore[assignment]
    if all(other["value"] != value for other in others) and len(others) < LIST_LIMIT:
        others.append({"value": value, "origin": origin})


def _first(key: str, value: object, origin: Data) -> Data:
    return {"value": [value] if key in _LISTS else value, "origin": origin}


def _config(value: object, origin: Data) -> Data:
    return {**value, "origin": origin}  # type: ignore[dict-item]


def _agrees(key: str, known: object, value: object) -> bool:
    return _AGREE[key](known, value) if key in _AGREE else known == value
