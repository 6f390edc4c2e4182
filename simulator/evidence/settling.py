"""From claims to facts: what only several of them together say of the guest and of its host."""

from simulator.evidence.claims import Claim, Data, Facts, merge, origin_of
from simulator.evidence.gathering import Evidence
from simulator.inputs.kernel_release import parse_release
from simulator.mtrr import MOST_ADDRESS_BITS, read_mtrr
from simulator.problem import InvalidInput

#: Symbols that only kernels with paravirt operations have; XenLinux has not.
_PVOPS_SYMBOLS = ("CONFIG_XEN_PV", "CONFIG_HYPERVISOR_GUEST", "CONFIG_PARAVIRT_GUEST")
#: Claims that are facts only together with others.
_RAW = ("name", "bare_metal", "dom0_mode", "lacks_mtrr", "mtrr_list", "seen_mtrr")


def settle(facts: Facts, evidence: Evidence) -> None:
    """Put the claims of evidence to what is known already; what disagrees stays beside it."""
    raw: Facts = {}
    host: Facts = {}
    merge(host, (claim for claim in evidence.claims if claim.of_host))
    merge(raw, (claim for claim in evidence.claims if claim.key in _RAW))
    merge(facts, (claim for claim in evidence.claims if not claim.of_host and claim.key not in _RAW))
    _take_config(facts)
    _take_dom0_mode(facts, raw)
    _take_mtrrs(facts, host, raw, evidence)
    if "bare_metal" in raw and "observed_pat" in facts:
        del facts["observed_pat"]
        evidence.say("the boot log is of bare hardware: its layout is the kernel's own, not Xen's", raw["bare_metal"])
    if host:
        facts["host"] = _host_fact(host)


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
    release = parse_release(str(header["value"]))
    if known is None or _says_less(str(known["value"]), str(header["value"])):
        also = {"also": known["also"]} if known and "also" in known else {}
        facts["release"] = {"value": release.text, "origin": origin_of("file", source, header["line"]), **also}


def _says_less(known: str, other: str) -> bool:
    try:
        return parse_release(known).says_less_than(parse_release(other))
    except InvalidInput:
        return False


def _value(facts: Facts, key: str) -> object:
    return facts[key]["value"] if key in facts else None


def _take_dom0_mode(facts: Facts, raw: Facts) -> None:
    """Xen's log says in which mode it built the dom0."""
    if "dom0_mode" in raw and _value(facts, "role") != "domU":
        known = raw["dom0_mode"]
        origin: Data = known["origin"]  # type: ignore[assignment]
        merge(facts, [Claim("mode", known["value"], origin), Claim("role", "dom0", origin)])


def _take_mtrrs(facts: Facts, host: Facts, raw: Facts, evidence: Evidence) -> None:
    """MTRRs that a PV kernel or bare hardware shows are the host's; those of HVM and PVH are their own."""
    mode = _value(facts, "mode")
    if "lacks_mtrr" in raw and mode in ("hvm", "pvh"):
        merge(facts, [Claim("hide_cpuid_mtrr", True, raw["lacks_mtrr"]["origin"])])  # type: ignore[arg-type]
    if mode == "pv" or "bare_metal" in raw:
        for key in ("seen_mtrr", "mtrr_list"):
            if key in raw and "mtrr" not in host:
                value: Data = raw[key]["value"]  # type: ignore[assignment]
                host["mtrr"] = raw[key] | {"value": {"address_bits": MOST_ADDRESS_BITS, **value}}
    if "mtrr" in host:
        try:
            read_mtrr(host["mtrr"]["value"])
        except InvalidInput as fault:
            evidence.say(f"its MTRRs are left out: {fault.found[0].message}", host.pop("mtrr"))


def _host_fact(host: Facts) -> Data:
    """The host's facts as one fact: its value is what a platform of a scenario takes."""
    also = [
        {"value": f"{key} {other['value']}", "origin": other["origin"]}
        for key, fact in host.items()
        for other in fact.get("also", [])  # type: ignore[attr-defined]
    ]
    found = {
        "value": {key: fact["value"] for key, fact in host.items()},
        "origin": next(iter(host.values()))["origin"],
        "origins": {key: fact["origin"] for key, fact in host.items()},
    }
    return found | ({"also": also} if also else {})
