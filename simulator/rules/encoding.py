"""ENC: what guests write into their page tables, and what it means under the layout."""

from collections.abc import Iterator

from simulator import citations
from simulator.effective import effective_type
from simulator.finding import SEVERITY_OF, Finding, Outcome, Severity, Verdict
from simulator.hypervisor import REWRITTEN_TO
from simulator.mapping import Mapping, is_rewritten
from simulator.memory_type import MemoryType
from simulator.pair import Target, judge
from simulator.pat import POWER_ON, PteCacheBits
from simulator.rules.derivation import PLACES, derive
from simulator.rules.fixes import enabled_fixes, fixes_of, is_folded
from simulator.rules.rule import (
    LINUX,
    GuestView,
    MappingView,
    Rule,
    example,
    linux,
    needs_guests,
    needs_own_pat,
    needs_pv,
    say,
)


def outcomes_of(view: MappingView, mapping: Mapping) -> tuple[Outcome, ...]:
    """The outcome that counts, and of device memory also the one under an MTRR of WC, as X drivers used to set."""
    pat, judgement = mapping.pat_type, mapping.judgement
    assert pat is not None  # of a refused mapping there is none
    assert judgement is not None
    assert mapping.in_force is not None
    vendor, place = view.guest.platform.vendor, PLACES[mapping.target]
    asked = effective_type(mtrr=mapping.mtrr, pat=mapping.wanted, vendor=vendor)
    counted = Outcome(
        f"{place} under an MTRR of {mapping.mtrr.word}", mapping.mtrr, asked, mapping.in_force, judgement.verdict,
        judgement.cell.consequence,
    )  # fmt: skip
    if mapping.target is Target.RAM:
        return (counted,)
    asked = effective_type(mtrr=MemoryType.WC, pat=mapping.wanted, vendor=vendor)
    got = effective_type(mtrr=MemoryType.WC, pat=pat, vendor=vendor)
    found = judge(asked, got, Target.MMIO, True)
    why = (
        f"{found.cell.consequence}; a plain WB or UC- mapping would have been WC"
        if asked > got
        else found.cell.consequence
    )
    under_wc = Outcome(f"{place} under an MTRR of WC", MemoryType.WC, asked, got, found.verdict, why, counts=False)
    return counted, under_wc


def by_pair(
    view: MappingView, mapping: Mapping, rule: str, *, title: str, message: str, by: str, fixes: tuple[str, ...],
    lost_from: int | None = None, why: str = "", entry: int | None = None,
) -> Finding:  # fmt: skip
    """What a rule says of a pair that is not as wanted; `message` follows the guest's name, `by` is the headline's."""
    one, judgement = view.guest.one, mapping.judgement
    assert judgement is not None  # of a refused mapping there is none
    assert mapping.pat_type is not None
    wanted, got, verdict = mapping.wanted.word, mapping.pat_type.word, judgement.verdict
    if mapping.pat_type is mapping.wanted and mapping.in_force is not None:
        got = mapping.in_force.word  # the MTRR takes it
    place = PLACES[mapping.target]
    what = (
        f"right if {judgement.assumption}" if judgement.assumption else judgement.cell.consequence.rpartition(": ")[2]
    )
    return Finding(
        rule=rule,
        verdict=verdict,
        subject=mapping.subject,
        title=title,
        message=f"{one.subject}{message}; on {place}: {judgement.cell.consequence}.",
        steps=derive(view, mapping, lost_from=lost_from, why=why),
        severity=SEVERITY_OF[verdict],
        confidence=view.guest.kernel.confidence,
        fixes=fixes,
        assumption=judgement.assumption,
        headline=f"{{who}} ask{one.ending} for {wanted} by {by} and get{one.ending} {got} in {place}: {what}",
        who=one.who,
        platform=view.guest.platform.name,
        guest_class=one,
        guests=tuple(one.members),
        entry=mapping.written if entry is None else entry,
        wanted=mapping.wanted,
        in_force=mapping.pat_type,
        outcomes=outcomes_of(view, mapping),
    )


