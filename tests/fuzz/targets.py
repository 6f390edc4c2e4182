"""Every reader under one signature: bytes in; a value out, or InvalidInput. What comes out is checked here."""

import json
import random
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from simulator import InvalidInput, add_images, analyse, canonical, platform_seen, read_guest
from simulator.evidence import formats, recognition
from simulator.evidence.formats import IMAGE_ROLES, TEXT_ROLES
from simulator.images.reader import read_image
from simulator.inputs.kernel_config import read_config, read_options
from simulator.inputs.reading import Reading
from simulator.inputs.tarball import read_tarball
from simulator.source import read_layout_text
from tests.fuzz.mutation import mutate
from tests.fuzz.seeds import seeds_of

MESSAGE_LIMIT = 1000
PLATFORM = {"name": "host", "xen": "4.17", "vendor": "intel", "layout": "0x0000050100070406"}
#: What people state of a guest.
_STATED: tuple[dict[str, object], ...] = (
    {"name": "k"},
    {"name": "k", "family": "linux", "release": "6.12.117", "mode": "pv", "role": "dom0"},
    {"name": "k", "mode": "hvm", "role": "domU"},
    {},
)
_CHAIN_ROLES = (*TEXT_ROLES, *IMAGE_ROLES, "bundle")


class Wrong(AssertionError):
    """What a reader gave that cannot be stored, shown or believed."""


class Target(NamedTuple):
    """A reader, and what makes bytes for it. `read` raises InvalidInput alone, whatever the bytes are."""

    name: str
    read: Callable[[bytes], object]
    make: Callable[[random.Random], bytes]


def check_stored(data: object) -> None:
    """Raises Wrong for what a database or JSON would not take: NUL, lone surrogates, floats, integers over 53 bits."""
    try:
        text = canonical(data)
    except (TypeError, ValueError) as fault:
        raise Wrong(f"it cannot be stored: {fault}") from fault
    if b"\\u0000" in text:
        raise Wrong("it holds NUL, which PostgreSQL does not store")


def check_refusal(fault: InvalidInput) -> None:
    """Raises Wrong for a refusal that says nothing, or too much."""
    if not fault.problems:
        raise Wrong("a refusal without a problem")
    for problem in fault.problems:
        message = str(problem["message"])
        if not 0 < len(message) <= MESSAGE_LIMIT:
            raise Wrong(f"a problem of {len(message)} characters")
        if not message.isprintable():
            raise Wrong(f"a problem that cannot be printed: {message[:100]!a}")
    check_stored(fault.problems)


def read(target: Target, body: bytes) -> bool:
    """Whether a target read the bytes; False where it refused them. Any other exception is a defect."""
    try:
        target.read(body)
    except InvalidInput as fault:
        check_refusal(fault)
        return False
    finally:
        formats._seen.clear()  # what is kept for the next of the same bytes is no cost of these
    return True


def _read_text(role: str, body: bytes) -> None:
    reading = formats.read_file(role, "a", body)
    _check_lines(reading, body)
    check_stored(reading.as_data())


def _check_lines(reading: Reading, body: bytes) -> None:
    count = body.count(b"\n") + 1
    wrong = [fact for fact in reading.facts if fact.line is not None and not 0 < fact.line <= count]
    if wrong and reading.kind != "config":
        raise Wrong(f"a fact of line {wrong[0].line}, and there are {count}")


def _read_config(body: bytes) -> None:
    """A .config with care, and for fleets: both must say the same, unless the first refuses it."""
    text = formats.decode(formats._unpacked("a", body))
    careful = read_config(text, source="a")
    check_stored(careful.as_data())
    quick = read_options(text, source="a")
    if (careful.values, careful.release) != (quick.values, quick.release):
        raise Wrong("read_options() reads it otherwise than read_config()")


def _read_image(body: bytes) -> None:
    reading = read_image(body, source="a")
    check_stored(reading.as_data())


def _read_bundle(body: bytes) -> None:
    tarball = read_tarball(body, source="a")
    check_stored([tarball.gaps, tarball.host, tarball.notes])


def _recognise(body: bytes) -> None:
    name, _, rest = body.partition(b"\n")
    recognition.recognise(formats.decode(name), rest)


def _read_layout(body: bytes) -> None:
    """A proposed layout, judged."""
    said: dict[str, Any] = read_layout_text(formats.decode(body), name="a")
    check_stored(said)
    source = {"source": said["source"]} if said.get("source") else {}
    proposal = {"kind": "layout", "platform": "host", "layout": said["msr"], **source}
    guests = [read_guest({"name": "k", "family": "linux", "release": "6.12", "mode": "pv", "role": "dom0"}, [], by="a")]
    _judge({"platforms": [PLATFORM], "proposal": proposal, "guests": guests})


def _judge(scenario: dict[str, Any]) -> None:
    """What was taken must be judged: a refusal by now is a run that fails."""
    try:
        report = analyse(json.loads(canonical(scenario)))
    except InvalidInput as fault:
        raise Wrong(f"taken, and refused when it is judged: {str(fault)[:200]}") from fault
    check_stored(report)


def _read_chain(body: bytes) -> None:
    """Several files, as chain_of() writes them, from what they claim to the report."""
    stated, parts = json.loads(body)
    files = [{"role": role, "name": name, "body": text.encode("latin-1")} for role, name, text in parts]
    guest = read_guest(stated, files, by="a")
    results = {one["role"]: _image_result(one["body"]) for one in files if one["role"] in IMAGE_ROLES}
    guest = add_images(json.loads(canonical(guest)), results)
    check_stored(guest)
    seen = platform_seen(guest)
    platforms = [PLATFORM] + ([{"name": "collected", **seen}] if seen else [])
    _judge({"platforms": platforms, "guests": [{**guest, "platforms": [one["name"] for one in platforms]}]})


def _image_result(body: bytes) -> dict[str, object]:
    try:
        return {"reading": read_image(body, source="a").as_data()}
    except InvalidInput as fault:
        return {"problems": fault.problems}


def chain_of(dice: random.Random) -> bytes:
    """One to four files of different roles, each an example with or without changes, and something stated."""
    roles = dice.sample(_CHAIN_ROLES, dice.randint(1, 4))
    parts = []
    for role in roles:
        seeds = seeds_of(role)
        body = mutate(dice, seeds) if dice.random() < 0.6 else dice.choice(seeds.examples)
        parts.append([role, dice.choice(("a", f"{role}.txt", "x/y z", "\u00fc")), body[:200_000].decode("latin-1")])
    return json.dumps([dice.choice(_STATED), parts]).encode()


def _recognition_of(dice: random.Random) -> bytes:
    role = dice.choice(_CHAIN_ROLES)
    return (
        dice.choice((b"a", b"xen.gz", b"xen" * 300 + b"/", b"/" * 4000, b"g.cfg"))
        + b"\n"
        + mutate(dice, seeds_of(role))
    )


def _mutated(role: str) -> Callable[[random.Random], bytes]:
    return lambda dice: mutate(dice, seeds_of(role))


TARGETS = {
    one.name: one
    for one in (
        *(Target(role, partial(_read_text, role), _mutated(role)) for role in TEXT_ROLES if role != "config"),
        Target("config", _read_config, _mutated("config")),
        Target("layout", _read_layout, _mutated("layout")),
        Target("image", _read_image, _mutated("image")),
        Target("bundle", _read_bundle, _mutated("bundle")),
        Target("recognise", _recognise, _recognition_of),
        Target("chain", _read_chain, chain_of),
    )
}
