"""From claims to facts: what only several of them together say of the guest and of its host."""

from collections.abc import Callable

from simulator.evidence.claims import Claim, Data, Facts, merge, origin_of, put_beside, says_more
from simulator.evidence.gathering import Evidence
from simulator.inputs.command_line import mmio_relax
from simulator.inputs.kernel_release import parse_release
from simulator.mtrr import MOST_ADDRESS_BITS, read_mtrr
from simulator.problem import InvalidInput

#: Symbols that only kernels with paravirt operations have; XenLinux has not.
_PVOPS_SYMBOLS = ("CONFIG_XEN_PV", "CONFIG_HYPERVISOR_GUEST", "CONFIG_PARAVIRT_GUEST")
#: Claims that are facts only together with others.
_RAW = ("name", "boots_differ", "bare_metal", "dom0_mode", "lacks_mtrr", "mtrr_list", "seen_mtrr")
#: Facts that hold of some boots of a log only, by what the log says.
_OF_ONE_BOOT = {"without_pat": "pat_off", "no_cpuid_pat": "hide_cpuid_pat"}


def settle(facts: Facts, evidence: Evidence) -> None:
    """Put the claims of evidence to what is known already; what disagrees stays beside it."""
    raw: Facts = {}
    host = _host_of(facts)
    merge(host, (claim for claim in evidence.claims if claim.of_host))
    merge(raw, (claim for claim in evidence.claims if claim.key in _RAW))
    merge(facts, (claim for claim in evidence.claims if not claim.of_host and _is_fact(claim, evidence)))
    _take_config(facts)
    _take_dom0_mode(facts, raw)
    _take_mtrrs(facts, host, raw, evidence)
    if "boots_differ" in raw:
        _take_difference(facts, raw["boots_differ"])
    if "bare_metal" in raw:
        _take_bare_metal(facts, raw["bare_metal"], evidence)
    if host:
        facts["host"] = _host_fact(host, facts)


def _is_fact(claim: Claim, evidence: Evidence) -> bool:
    """Whether a claim is a fact by itself. A banner may state a release that never was: it is left out with a note."""
    if claim.key == "release":
        try:
            parse_release(str(claim.value))
        except InvalidInput as fault:
            evidence.say(f"its release is left out: {fault.found[0].message}", {"origin": claim.origin})
            return False
    return claim.key not in _RAW


def _take_config(facts: Facts) -> None:
    """What a .config says of family and release; what a person states stays, and contradictions stay visible."""
    config = facts.get("config")
    if config is None:
        return
    values: dict[str, str] = config["value"]  # type: ignore[assignment]
    lines: dict[str, int] = config["lines"]  # type: ignore[assignment]
    source = config["origin"]["source"]  # type: ignore[index]
    symbol = next((symbol for symbol in _PVOPS_SYMBOLS if symbol in values), None)
    if "family" not in facts and symbol is not None:
        facts["family"] = {"value": "linux", "origin": origin_of("file", source, lines.get(symbol))}
    header, known = config["release"], facts.get("release")
    if not isinstance(header, dict):
        return
    if known is None or says_more("release", known["value"], header["value"]):
        also = {"also": known["also"]} if known and "also" in known else {}
        facts["release"] = {"value": header["value"], "origin": origin_of("file", source, header["line"]), **also}


def _value(facts: Facts, key: str) -> object:
    return facts[key]["value"] if key in facts else None


def _take_difference(facts: Facts, known: Data) -> None:
    """What holds of some boots of a log only contradicts the others."""
    origin: Data = known["origin"]  # type: ignore[assignment]
    put_beside(facts[_OF_ONE_BOOT[str(known["value"])]], "not so in another boot of the log", origin)