def encodings_hold(view: MappingView) -> Iterator[Finding]:
    """A type that a guest maps, by the bits that it sets, is what the pair table calls as wanted."""
    mapping = view.mapping
    if mapping.judgement is None or mapping.judgement.verdict is Verdict.COMPATIBLE or mapping.written is None:
        return
    assert mapping.pat_type is not None  # the judgement is about it
    ending, wanted, got = view.guest.one.ending, mapping.wanted.word, mapping.pat_type.word
    if mapping.pat_type is mapping.wanted and mapping.in_force is not None:
        got = f"{mapping.in_force.word}, for {_mtrr_says(view, mapping)}"
    bits = PteCacheBits.of_index(mapping.written).spoken
    if is_folded(view, mapping):
        bits += f", which an errata CPU may take for PA{mapping.written & 3}"
    yield by_pair(
        view,
        mapping,
        "ENC010",
        title=f"{wanted} by PA{mapping.written} is {got.partition(',')[0]} on {PLACES[mapping.target]}",
        message=f" ask{ending} for {wanted} by index {mapping.written} ({bits}) and get{ending} {got}",
        by=f"PA{mapping.written}",
        fixes=fixes_of(view, mapping),
    )


def _mtrr_says(view: MappingView, mapping: Mapping) -> str:
    mtrr = view.guest.platform.mtrr
    is_off = mtrr is not None and not mtrr.enabled
    return "the MTRRs are off" if is_off else f"the MTRR there says {mapping.mtrr.word}"


def lost_mapping(view: MappingView) -> Mapping | None:
    """The mapping as it is where the kernel dropped the PAT bit; None where there is none to drop."""
    mapping, guest = view.mapping, view.guest
    written = mapping.written
    if written is None or mapping.judgement is None or not guest.kernel.loses_pat_bit:
        return None
    if mapping.left is None or mapping.left < 4:
        return None  # there is none, or Xen took it before the kernel could
    left = written - 4
    if mapping.target is Target.MMIO and is_rewritten(guest.kernel, guest.platform, mapping.layout, left):
        left = REWRITTEN_TO
    pat = mapping.layout.entries[left]
    in_force = effective_type(mtrr=mapping.mtrr, pat=pat, vendor=guest.platform.vendor)
    judged = judge(mapping.wanted, in_force, mapping.target, guest.kernel.setting.devices)
    return mapping._replace(written=written - 4, left=left, pat_type=pat, in_force=in_force, judgement=judged)


def bit_loss(view: MappingView) -> Iterator[Finding]:
    """Kernels that drop the PAT bit when they change the protection of a mapping."""
    lost, index = lost_mapping(view), view.mapping.written
    if lost is None or lost.judgement is None or lost.judgement.verdict is Verdict.COMPATIBLE:
        return
    assert lost.pat_type is not None  # the judgement is about it
    ending, wanted, got = view.guest.one.ending, lost.wanted.word, lost.pat_type.word
    at_1 = ("put WC at PA1",) if view.guest.judges_layout and lost.wanted is MemoryType.WC else ()
    yield by_pair(
        view,
        lost,
        "ENC020",
        entry=index,
        title=f"{wanted} by PA{index} becomes {got} on {PLACES[lost.target]} when the PAT bit is lost",
        message=f" ask{ending} for {wanted} by index {index}; the kernel loses the PAT bit when it changes a "
        f"mapping's protection, and {_falls_to(lost)}",
        by=f"PA{index}, lose{ending} the PAT bit",
        fixes=("run Linux 6.6 or later, or a stable release with 548cb932051f (6.1.53, 5.15.132, 5.10.195)", *at_1),
        lost_from=index,
        why="a change of protection drops bit 7, the PAT bit",
    )


def _falls_to(lost: Mapping) -> str:
    """ "PA0 is WB", or what Xen makes of it."""
    assert lost.written is not None  # a lost mapping has them
    assert lost.pat_type is not None
    entry = lost.layout.entries[lost.written].word
    if lost.left == lost.written:
        return f"PA{lost.written} is {entry}"
    return f"PA{lost.written} ({entry}) is turned to {lost.pat_type.word} by Xen"


