"""What may go wrong for a guest besides the encoding of a type, and what the kernel itself brings of it."""

from dataclasses import dataclass

from simulator import citations, guest
from simulator.finding import Severity, Verdict
from simulator.inputs.kernel_release import KernelRelease
from simulator.memory_type import MemoryType
from simulator.pat import PteCacheBits


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """One statement about one behaviour, by the rule that makes it a finding.

    `message` and `headline` follow the guest and a colon; a conditional hazard
    has an assumption.
    """

    rule: str
    verdict: Verdict
    severity: Severity
    title: str
    message: str
    headline: str
    cite: str
    fix: str | None = None
    assumption: str | None = None
    entry: int | None = None
    wanted: MemoryType | None = None
    in_force: MemoryType | None = None
    subject: str = ""

    def as_data(self) -> list[object]:
        """The hazard as plain data, for digests."""
        return [self.rule, self.verdict.word, self.subject, self.message, self.assumption]


def refused(wanted: MemoryType, index: int) -> Hazard:
    """Xen's answer to a cache bit of a domain without I/O resources: -EINVAL, "Bad L1 flags"."""
    bits = PteCacheBits.of_index(index).words
    is_wb = wanted is MemoryType.WB
    refuses = f"Xen refuses every mapping with {bits} to a domain without devices"
    return Hazard(
        rule="ENC010",
        verdict=Verdict.INCOMPATIBLE if is_wb else Verdict.CONDITIONAL,
        severity=Severity.FUNCTION,
        title=f"{wanted.word} by {bits} is refused to a domU without devices",
        message=f'it sets {bits} for {wanted.word}, and {refuses} ("Bad L1 flags", -EINVAL)',
        headline=("" if is_wb else f"right if it never maps {wanted.word}: ") + refuses,
        cite=citations.XEN_L1_MASK,
        fix=f"map {wanted.word} with no cache bits",
        assumption=None if is_wb else f"it never maps with {bits}: Xen refuses such a mapping",
        entry=index,
        wanted=wanted,
        subject=f"refused {wanted.word}",
    )


def pat_disabled(is_false: str, fix: str, *, is_asked: bool) -> Hazard:
    """Before 5.17 no driver is known to refuse anything for that."""
    then = "from 5.17 on i915 refuses WC then" if is_asked else "drivers that ask it do without PAT"
    return Hazard(
        rule="ENC040",
        verdict=Verdict.CONDITIONAL if is_asked else Verdict.COMPATIBLE,
        severity=Severity.FUNCTION if is_asked else Severity.ADVICE,
        title="Drivers are told that there is no PAT",
        message=f"pat_enabled() {is_false}, though the kernel uses the layout's entries; {then}",
        headline="PAT is reported as disabled: right if no driver refuses WC for that, as i915 does from 5.17",
        cite=citations.LINUX_PAT_ENABLED,
        fix=fix,
        assumption="no driver refuses WC without pat_enabled() (i915 does from 5.17)" if is_asked else None,
    )


def pat_fix(without_pat: str) -> str:
    """What gives a kernel its PAT support back."""
    return "drop nopat" if without_pat == "nopat" else "enable CONFIG_X86_PAT, which needs CONFIG_MTRR"


def newer(release: KernelRelease) -> Hazard:
    """A kernel newer than the newest tree that was read."""
    newest = ".".join(str(number) for number in guest.NEWEST_SERIES)
    builds = f"it still builds its tables from the MSR as {newest} does"
    return Hazard(
        rule="EVI060",
        verdict=Verdict.CONDITIONAL,
        severity=Severity.CORRECTNESS,
        title="The kernel is newer than the newest one that was read",
        message=f"Linux {release.text} is newer than {newest}, the newest tree that was read",
        headline=f"newer than Linux {newest}, the newest one read: right if {builds}",
        cite=citations.LINUX_CACHE_TABLES,
        fix=f"run Linux {newest} or older, or an engine that knows this release",
        assumption=builds,
    )