def _take_bare_metal(facts: Facts, known: Data, evidence: Evidence) -> None:
    """A log of bare hardware shows the kernel's own layout; together with a boot under Xen it contradicts that."""
    origin: Data = known["origin"]  # type: ignore[assignment]
    if "mode" in facts:
        put_beside(facts["mode"], "none, but bare hardware", origin)
    elif "observed_pat" in facts and facts["observed_pat"]["origin"]["source"] == origin["source"]:  # type: ignore[index]
        del facts["observed_pat"]
        evidence.say("the boot log is of bare hardware: its layout is the kernel's own, not Xen's", known)


def _take_dom0_mode(facts: Facts, raw: Facts) -> None:
    """Xen's log says in which mode it built the dom0; of another guest it says nothing."""
    if "dom0_mode" in raw and _value(facts, "role") == "dom0":
        known = raw["dom0_mode"]
        others: list[Data] = known.get("also", [])  # type: ignore[assignment]
        merge(facts, [Claim("mode", one["value"], one["origin"]) for one in (known, *others)])  # type: ignore[arg-type]


def _take_mtrrs(facts: Facts, host: Facts, raw: Facts, evidence: Evidence) -> None:
    """MTRRs that a PV kernel or bare hardware shows are the host's; those of HVM and PVH are their own."""
    mode = _value(facts, "mode")
    if "lacks_mtrr" in raw and mode in ("hvm", "pvh"):
        merge(facts, [Claim("hide_cpuid_mtrr", True, raw["lacks_mtrr"]["origin"])])  # type: ignore[arg-type]
    if mode == "pv" or "bare_metal" in raw:
        for key in ("seen_mtrr", "mtrr_list"):
            if key in raw:
                value: Data = raw[key]["value"]  # type: ignore[assignment]
                whole = {"address_bits": MOST_ADDRESS_BITS, **value}
                merge(host, [Claim("mtrr", whole, raw[key]["origin"])])  # type: ignore[arg-type]
    _check(host, "mtrr", lambda value: read_mtrr(value), evidence)
    _check(host, "xen_cmdline", lambda value: mmio_relax(str(value)), evidence)


def _check(host: Facts, key: str, read: Callable[[object], object], evidence: Evidence) -> None:
    """Leave out what the engine would refuse of the host, with a note; what disagreed with it takes its place."""
    while key in host:
        try:
            read(host[key]["value"])
        except InvalidInput as fault:
            known = host.pop(key)
            evidence.say(f"{_NAMES[key]} left out: {fault.found[0].message}", known)
            for other in known.get("also", []):  # type: ignore[attr-defined]
                merge(host, [Claim(key, other["value"], other["origin"])])
        else:
            return


#: What of the host is called otherwise by a platform of a scenario.
_PLATFORM_KEYS = {"xen_cmdline": "cmdline"}
_HOST_KEYS = {name: key for key, name in _PLATFORM_KEYS.items()}
_NAMES = {"mtrr": "its MTRRs are", "xen_cmdline": "Xen's command line is"}


def _host_of(facts: Facts) -> Facts:
    """What is known of the host already, fact by fact."""
    if "host" not in facts:
        return {}
    values: Data = facts["host"]["value"]  # type: ignore[assignment]
    origins: Data = facts["host"]["origins"]  # type: ignore[assignment]
    return {_HOST_KEYS.get(name, name): {"value": values[name], "origin": origins[name]} for name in values}


def _host_fact(host: Facts, facts: Facts) -> Data:
    """The host's facts as one fact: its value is what a platform of a scenario takes."""
    also: list[Data] = list(facts["host"].get("also", [])) if "host" in facts else []  # type: ignore[call-overload]
    for key, fact in host.items():
        others: list[Data] = fact.get("also", [])  # type: ignore[assignment]
        for other in others:
            shown = "other MTRRs" if key == "mtrr" else f"{key} {other['value']}, not {fact['value']}"
            also.append({"value": shown, "origin": other["origin"]})
    found = {
        "value": {_PLATFORM_KEYS.get(key, key): fact["value"] for key, fact in host.items()},
        "origin": next(iter(host.values()))["origin"],
        "origins": {_PLATFORM_KEYS.get(key, key): fact["origin"] for key, fact in host.items()},
    }
    return found | ({"also": also} if also else {})