def offered_elsewhere(view: MappingView) -> Iterator[Finding]:
    """A type that a guest misses, though another entry of the host holds it and the kernel could set its bits."""
    mapping, kernel, wanted = view.mapping, view.guest.kernel, view.mapping.wanted
    index = mapping.layout.index_of(wanted)
    is_missed = mapping.judgement is not None and mapping.judgement.verdict is not Verdict.COMPATIBLE
    if (
        index is None
        or wanted is MemoryType.WB
        or not is_missed
        or not kernel.can_choose(wanted)
        or mapping.pat_type is wanted
        or not kernel.is_pv
    ):
        return
    if view.need is not None and mapping.target is Target.MMIO and _is_needed_on_ram(view.guest, wanted):
        return  # said of RAM
    bits, one = PteCacheBits.of_index(index).spoken, view.guest.one
    history = ""
    if wanted is MemoryType.WC:
        fixed = "used entry 4" if index == 4 else "used entry 4, which is not WC here"
        history = f" Linux 2.6.36 to 3.2 {fixed}; 3.19 and later read the MSR."
    cites = (citations.XEN_DEVEL_2010, citations.LINUX_XEN_TRANSLATES, citations.LINUX_CACHE_TABLES)
    said = say(
        view.guest,
        "ENC030",
        Verdict.COMPATIBLE,
        mapping.subject,
        title=f"The host offers {wanted.word} at PA{index}",
        message=f"it sets the bits of PA{mapping.written} for {wanted.word}, but PA{index} ({bits}) holds it",
        cites=cites,
        fixes=(f"map {wanted.word} with {bits}, or read the MSR at boot",),
        entry=index,
        wanted=wanted,
        in_force=mapping.pat_type,
    )
    text = f"{one.subject} set{one.ending} the bits of PA{mapping.written} for {wanted.word}, but PA{index} ({bits}) "
    yield said._replace(message=f"{text}holds it.{history}")


def _is_needed_on_ram(view: GuestView, wanted: MemoryType) -> bool:
    return any(need.wanted is wanted and need.target is Target.RAM for need in view.kernel.needs)


def pat_disabled(view: GuestView) -> Iterator[Finding]:
    """pat_enabled() is false: the memtype code tracks nothing, and drivers that ask do without PAT."""
    why = " and ".join(view.kernel.pat_disabled)
    if why and view.kernel.behaviour.reads:
        yield say(
            view,
            "ENC040",
            Verdict.COMPATIBLE,
            "pat_enabled()",
            title="Drivers are told that there is no PAT",
            message=f"pat_enabled() is false ({why}), though the kernel uses the layout's entries; drivers that ask it "
            "do without PAT, as i915 does from 5.17 on",
            cites=(citations.LINUX_PAT_ENABLED,),
            fixes=enabled_fixes(view.kernel),
        )


def own_layout(view: MappingView) -> Iterator[Finding]:
    """A PVH or HVM guest whose own encoding does not give the type under its own layout."""
    mapping, kernel = view.mapping, view.guest.kernel
    pat = mapping.pat_type
    if kernel.is_pv or pat is None or pat is mapping.wanted or mapping.written is None:
        return
    entry = mapping.layout.entries[mapping.written]
    if {entry, mapping.wanted} == {MemoryType.UC, MemoryType.UC_MINUS}:
        return
    yield say(
        view.guest,
        "ENC050",
        Verdict.COMPATIBLE,
        mapping.subject,
        title=f"The guest's bits for {mapping.wanted.word} give {pat.word} under its own layout",
        message=f"it maps {mapping.wanted.word} by PA{mapping.written}, which its own layout ({kernel.own_why}) "
        f"makes {entry.word}",
        cites=(kernel.behaviour.cite,),
        wanted=mapping.wanted,
        entry=mapping.written,
    )


