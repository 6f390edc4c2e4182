"""What of a guest's facts the engine judges by: guests that agree in it are judged once."""

import json
from typing import Any

from patreview import engine


def facts_digest(facts: dict[str, Any]) -> str:
    """Equal for guests whose facts decide alike: 64 hex digits, for any JSON value.

    The name, the notes, the files and the places where a fact was read are left out. What a fact disagrees with
    counts, and so does the header of a .config: without it a symbol that is absent is unknown, with it it is off.
    """
    try:
        known = {key: _essence(fact) for key, fact in facts["facts"].items()}
        return engine.digest("facts-in-force", known)
    except (AttributeError, LookupError, TypeError, ValueError):
        # What cannot be read is a fact of its own, equal to nothing that can be.
        return engine.digest("facts-unread", json.dumps(facts, sort_keys=True).encode())


def _essence(fact: dict[str, Any]) -> list[Any]:
    others = [other["value"] for other in fact.get("also") or []]
    return [fact["value"], (fact.get("release") or {}).get("value"), others]
