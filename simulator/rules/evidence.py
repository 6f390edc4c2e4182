"""EVI: what the inputs prove, leave open, or contradict."""

from collections.abc import Iterable, Iterator

from simulator import citations
from simulator.case import ClassJudgement
from simulator.facts import LINUX_FAMILIES
from simulator.finding import Confidence, Finding, Severity, Step, Verdict
from simulator.guest import NEWEST, loses_pat_bit
from simulator.memory_type import MemoryType
from simulator.pat import PatLayout, PteCacheBits
from simulator.rules.layout import say_of_layout
from simulator.rules.rule import (
    GuestView,
    Rule,
    View,
    example,
    join,
    linux,
    needs_config,
    needs_guests,
    say,
)
from simulator.scenario import GuestClass

#: The facts that a .config tells.
_CONFIG_TELLS = frozenset({"family", "release"})


def can_boot(view: GuestView) -> Iterator[Finding]:
    """The kernel boots in the stated mode, and finds WB in PA0."""
    kernel, first = view.kernel, view.walked.entries[0]
    problem = kernel.problem
    if problem is not None:
        fails = "cannot boot" if problem.verdict is Verdict.INCOMPATIBLE else "may not boot"
        yield say(
            view,
            "EVI010",
            problem.verdict,
            "boot",
            title=f"The kernel {fails} in the stated mode",
            message=problem.why,
            cites=(problem.cite,),
            severity=Severity.FUNCTION,
            fixes=(problem.fix,),
        )
    elif kernel.dies_under(view.walked):
        yield say(
            view,
            "EVI010",
            Verdict.INCOMPATIBLE,
            "boot",
            title="The kernel stops at boot",
            message=f"the kernel finds {first.word} in PA0 and stops at boot; it insists on WB there",
            headline=f"the kernel stops at boot, for PA0 is {first.word} and not WB",
            cites=(kernel.behaviour.cite,),
            severity=Severity.FUNCTION,
            fixes=("put WB at PA0",),
            entry=0,
            wanted=MemoryType.WB,
            in_force=first,
        )


def missing_facts(view: View) -> Iterator[Finding]:
    """A fact that is not known, and on which the verdict depends."""
    for judged in view.judged:
        found = judged.guest_class.possibilities
        if not judged.is_decided and not found.conflict and found.missing and not found.is_open:
            missing = join(found.missing)
            is_one = found.missing in (("mode",), ("role",), ("family",), ("release",))
            are, decide = ("is", "it decides") if is_one else ("are", "they decide")
            yield _undecided(
                judged,
                "EVI020",
                title=f"{missing} {are} missing, and {decide}",
                message=f"{judged.guest_class.subject}: {missing} {are} not known; {_cases(judged)}.",
                fixes=(f"state {missing}{_or_config(judged)}",),
                headline=f"{missing} of {{who}} {are} not known, and {decide}: {_range(judged)}",
            )


def _or_config(judged: ClassJudgement) -> str:
    """A .config tells the family and the release of a Linux kernel."""
    is_linux = judged.guest_class.facts.family in (None, *LINUX_FAMILIES)
    tells = _CONFIG_TELLS & {*judged.guest_class.possibilities.missing}
    return ", or send the kernel's .config" if is_linux and tells else ""


def gaps(view: View) -> Iterator[Finding]:
    """A release between two trees that were read, where they differ, or one that hides whether it has a fix."""
    for judged in view.judged:
        found = judged.guest_class.possibilities
        if not judged.is_decided and not found.conflict and (found.is_open or not found.missing):
            is_loss = judged.row is not None and len({case.kernel.loses_pat_bit for case in judged.cases}) > 1
            yield _lost_or_kept(judged) if is_loss else _gap(judged)


def _gap(judged: ClassJudgement) -> Finding:
    found = judged.guest_class.possibilities
    return _undecided(
        judged,
        "EVI030",
        title="The release lies in a gap of the table",
        message=f"{judged.guest_class.subject}: {found.gap}" + ("." if found.is_open else f"; {_cases(judged)}."),
        fixes=(
            ("" if found.is_open else "state the encodings of this kernel, or ")
            + "run a release that the table decides",
        ),
        headline=f"{{who}}: {found.gap}",
        who=judged.guest_class.name,
    )


def _lost_or_kept(judged: ClassJudgement) -> Finding:
    one, release = judged.guest_class, judged.guest_class.facts.release
    tells = "its .config tells" if release is not None and loses_pat_bit(release).config_tells else "its patches tell"
    loses, keeps = (
        next(case.words for case in judged.cases if case.kernel.loses_pat_bit is loses) for loses in (True, False)
    )
    return _undecided(
        judged,
        "EVI030",
        title="Whether this kernel keeps the PAT bit is not known",
        message=f"{one.subject}: {one.possibilities.gap}. Without the fix: {loses}; with it: {keeps}.",
        fixes=(
            ("send the kernel's .config, or " if tells == "its .config tells" else "")
            + "state the full release (/proc/version prints it), or 548cb932051f in patches if it has that",
        ),
        headline=f"it is not known whether {{who}} keeps the PAT bit: {tells}",
    )


