"""No regular expression of the readers takes more than linear time, by its structure and not by a clock."""

import re

import pytest

from tests.fuzz.ambiguity import ambiguities
from tests.fuzz.patterns import Found, modules, patterns_of

FOUND = [found for module in modules() for found in patterns_of(module)]

#: Patterns that look ambiguous, and why that costs nothing: what the automaton does not know of their use.
REASONS = {
    ("inputs.c_constant", r"[ \t\r\f\v]+|("): "reads one token after the other: it matches at every position",
    ("inputs.c_source", r'\"(?:[^"\\]|\\.)*"?'): "a mark without its end matches too, so that nothing is tried again",
    ("inputs.c_source", r"[ \t]*#[ \t]*(if|"): "the rest of the line is anything, so that blanks are never given back",
    ("inputs.c_source", r"(!?)[ \t]*defined"): "is given 200 characters without blanks in a row",
    ("inputs.layout", r"[\s,]+"): "nothing follows the loop, so that it is never given back",
    ("inputs.log_lines", "(?:=[0-9A-F]{2})+"): "nothing follows the loop, so that it is never given back",
    (
        "inputs.xen_patch",
        r"\b(?:X86_MT|MSR",
    ): "begins where a word does, so that loops of one word do not meet",
    ("inputs.xen_source", r"^\ufeff?(?:> ?)"): "begins at the beginning of a line, and its blanks stay in one",
    ("images.kernel_facts", ".* #[0-9]+[ -]"): "is given the 500 characters of a banner at most",
}


def is_excused(found: Found) -> bool:
    """Whether a pattern is one of those with a reason."""
    module, pattern = found.module.removeprefix("simulator."), str(found.pattern.pattern)
    return any(module == place and pattern.startswith(begin) for place, begin in REASONS)


def test_that_all_modules_were_looked_at() -> None:
    with_patterns = {found.module for found in FOUND}
    assert {"simulator.inputs.boot_log", "simulator.inputs.layout", "simulator.images.xen_image"} < with_patterns
    assert {"simulator.evidence.recognition", "simulator.inputs.kernel_release"} < with_patterns
    assert len(FOUND) > 100


@pytest.mark.parametrize("found", FOUND, ids=lambda found: f"{found.module}:{str(found.pattern.pattern)[:40]!a}")
def test_a_pattern_reads_no_text_in_many_ways(found: Found) -> None:
    ways = ambiguities(found.pattern, is_searched=found.is_searched)
    assert bool(ways) == is_excused(found), ways


def test_that_every_reason_is_needed() -> None:
    assert len([found for found in FOUND if is_excused(found)]) == len(REASONS)


@pytest.mark.parametrize(
    ("pattern", "is_searched", "kind"),
    [
        ("(a+)+b", False, "exponential"),
        ("(?:a*)*b", False, "exponential"),
        ("(?:a|ab|b)*c", False, "exponential"),
        ("(?:a{1,20})*b", False, "exponential"),
        ("(?:xx|[a-z]x|b)*1", False, "exponential"),
        (r"\s*\s+x", False, "polynomial"),
        (".*foo.*bar", False, "polynomial"),
        ("a*b?a*c", False, "polynomial"),
        ("[0-9]*(?:ab)?[0-9a-f]{401,}", False, "polynomial"),
        ("x*(?=x*b)", False, "polynomial"),
        ("(?!(?:a+)+b)", False, "exponential"),
        ("a+b", True, "polynomial"),
        ("foo.*bar", True, "polynomial"),
        (r"[a-z]+:\s*[^ ].*", False, "polynomial"),
    ],
)
def test_ambiguous_patterns_are_seen(pattern: str, is_searched: bool, kind: str) -> None:
    assert {one.kind for one in ambiguities(re.compile(pattern), is_searched=is_searched)} == {kind}


@pytest.mark.parametrize(
    ("pattern", "is_searched"),
    [
        ("[a-z]+: .*", False),
        ("foo[0-9]+ bar", True),
        (r'"(?:[^"\\]|\\.)*"', False),
        ("(?:, *[a-z]+)*;", False),
        ("a{1,9}a{1,9}b", False),
        ("(?:ab|ac)*d", False),
        (r"[^\n]*\n", False),
    ],
)
def test_linear_patterns_are_left_alone(pattern: str, is_searched: bool) -> None:
    assert ambiguities(re.compile(pattern), is_searched=is_searched) == []


def test_the_word_that_is_found_is_read_in_many_ways() -> None:
    (found,) = ambiguities(re.compile(".*foo.*bar"), is_searched=False)
    work = []
    for length in (5, 10, 20):
        text, ends = found.word * length, 0
        for middle in range(len(text)):  # the ways to read it, counted as the matcher tries them
            ends += text.startswith("foo", middle)
        work.append(ends * len(text))
    assert work[1] >= 3.5 * work[0]
    assert work[2] >= 3.5 * work[1]