def refused_mapping(view: MappingView) -> Iterator[Finding]:
    """A mapping that the kernel or Xen refuses: the request fails. Drivers and the boot have rules of their own."""
    refused = view.mapping.refused
    if refused is None or refused.by not in ("kernel", "xen"):
        return
    yield say(
        view.guest,
        "ENC060",
        Verdict.INCOMPATIBLE,
        view.mapping.subject,
        title=f"{view.mapping.wanted.word} on {PLACES[view.mapping.target]} is refused by {refused.by}",
        message=refused.why,
        cites=refused.cites,
        severity=Severity.FUNCTION,
        fixes=(refused.fix,),
        wanted=view.mapping.wanted,
        steps=derive(view),
    )


def unknown_encoding(view: MappingView) -> Iterator[Finding]:
    """A type whose bits no source tells."""
    if view.mapping.is_unknown:
        yield say(
            view.guest,
            "ENC070",
            Verdict.INDETERMINATE,
            view.mapping.subject,
            title=f"How the kernel encodes {view.mapping.wanted.word} was not read",
            message=f"no source tells which bits {view.guest.kernel.row.title} sets for {view.mapping.wanted.word}",
            cites=(view.guest.kernel.behaviour.cite, citations.STATED_FACTS),
            fixes=(f"state the encoding of {view.mapping.wanted.word}",),
            wanted=view.mapping.wanted,
            steps=derive(view),
        )


def errata_fold(view: MappingView) -> Iterator[Finding]:
    """On an errata CPU index bit 2 is unreliable: entry s may act as entry s-4, or as itself; the worse one counts."""
    mapping, guest = view.mapping, view.guest
    if not is_folded(view, mapping) or mapping.pat_type is None:
        return
    assert mapping.left is not None  # a folded entry is above PA3
    entry = mapping.layout.entries[mapping.left]
    if entry is mapping.pat_type:
        return
    unfolded = effective_type(mtrr=mapping.mtrr, pat=entry, vendor=guest.platform.vendor)
    judged = judge(mapping.wanted, unfolded, mapping.target, guest.kernel.setting.devices)
    verdict = judged.verdict if judged.verdict > mapping.verdict else Verdict.COMPATIBLE
    yield say(
        guest,
        "ENC080",
        verdict,
        mapping.subject,
        title=f"PA{mapping.left} may be reached as PA{mapping.left & 3} on an errata CPU",
        message=f"the processor may ignore the PAT bit: PA{mapping.left} ({entry.word}) then acts as "
        f"PA{mapping.left & 3} ({mapping.pat_type.word})",
        headline=f"asked by PA{mapping.left}, {mapping.wanted.word} is {entry.word} where the PAT bit is not lost",
        cites=(citations.INTEL_PAT_ERRATA, citations.LINUX_PAT_INIT),
        fixes=("use a layout whose entries 4 to 7 repeat entries 0 to 3",),
        assumption=judged.assumption,
        wanted=mapping.wanted,
        entry=mapping.left,
    )


def hidden_cpuid(view: GuestView) -> Iterator[Finding]:
    """Hiding CPUID.PAT hides the flag: the processor looks the bits up all the same."""
    kernel = view.kernel
    if kernel.hides_pat and kernel.is_pv:
        low = [n for n in range(4) if view.layout.entries[n] is not POWER_ON.entries[n]]
        differs = (
            f"PA{low[0]} is {view.layout.entries[low[0]].word} here" if low else "its low four entries are the same"
        )
        yield say(
            view,
            "ENC090",
            Verdict.COMPATIBLE,
            "CPUID.PAT",
            title="Hiding CPUID.PAT changes nothing in the processor",
            message="CPUID.PAT is hidden from the guest, and its bits are looked up in the layout in force all the "
            f"same; against the power-on default {differs}",
            cites=(citations.SDM_PAT_MSR, citations.XEN_DEVEL_2010),
            fixes=("show CPUID.PAT to the guest",),
        )


