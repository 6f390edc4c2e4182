"""All files that were sent along: each read, a tarball taken apart, and what they claim together."""

from typing import NamedTuple

from simulator.evidence.claims import Claim, Data, claims_of, origin_of, printable
from simulator.evidence.formats import BY_ROLE, IMAGE_ROLES, read_file, read_text
from simulator.inputs.kernel_config import KernelConfig
from simulator.inputs.record import NAME_LIMIT, Record
from simulator.problem import InvalidInput, Problem, refuse

FILES_LIMIT = 16
SHOWN_FACTS = 400
_FILE_KEYS = ("role", "name", "text", "body", "reading")
ANY_ROLE = "auto"


class Evidence(NamedTuple):
    """What was read: claims in the order of the files, and a summary of each file for people."""

    claims: list[Claim]
    files: list[Data]

    @property
    def notes(self) -> list[Data]:
        """The notes of all files."""
        return [note for one in self.files for note in one["notes"]]  # type: ignore[attr-defined]

    @property
    def name(self) -> str:
        """The guest's name where a file has it."""
        return next((str(claim.value) for claim in self.claims if claim.key == "name"), "")

    def say(self, message: str, fact: Data) -> None:
        """Note something at the file that a fact comes from."""
        origin: Data = fact["origin"]  # type: ignore[assignment]
        for one in self.files:
            if one["name"] == origin["source"]:
                notes: list[Data] = one["notes"]  # type: ignore[assignment]
                notes.append({"message": message, "source": origin["source"], "line": origin["line"]})


def gather(files: object, *, careful: bool = True) -> Evidence:
    """Read files: `{"role", "name"}` with `text`, `body` (bytes) or, of an image, the `reading` of a worker's child.

    Raises InvalidInput with every problem of every file. An image without a reading waits for it.
    """
    evidence = Evidence([], [])
    problems: list[Problem] = []
    roles: set[str] = set()
    for position, item in enumerate(Record({"files": files}).items("files", limit=FILES_LIMIT)):
        record = Record.of(item, path=f"files[{position}]", known=_FILE_KEYS)
        role, name = _role_of(record), record.text("name", limit=4 * NAME_LIMIT)
        if role in roles:
            message = f"{name!a} is a second one of: {BY_ROLE[role].title}; send one of each"
            raise refuse("duplicate", message, field=record.at("role"))
        roles.add(role)
        try:
            _take(evidence, role, name, record, careful)
        except InvalidInput as fault:
            problems += fault.found
    if problems:
        raise InvalidInput(*problems)
    return evidence


def _role_of(record: Record) -> str:
    role = record.word("role", (*BY_ROLE, ANY_ROLE)) or ANY_ROLE
    if role != ANY_ROLE:
        return role
    from simulator.evidence.recognition import recognise

    return recognise(record.text("name", limit=4 * NAME_LIMIT), _body_of(record))


def _body_of(record: Record) -> bytes:
    body, text = record.data.get("body"), record.data.get("text")
    if isinstance(body, bytes):
        return body
    if not isinstance(text, str):
        raise refuse("wrong_type", "the file's text is wanted", field=record.at("text"))
    return text.encode(errors="surrogatepass")


def _take(evidence: Evidence, role: str, name: str, record: Record, careful: bool) -> None:
    if role == "bundle":
        _take_apart(evidence, name, _body_of(record))
    elif role in IMAGE_ROLES:
        reading = record.data.get("reading")
        take_image(evidence, role, name, reading if isinstance(reading, dict) else None)
    else:
        text = record.data.get("text")
        if isinstance(text, str):
            _take_reading(evidence, role, read_text(role, name, text, careful=careful))
        else:
            _take_reading(evidence, role, read_file(role, name, _body_of(record)))


