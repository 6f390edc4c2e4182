"""A guest class under one layout: what each type that it wants turns into."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from simulator.consequence import CONTEXTS, judge_in_context
from simulator.finding import Outcome, Verdict, worst
from simulator.guest import Follows
from simulator.hazard import Hazard
from simulator.hazards import hazards_under
from simulator.memory_type import ORDER, MemoryType
from simulator.pat import PatLayout
from simulator.profile import Profile
from simulator.scenario import GuestClass, Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A wanted type by one PAT index under one layout: the PAT type and every outcome."""

    wanted: MemoryType
    index: int
    got: MemoryType
    outcomes: tuple[Outcome, ...]
    prefers_ram: bool = False

    @property
    def verdict(self) -> Verdict:
        """The worst outcome."""
        return worst(outcome.verdict for outcome in self.outcomes)

    @property
    def worst_outcome(self) -> Outcome:
        """The first of the worst outcomes; the one in RAM where RAM is what counts."""
        ram_first = self.prefers_ram or self.wanted is MemoryType.WB
        return max(self.outcomes, key=lambda outcome: (outcome.verdict, ram_first and outcome.is_ram))


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A type that a guest wants: as it encodes it, and as it is where the PAT bit was lost."""

    encoded: Mapped
    lost: Mapped | None

    @property
    def worst_mapped(self) -> Mapped:
        """The worse of both; as encoded where they are equal."""
        if self.lost is not None and self.lost.verdict > self.encoded.verdict:
            return self.lost
        return self.encoded

    @property
    def verdict(self) -> Verdict:
        """The worst of both."""
        return self.worst_mapped.verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One possible behaviour of a class under a layout.

    `wants` is the guest started anew; `kept` is the guest started under the layout
    that is replaced and restored under this one, None where that cannot matter.
    """

    profile: Profile
    wants: tuple[Want, ...]
    kept: tuple[Want, ...] | None
    hazards: tuple[Hazard, ...]

    @property
    def fresh(self) -> Verdict:
        """The verdict on the guest started anew."""
        found = [want.verdict for want in self.wants] + [hazard.verdict for hazard in self.hazards]
        return worst(found)

    @property
    def after_restore(self) -> Verdict:
        """The verdict on the guest restored; compatible where that cannot matter."""
        return worst(want.verdict for want in self.kept or ())

    @property
    def cannot_boot(self) -> bool:
        """Whether nothing else matters: the kernel cannot boot in this mode."""
        return any(hazard.rule == "EVI010" and hazard.verdict is Verdict.INCOMPATIBLE for hazard in self.hazards)

    @property
    def words(self) -> str:
        """The verdicts as the end of a sentence."""
        is_same = self.kept is None or self.after_restore is self.fresh
        return self.fresh.word if is_same else f"{self.fresh.word}, {self.after_restore.word} once restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassJudgement:
    """A class under a layout: every case, and the one that speaks for all; None where what is unknown decides.

    `chosen` speaks for the guests started anew, `restored` for those restored.
    """

    guest_class: GuestClass
    cases: tuple[Case, ...]
    chosen: Case | None
    restored: Case | None

    @property
    def is_decided(self) -> bool:
        """Whether nothing that is unknown decides, neither on the guests started anew nor on those restored."""
        return self.chosen is not None and self.restored is not None

    @property
    def profile(self) -> Profile | None:
        """The behaviour that speaks for all."""
        return None if self.chosen is None else self.chosen.profile

    @property
    def wants(self) -> tuple[Want, ...]:
        """What each type turns into, where that is decided."""
        return () if self.chosen is None else self.chosen.wants

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """What else threatens, where that is decided."""
        return () if self.chosen is None else self.chosen.hazards

    @property
    def verdict(self) -> Verdict:
        """The verdict on the guests started anew."""
        return Verdict.INDETERMINATE if self.chosen is None else self.chosen.fresh

    @property
    def resumed(self) -> Verdict | None:
        """The verdict on the guests restored; None where that cannot matter."""
        if not self.may_resume:
            return None
        return Verdict.INDETERMINATE if self.restored is None else self.restored.after_restore

    @property
    def may_resume(self) -> bool:
        """Whether a restore matters in any case."""
        return any(case.kept is not None for case in self.cases)


