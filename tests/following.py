"""What it means that a finding can be followed: each step says something and cites a source that can be looked up."""

import re
from typing import Any

#: A document and a section of it in quotes; a file of a repository at a commit, a tag or a package's version.
A_SECTION = r'[^"\n]+[,:] "[^"\n]+"[^\n]*'
A_FILE = r"[\w./ -]+: [\w./-]+@(?:[0-9a-f]{7,40}\^?|v?[0-9]+(?:\.[0-9]+)+(?:-[0-9]+)?)(?:[ ,;][^\n]*)?"
_CITATION = re.compile(f"{A_SECTION}|{A_FILE}")


def is_citation(text: str) -> bool:
    """Whether a text has one of the two forms that simulator/citations.py documents."""
    return _CITATION.fullmatch(text) is not None


def assert_can_be_followed(report: dict[str, Any]) -> None:
    for finding in report["findings"]:
        assert finding["steps"], f"{finding['rule']} {finding['subject']} has no step"
        for step in finding["steps"]:
            where = f"{finding['rule']} {finding['subject']}, {step['label']}"
            assert step["text"], where
            assert step["cites"], f"{where} cites nothing"
            for cite in step["cites"]:
                assert is_citation(cite), f"{where}: {cite}"
