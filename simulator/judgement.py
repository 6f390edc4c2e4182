"""A guest class under one layout: what each type that it wants turns into."""

from dataclasses import dataclass

from simulator.consequence import CONTEXTS, judge_in_context
from simulator.facts import Possibilities
from simulator.finding import Outcome, Verdict, worst
from simulator.guest import Follows, Profile
from simulator.memory_type import MemoryType
from simulator.pat import PatLayout
from simulator.scenario import GuestClass, Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A wanted type by one PAT index under one layout: the PAT type and every outcome."""

    wanted: MemoryType
    index: int
    got: MemoryType
    outcomes: tuple[Outcome, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst outcome."""
        return worst(outcome.verdict for outcome in self.outcomes)

    @property
    def worst_outcome(self) -> Outcome:
        """The first of the worst outcomes."""
        return max(self.outcomes, key=lambda outcome: outcome.verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A type that a guest wants: as it encodes it, and as it is where the PAT bit was lost."""

    encoded: Mapped
    lost: Mapped | None

    @property
    def verdict(self) -> Verdict:
        """The worst of both."""
        return worst(mapped.verdict for mapped in (self.encoded, self.lost) if mapped is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassJudgement:
    """A class under a layout. `profile` is None where what is unknown decides."""

    guest_class: GuestClass
    profile: Profile | None
    wants: tuple[Want, ...]
    verdict: Verdict


def map_type(platform: Platform, layout: PatLayout, wanted: MemoryType, index: int) -> Mapped:
    """What a mapping that wants a type gets by one index, in every context."""
    got = layout.entries[index]
    outcomes = tuple(
        judge_in_context(
            wanted, got, context, host=layout, vendor=platform.vendor, corrects_mmio=platform.xen.corrects_mmio
        )
        for context in CONTEXTS
    )
    return Mapped(wanted=wanted, index=index, got=got, outcomes=outcomes)


def judge_profile(
    platform: Platform, layout: PatLayout, profile: Profile, *, booted_under: PatLayout | None = None
) -> tuple[Want, ...]:
    """What each type that a profile wants turns into.

    Where the guest booted under another layout and goes on under this one, its
    page-table flags are carried over as they are, and so are the tables that the
    kernel built at boot.

    Source: xen, xg_sr_save_x86_pv.c.
    """
    wants = []
    for wanted in profile.wants:
        index = profile.encode(wanted, booted_under or layout)
        is_at_risk = profile.loses_pat_bit and index >= 4
        lost = map_type(platform, layout, wanted, index - 4) if is_at_risk else None
        wants.append(Want(encoded=map_type(platform, layout, wanted, index), lost=lost))
    return tuple(wants)


def profile_verdict(platform: Platform, layout: PatLayout, profile: Profile) -> Verdict:
    """The verdict on one profile: incompatible where its kernel stops at boot."""
    if profile.dies_under(layout):
        return Verdict.INCOMPATIBLE
    return worst(want.verdict for want in judge_profile(platform, layout, profile))


def judge_class(platform: Platform, layout: PatLayout, one: GuestClass) -> ClassJudgement:
    """A class under a layout: decided if every behaviour that is possible has the same verdict."""
    found: Possibilities = one.possibilities
    verdicts = {profile_verdict(platform, layout, profile) for profile in found.profiles}
    is_decided = len(verdicts) == 1 and not found.is_open and not one.conflict
    profile = found.profiles[0] if is_decided else None
    verdict = verdicts.pop() if is_decided else Verdict.INDETERMINATE
    return ClassJudgement(
        guest_class=one,
        profile=profile,
        wants=judge_profile(platform, layout, profile) if profile is not None else (),
        verdict=worst((verdict, Verdict.INCOMPATIBLE if one.boot_problem else Verdict.COMPATIBLE)),
    )


def can_resume(one: GuestClass, profile: Profile) -> bool:
    """Whether a saved guest of this class carries cache bits that a layout gives meaning to."""
    sets_bits = any(index for _, index in profile.indices)
    return one.facts.is_resumable and profile.follows is not Follows.OWN and sets_bits