def _range(judged: ClassJudgement) -> str:
    verdicts = sorted({verdict for case in judged.cases for verdict in (case.fresh, case.after_restore)})
    return f"anything from {verdicts[0].word} to {verdicts[-1].word}" if len(verdicts) > 1 else verdicts[0].word


def _cases(judged: ClassJudgement) -> str:
    """One `... if ...` for each answer that is possible, with the behaviours that lead to it."""
    release = judged.guest_class.facts.release
    known = "" if release is None else f"Linux {release.text}"
    answers: dict[str, dict[str, None]] = {}
    for case in judged.cases:
        label = case.kernel.label
        short = label.replace(known, "", 1).replace(", ,", ",").strip(", ") if known else label
        answers.setdefault(case.words, {})[short or label] = None
    return "; ".join(f"{words} if {_either([*labels], 1 + (len(answers) < 3))}" for words, labels in answers.items())


def _either(labels: list[str], limit: int) -> str:
    shown, more = labels[:limit], len(labels) - limit
    return " or ".join([*shown, *([f"{more} more"] if more > 0 else [])])


def _case_steps(judged: ClassJudgement) -> tuple[Step, ...]:
    return tuple(
        Step("premise", "If", case.kernel.label, f"then {case.words}", (case.kernel.behaviour.cite,))
        for case in judged.cases
    )


def conflicts(view: View) -> Iterator[Finding]:
    """Inputs that contradict each other decide nothing where their answers differ."""
    for judged in view.judged:
        conflict = judged.guest_class.possibilities.conflict
        if not judged.is_decided and conflict:
            yield _undecided(
                judged,
                "EVI040",
                title="Two inputs state different releases",
                message=f"{judged.guest_class.subject}: {conflict}; {_cases(judged)}.",
                fixes=("send the .config of the kernel that is meant, or correct the release",),
                headline=f"{{who}}: {conflict}",
                who=judged.guest_class.name,
            )


def _undecided(
    judged: ClassJudgement, rule: str, *, title: str, message: str, fixes: tuple[str, ...], headline: str, who: str = ""
) -> Finding:
    one = judged.guest_class
    return Finding(
        rule=rule,
        verdict=Verdict.INDETERMINATE,
        subject="facts",
        title=title[0].upper() + title[1:],
        message=message,
        steps=_case_steps(judged),
        severity=Severity.CORRECTNESS,
        fixes=fixes,
        headline=headline,
        who=who or one.who,
        platform=one.platform,
        guest_class=one,
        guests=tuple(one.members),
    )


def stated_against_table(view: GuestView) -> Iterator[Finding]:
    """Stated bits that the table does not have: evidence wins over a table, and both are named."""
    kernel, layout = view.kernel, view.replaced or view.walked
    for wanted, index in kernel.stated:
        table = kernel.table_index(wanted, layout)
        if table is None or table < 0 or table == index or kernel.row.family == "stated":
            continue
        bits, expected = PteCacheBits.of_index(index).spoken, PteCacheBits.of_index(table).spoken
        yield say(
            view,
            "EVI050",
            Verdict.COMPATIBLE,
            wanted.word,
            title=f"The bits stated for {wanted.word} differ from the table",
            message=f"{bits} is stated for {wanted.word}, and by the table this kernel sets {expected}; what is stated "
            "counts",
            cites=(citations.STATED_BITS, kernel.behaviour.cite),
            entry=index,
            wanted=wanted,
        )


def newer_release(view: GuestView) -> Iterator[Finding]:
    """A release past the newest row is taken for the newest row."""
    kernel = view.kernel
    if kernel.is_newer:
        newest = ".".join(str(n) for n in NEWEST.get(kernel.row.family) or kernel.row.last_series or ())
        yield say(
            view,
            "EVI060",
            Verdict.COMPATIBLE,
            "release",
            title="The release is newer than the newest one that was read",
            message=f"{kernel.release} is newer than {newest}, the newest tree that was read: it is taken to do what "
            "that one does",
            cites=(kernel.behaviour.cite,),
            fixes=(f"run {newest} or older, or an engine that knows this release",),
        )


def observed_layouts(classes: Iterable[GuestClass]) -> dict[PatLayout, list[str]]:
    """The layouts that boot logs of PV guests show, each with the guests; they all run under one."""
    found: dict[PatLayout, list[str]] = {}
    for one in classes:
        if one.facts.observed is not None and one.facts.mode == "pv":
            found.setdefault(one.facts.observed, []).extend(one.members)
    return found