def _take_reading(evidence: Evidence, role: str, reading: object) -> None:
    from simulator.inputs.reading import Reading

    assert isinstance(reading, Reading)
    data = reading.as_data()
    if isinstance(reading, KernelConfig):
        data["facts"] = [{"key": "config", "value": config_data(reading), "line": None, "offset": None}]
    evidence.claims.extend(claims_of(role, data))
    evidence.files.append(_summary(role, reading.source, data))


def config_data(config: KernelConfig) -> Data:
    """The part of a .config that matters, as a fact holds it."""
    release = config.release
    return {
        "value": {symbol: printable(value) for symbol, value in sorted(config.values.items())},
        "lines": dict(sorted(config.lines.items())),
        "release": None if release is None else {"value": release.text, "line": config.release_line},
    }


def _summary(role: str, name: str, reading: Data, *, state: str = "read", **more: object) -> Data:
    """What a page shows of a file."""
    facts: list[Data] = reading["facts"]  # type: ignore[assignment]
    return {
        "role": role,
        "title": BY_ROLE[role].title,
        "name": name,
        "state": state,
        "facts": [fact for fact in facts if fact["key"] != "config"][:SHOWN_FACTS],
        "notes": list(reading["notes"]),  # type: ignore[call-overload]
        "unknown": reading["unknown"],
        "unknown_count": reading["unknown_count"],
        **more,
    }


_NOTHING: Data = {"facts": [], "notes": [], "unknown": [], "unknown_count": 0}


def take_image(evidence: Evidence, role: str, name: str, result: Data | None) -> None:
    """An image: what a child said of it, why it could not be read, or that it is still to be read.

    What it is, kernel or hypervisor, its content decides: a name or a person may have been wrong.
    """
    if result is None:
        evidence.files.append(_summary(role, name, _NOTHING, state="pending"))
    elif "problems" in result:
        found: list[Data] = result["problems"]  # type: ignore[assignment]
        problems = [{**one, "source": name} for one in found]
        evidence.claims.extend(Claim("unreadable", str(one["message"]), origin_of("image", name)) for one in problems)
        evidence.files.append(_summary(role, name, _NOTHING, state="refused", problems=problems))
    else:
        reading: Data = {**result["reading"], "source": name}  # type: ignore[dict-item]
        said: list[Data] = reading["notes"]  # type: ignore[assignment]
        reading["notes"] = [{**note, "source": name} for note in said]
        kind = str(reading["kind"])
        if kind != role:
            message = f"sent as: {BY_ROLE[role].title}; it is, and is read as: {BY_ROLE[kind].title}"
            note = {"message": message, "source": name, "line": None}
            reading["notes"] = [note, *reading["notes"]]  # type: ignore[misc]
        evidence.claims.extend(claims_of(kind, reading))
        evidence.files.append(_summary(role, name, reading))


def _take_apart(evidence: Evidence, name: str, body: bytes) -> None:
    """A tarball: a member that cannot be read is a gap of it, not a reason to refuse the rest."""
    from simulator.inputs.tarball import ROLES, read_tarball

    tarball = read_tarball(body, source=name)
    gaps: list[Data] = [dict(gap) for gap in tarball.gaps]
    whole = _summary("bundle", name, _NOTHING | {"notes": list(tarball.notes)}, gaps=gaps, host=tarball.host)
    evidence.files.append(whole)
    is_of_another = tarball.host == "dom0" and any(ROLES[member] == "domain" for member, _ in tarball.members)
    if is_of_another:
        message = "made on a dom0 for one of its domains: of the other files only what they say of the host counts"
        whole["notes"].append({"message": message, "source": name, "line": None})  # type: ignore[attr-defined]
    for member, content in tarball.members:
        role, known = ROLES[member], len(evidence.claims)
        try:
            _take_reading(evidence, role, read_file(role, f"{name}/{member}", content))
            if is_of_another and role != "domain":
                evidence.claims[known:] = [claim for claim in evidence.claims[known:] if claim.of_host]
        except InvalidInput as fault:
            gaps.append({"name": member, "state": "unreadable", "what": fault.found[0].message})