def map_type(
    platform: Platform,
    layout: PatLayout,
    profile: Profile,
    wanted: MemoryType,
    index: int,
    *,
    prefers_ram: bool = False,
) -> Mapped:
    """What a mapping that wants a type gets by one index, in every context in which this guest makes one.

    Source: linux, reserve_ram_pages_type(): RAM is never mapped UC.
    """
    got = layout.entries[index]
    everywhere = wanted is not MemoryType.UC or profile.behaviour.maps_ram_uc
    outcomes = tuple(
        judge_in_context(
            wanted, got, context, host=layout, vendor=platform.vendor, corrects_mmio=platform.xen.corrects_mmio
        )
        for context in CONTEXTS
        if everywhere or context.is_mmio
    )
    return Mapped(wanted=wanted, index=index, got=got, outcomes=outcomes, prefers_ram=prefers_ram)


def _judge_wants(
    platform: Platform, layout: PatLayout, profile: Profile, *, booted_under: PatLayout | None = None
) -> tuple[Want, ...]:
    """What each type that a profile wants turns into.

    Where the guest booted under another layout and goes on under this one, its
    page-table flags are carried over as they are, and so are the tables that the
    kernel built at boot. A mapped BAR stops the save: RAM is what counts then.

    Source: xen, xg_sr_save_x86_pv.c.
    """
    wants = []
    prefers_ram = booted_under is not None
    for wanted in profile.wants:
        index = profile.encode(wanted, booted_under or layout)
        encoded = map_type(platform, layout, profile, wanted, index, prefers_ram=prefers_ram)
        lost = None
        if profile.loses_pat_bit and index >= 4:
            lost = map_type(platform, layout, profile, wanted, index - 4, prefers_ram=prefers_ram)
        wants.append(Want(encoded=encoded, lost=lost))
    return tuple(wants)


def _judge_case(platform: Platform, layout: PatLayout, profile: Profile, replaced: PatLayout | None) -> Case:
    kept = None
    if replaced is not None and _can_resume(profile, replaced):
        kept = _judge_wants(platform, layout, profile, booted_under=replaced)
    return Case(
        profile=profile,
        wants=_judge_wants(platform, layout, profile),
        kept=kept,
        hazards=hazards_under(platform, layout, profile),
    )


def _can_resume(profile: Profile, host: PatLayout) -> bool:
    """Whether the guest, saved, carries cache bits that a layout gives meaning to."""
    if not profile.is_resumable or profile.follows is Follows.OWN:
        return False
    return any(profile.encode(wanted, host) for wanted in profile.wants)


def judge_class(
    platform: Platform, layout: PatLayout, one: GuestClass, *, replaced: PatLayout | None = None
) -> ClassJudgement:
    """A class under a layout, decided over every behaviour that is possible, anew and restored each on its own."""
    cases = tuple(_judge_case(platform, layout, profile, replaced) for profile in one.possibilities.profiles)
    is_open = one.possibilities.is_open and not all(case.cannot_boot for case in cases)
    return ClassJudgement(
        guest_class=one,
        cases=cases,
        chosen=None if is_open else _choose(cases, lambda case: case.fresh),
        restored=None if is_open else _choose(cases, lambda case: case.after_restore),
    )


def _choose(cases: tuple[Case, ...], verdict_of: Callable[[Case], Verdict]) -> Case | None:
    """The case that speaks for all: all have its verdict, or none is worse than degraded; None if none does.

    Where all are conditional, they are so on all that any of them rests on.
    """
    verdicts = [verdict_of(case) for case in cases]
    highest = worst(verdicts)
    if len(set(verdicts)) > 1 and highest > Verdict.DEGRADED:
        return None
    first = cases[verdicts.index(highest)]
    return _merge(first, cases) if highest is Verdict.CONDITIONAL else first


def _merge(first: Case, cases: tuple[Case, ...]) -> Case:
    hazards = {(hazard.rule, hazard.subject, hazard.assumption): hazard for case in cases for hazard in case.hazards}
    kept = [case.kept for case in cases if case.kept is not None]
    return replace(
        first,
        wants=_worst_wants(case.wants for case in cases),
        kept=_worst_wants(kept) if kept else None,
        hazards=tuple(hazards.values()),
    )


def _worst_wants(groups: Iterable[tuple[Want, ...]]) -> tuple[Want, ...]:
    found: dict[MemoryType, Want] = {}
    for want in (want for group in groups for want in group):
        known = found.setdefault(want.encoded.wanted, want)
        found[want.encoded.wanted] = max(known, want, key=lambda one: one.verdict)
    return tuple(found[wanted] for wanted in ORDER if wanted in found)