_SUSE = {"guest": "suse-xenlinux", "release": "2.6.32", "mode": "pv", "role": "dom0"}
_I915 = ["i915"]

RULES = (
    Rule("ENC010", "An encoding still means what the guest wants", Severity.CORRECTNESS, "every guest",
         (citations.SDM_PAT_INDEX, citations.SDM_EFFECTIVE, citations.AMD_EFFECTIVE, citations.LINUX_REFUSALS),
         "mapping", encodings_hold, needs_guests, needs_encodings=True,
         fires=example(_SUSE | {"needs": ["WC"]}, layout=LINUX), silent=example(_SUSE | {"needs": ["WC"]})),
    Rule("ENC020", "Encodings survive a kernel that loses the PAT bit", Severity.CORRECTNESS,
         "Linux 3.19 and later", (citations.LINUX_PAT_BIT_LOSS, citations.LINUX_STABLE), "mapping", bit_loss,
         needs_guests, needs_encodings=True,
         fires=example(linux("5.15.100", drivers=_I915)), silent=example(linux("5.15.132", drivers=_I915))),
    Rule("ENC030", "The host offers a missed type at another entry", Severity.ADVICE, "PV guests",
         (citations.XEN_DEVEL_2010, citations.LINUX_XEN_TRANSLATES, citations.LINUX_CACHE_TABLES), "mapping",
         offered_elsewhere, needs_pv, needs_encodings=True,
         fires=example(linux("2.6.30", drivers=["radeon"]), xen="3.4"),
         silent=example(linux("2.6.36", drivers=["radeon"]), xen="3.4")),
    Rule("ENC040", "Drivers that ask pat_enabled() see PAT", Severity.ADVICE, "Linux",
         (citations.LINUX_PAT_ENABLED,), "guest", pat_disabled, needs_guests, needs_encodings=True,
         fires=example(linux("5.17")), silent=example(linux("6.1.100"))),
    Rule("ENC050", "A guest's bits fit its own layout", Severity.ADVICE, "PVH and HVM guests",
         (citations.UNIKRAFT, citations.REACTOS_PAT), "mapping", own_layout, needs_own_pat, needs_encodings=True,
         fires=example({"guest": "unikraft", "mode": "hvm", "role": "domU", "devices": True, "needs": ["WC"]}),
         silent=example(linux("6.12", role="domU", mode="hvm", needs=["WC"]))),
    Rule("ENC060", "Neither the kernel nor Xen refuses a mapping", Severity.FUNCTION, "every guest",
         (citations.XEN_L1_MASK, citations.XEN_FLUSH_PERMITTED), "mapping", refused_mapping, needs_guests,
         needs_encodings=True,
         fires=example(linux("6.12", role="domU", drivers=["nvidia"])),
         silent=example(linux("6.12", role="domU"))),
    Rule("ENC070", "The bits for every needed type are known", Severity.CORRECTNESS, "every guest",
         (citations.STATED_FACTS,), "mapping", unknown_encoding, needs_guests, needs_encodings=True,
         fires=example({"guest": "dragonfly", "mode": "hvm", "role": "domU", "devices": True, "needs": ["WC"]}),
         silent=example({"guest": "freebsd", "release": "13.2", "mode": "hvm", "role": "domU", "devices": True,
                         "needs": ["WC"]})),
    Rule("ENC080", "No needed entry is folded on an errata CPU", Severity.ADVICE,
         "guests on an errata CPU", (citations.INTEL_PAT_ERRATA,), "mapping", errata_fold, needs_guests,
         needs_encodings=True,
         fires=example(linux("6.12", drivers=_I915), errata_cpu=True), silent=example(linux("6.12", drivers=_I915))),
    Rule("ENC090", "CPUID.PAT is shown to PV guests", Severity.ADVICE, "PV guests",
         (citations.XEN_DEVEL_2010, citations.XEN_CPUID_PAT), "guest", hidden_cpuid, needs_pv,
         fires=example(linux("6.12", hide_cpuid_pat=True)), silent=example(linux("6.12"))),
)  # fmt: skip