def observed_layout(view: View) -> Iterator[Finding]:
    """The layout that boot logs show: it wins over a table, and contradicts a stated one or another boot log's."""
    observed, platform = observed_layouts(judged.guest_class for judged in view.judged), view.platform
    is_table = platform.layout_source == "xen"
    if not observed or (len(observed) == 1 and platform.layout in observed):
        return
    seen = "; ".join(f"{', '.join(sorted(names))}: {layout.hex}" for layout, names in observed.items())
    is_one = len(observed) == 1 and is_table
    known = f"the layout {f'of {platform.xen.title}' if is_table else 'stated'} is {platform.layout.hex}"
    says = f"boot logs show another layout than is known ({seen}; {known})"
    yield say_of_layout(
        view,
        "EVI070",
        Verdict.COMPATIBLE if is_one else Verdict.INDETERMINATE,
        "observed layout",
        "The layout that a boot log shows is another one",
        f"All PV guests of {platform.name} run under one layout: {says}"
        + ("; what was seen counts." if is_one else "."),
        cites=(citations.OBSERVED_LAYOUT, citations.XEN_MSR_PAT if is_table else citations.STATED_LAYOUT),
        severity=Severity.ADVICE if is_one else Severity.CORRECTNESS,
        fixes=("correct the layout of the platform, or the boot log that is meant",),
        headline=f"inputs contradict each other on the layout of {platform.name}: {seen}; {known}",
    )


def unsure_facts(view: GuestView) -> Iterator[Finding]:
    """A row that rests on memory or on a derivation: said, but it changes no verdict."""
    kernel = view.kernel
    if kernel.confidence is not Confidence.VERIFIED and kernel.problem is None:
        yield say(
            view,
            "EVI080",
            Verdict.COMPATIBLE,
            "table",
            title=f"What is known of this kernel is {kernel.confidence.value}",
            message=f"what the tables say ({kernel.row.title}) is {kernel.confidence.value}, not read in a source",
            cites=(kernel.behaviour.cite,),
            fixes=("send a boot log or state the encodings of this kernel",),
        )


_TABLES = (citations.LINUX_CACHE_TABLES, citations.LINUX_XEN_TRANSLATES, citations.LINUX_XEN_MASKS)
_WHOLE = "# Linux/x86 6.1.20 Kernel Configuration\n" + "".join(
    f"CONFIG_{symbol}=y\n" for symbol in ("X86_64", "MTRR", "X86_PAT", "XEN", "XEN_PV", "XEN_DOM0", "DRM_I915")
)
_I915 = ["i915"]

RULES = (
    Rule("EVI010", "The kernel can boot in the stated mode", Severity.FUNCTION, "every guest",
         (citations.LINUX_KCONFIG, citations.LINUX_PVH, citations.XEN_PVH, citations.LINUX_CACHE_TABLES), "guest",
         can_boot, needs_guests,
         fires=example(linux("3.2", role="domU", mode="pvh")), silent=example(linux("6.12", role="domU", mode="pvh"))),
    Rule("EVI020", "No missing fact decides", Severity.CORRECTNESS, "every guest", _TABLES, "platform", missing_facts,
         needs_guests,
         fires=example({"guest": "linux", "mode": "pv", "role": "dom0", "drivers": _I915}),
         silent=example({"guest": "linux", "mode": "pv", "role": "domU", "devices": False})),
    Rule("EVI030", "No release lies in a gap that decides", Severity.CORRECTNESS, "every guest",
         (*_TABLES, citations.LINUX_PAT_BIT_LOSS, citations.LINUX_STABLE), "platform", gaps, needs_guests,
         fires=example(linux("2.6.36-rc2", drivers=["radeon"])), silent=example(linux("2.6.36", drivers=["radeon"]))),
    Rule("EVI040", "Inputs agree on the kernel's release", Severity.CORRECTNESS, "guests with a .config",
         (citations.LINUX_CONFDATA,), "platform", conflicts, needs_config,
         fires=example(linux("6.12.117", config={"name": "a.config", "text": _WHOLE})),
         silent=example(linux("6.1.20", config={"name": "a.config", "text": _WHOLE}))),
    Rule("EVI050", "Stated encodings agree with the table", Severity.ADVICE, "guests with stated encodings", _TABLES,
         "guest", stated_against_table, needs_guests,
         fires=example(linux("6.12", encode={"WC": "PWT"})),
         silent=example(linux("6.12", encode={"WC": "PAT"}))),
    Rule("EVI060", "The kernel is one whose sources were read", Severity.ADVICE, "every guest",
         (citations.LINUX_CACHE_TABLES,), "guest", newer_release, needs_guests,
         fires=example(linux("9.1")), silent=example(linux("6.12"))),
    Rule("EVI070", "The layout that was seen is the one that is stated", Severity.CORRECTNESS, "PV guests",
         (citations.OBSERVED_LAYOUT,), "platform", observed_layout, needs_guests,
         fires=example(linux("6.12", observed_pat="0x0407050600070106"), layout="0x0000050100070406"),
         silent=example(linux("6.12", observed_pat="0x0000050100070406"), layout="0x0000050100070406")),
    Rule("EVI080", "What is known of the kernel was read in a source", Severity.ADVICE, "every guest",
         (citations.STATED_FACTS,), "guest", unsure_facts, needs_guests,
         fires=example({"guest": "windows", "release": "10", "mode": "hvm", "role": "domU", "devices": False}),
         silent=example(linux("6.12"))),
)  # fmt: skip
