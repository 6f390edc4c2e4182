"""The process that reads an image, from both sides: what it gives up, how it ends, and what the caller gets."""

import errno
import io
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic

import pytest

from simulator.images import child, confinement
from simulator.images.child import Ended, import_path, read_in_child
from simulator.images.confinement import STRICT, Confinement, fingerprint, isolate, read
from simulator.images.reader import read_image
from tests import make_images as make

#: Gives nothing up: for the process that runs the tests.
LENIENT = Confinement(
    limits=((resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE)),), namespaces=0, no_new_privileges=0
)


def as_json(data: object) -> object:
    return json.loads(json.dumps(data))


def left_behind() -> bool:
    """Whether a child of this process is still there, running or not waited for."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


# --- the caller's side -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [make.boot_image(method=method) for method in make.READ_PACKERS] + [make.pack_gzip(make.hypervisor())],
    ids=[*make.READ_PACKERS, "xen.gz"],
)
def test_a_child_reads_what_this_process_would(body: bytes) -> None:
    result = read_in_child(body, source="vmlinuz")
    assert result["reading"] == as_json(read_image(body, source="vmlinuz").as_data())


def test_a_child_says_what_it_gave_up_and_what_it_took() -> None:
    result = read_in_child(make.kernel(), source="vmlinuz")
    assert result["isolation"]["limits"] is result["isolation"]["no_new_privileges"] is True  # type: ignore[index]
    assert isinstance(result["isolation"]["network"], bool)  # type: ignore[index]
    assert 0 < result["used"]["cpu_s"] < 15  # type: ignore[index]
    assert 1 << 20 < result["used"]["peak_bytes"] < 128 << 20  # type: ignore[index]


def test_an_image_that_is_refused_is_a_problem() -> None:
    result = read_in_child(b"text", source="a\0\ud800\u0663.bin")
    assert [(one["code"], one["source"]) for one in result["problems"]] == [  # type: ignore[attr-defined]
        ("not_an_image", "a\0\ud800\u0663.bin")
    ]


@pytest.mark.parametrize(
    "harm",
    [harm for harm in make.bombs() if "zeros" in harm.name or "4 GiB" in harm.name],
    ids=lambda harm: harm.name,
)
def test_bombs_take_little_memory(harm: make.Harm) -> None:
    result = read_in_child(harm.body, source="bomb")
    assert [*result] == ["problems", "isolation", "used"]
    assert result["used"]["peak_bytes"] < 100 << 20  # type: ignore[index]


def code_of(result: dict[str, object]) -> tuple[object, object]:
    (problem,) = result["problems"]  # type: ignore[misc]
    return problem["code"], problem["message"]


def test_a_child_that_takes_too_long_is_ended() -> None:
    result = read_in_child(make.kernel(), source="vmlinuz", wall_s=0.0)
    assert code_of(result) == ("image_too_hard", "the image could not be read within 0 s")
    assert not left_behind()


def test_no_child_is_left_behind() -> None:
    read_in_child(make.kernel(), source="vmlinuz")
    read_in_child(b"", source="vmlinuz")
    assert not left_behind()


def test_a_python_that_is_not_there_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    assert code_of(read_in_child(b"", source="a")) == (
        "image_fault", f"the process that reads images could not run: {os.strerror(errno.ENOENT)}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ended", "code", "message"),
    [
        (Ended(b"", -9, "time"), "image_too_hard", "the image could not be read within 20 s"),
        (Ended(b"", -9, "output"), "image_too_hard", "the image yields more than 1048576 bytes of facts"),
        (Ended(b"", -24, None), "image_too_hard", "the image takes more CPU time to read than it is given"),
        (Ended(b"", -9, None), "image_too_hard", "the system stopped the reading: it ran out of memory or CPU time"),
        (Ended(b"{}", 3, None), "image_too_hard", "the image takes more memory to read than it is given"),
        (Ended(b'{"fault": "TypeError at a.py:1 f"}', 1, None), "image_fault",
         "the reader failed on this image (TypeError at a.py:1 f); please report it"),
        (Ended(b"", 1, None), "image_fault", "the reader failed on this image (status 1); please report it"),
        (Ended(b"{", -11, None), "image_fault", "the reader failed on this image (signal 11); please report it"),
        (Ended(b"[]", 0, None), "image_fault", "the reader failed on this image (status 0); please report it"),
        (Ended(b'{"a": 1}', 2, None), "image_fault", "the reader failed on this image (status 2); please report it"),
        (Ended(b"\xff", 0, None), "image_fault", "the reader failed on this image (status 0); please report it"),
    ],
)  # fmt: skip
def test_every_way_to_end_is_a_problem(ended: Ended, code: str, message: str) -> None:
    assert code_of(child._result_of(ended, "vmlinuz", 20)) == (code, message)


def test_signals_are_those_of_linux() -> None:
    assert (signal.SIGXCPU, signal.SIGKILL, signal.SIGSEGV) == (24, 9, 11)


def test_too_much_output_is_not_read() -> None:
    with TemporaryFile() as pipe:
        pipe.write(bytes(3 << 20))
        pipe.seek(0)
        output, stopped = child._read_output(pipe, monotonic() + 60)
    assert (stopped, len(output) <= (1 << 20) + (64 << 10)) == ("output", True)


def test_a_child_that_closes_its_output_and_goes_on_has_not_ended() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert not child._has_ended(process.pid, monotonic() - 1)
        process.kill()
        assert child._has_ended(process.pid, monotonic() + 60)


def test_the_child_finds_this_package_and_the_decompressors_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(Path(child.__file__).parents[2])
    assert import_path()[0] == root
    assert 2 <= len(import_path()) <= 3
    for library in ("zstandard", "lz4"):
        monkeypatch.setitem(sys.modules, library, None)
    assert import_path() == [root]


# --- the child's side ------------------------------------------------------------------------------------------------


def test_what_a_child_gives_up() -> None:
    assert dict(STRICT.limits) == {
        resource.RLIMIT_AS: (768 << 20, 768 << 20),
        resource.RLIMIT_CPU: (15, 16),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_NOFILE: (16, 16),
        resource.RLIMIT_NPROC: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
    }
    assert STRICT.namespaces & 0x40000000


def test_what_the_system_does_not_take_is_said() -> None:
    assert isolate(LENIENT) == {"network": True, "no_new_privileges": False, "limits": True}


PROBE = """
import json, resource, socket, sys
sys.path.insert(0, sys.argv[1])
from simulator.images.confinement import STRICT, isolate
gave_up = isolate(STRICT)
def fails(action):
    try:
        action()
    except (OSError, MemoryError) as fault:
        return type(fault).__name__
def connect():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    socket.create_connection(listener.getsockname(), timeout=5)
tried = {
    "memory": fails(lambda: bytearray(1 << 30)),
    "files": fails(lambda: [open("/dev/null") for _ in range(20)]),
    "writes": fails(lambda: open(sys.argv[2], "wb", buffering=0).write(b"x")),
    "network": fails(connect),
}
print(json.dumps([gave_up, tried]))
"""


def test_a_confined_process_cannot_do_what_it_gave_up(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", "-B", "-c", PROBE, import_path()[0], str(tmp_path / "written")]
    gave_up, tried = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    network = tried.pop("network")
    assert tried == {"memory": "MemoryError", "files": "OSError", "writes": "OSError"}
    assert network is not None or not gave_up["network"]


def answer(body: bytes, source: str = "vmlinuz") -> tuple[int, dict[str, object]]:
    written = io.StringIO()
    status = confinement.main(source, stdin=io.BytesIO(body), stdout=written, confinement=LENIENT)
    assert written.getvalue().count("\n") == 1
    return status, json.loads(written.getvalue())


def test_the_line_of_a_reading() -> None:
    status, result = answer(make.kernel())
    assert (status, result["reading"]) == (0, as_json(read_image(make.kernel(), source="vmlinuz").as_data()))


def test_the_line_of_a_refusal() -> None:
    status, result = answer(b"text")
    assert (status, [*result]) == (2, ["problems", "isolation", "used"])


def test_a_line_that_would_be_too_long_is_a_defect() -> None:
    assert answer(make.kernel(), source="x" * (2 << 20))[0] == 1


class _Exhausting(bytes):
    """An image for whose length there is no memory."""

    def __len__(self) -> int:
        raise MemoryError


def test_no_memory_and_defects_have_a_status_of_their_own() -> None:
    assert read(_Exhausting(), "a") == (3, {})
    status, result = read(None, "a")  # type: ignore[arg-type]
    assert status == 1
    assert str(result["fault"]).startswith("TypeError at reader.py:")
    assert str(result["fault"]).endswith(" read_image")


def test_a_defect_elsewhere_is_named_by_its_kind() -> None:
    assert fingerprint(ValueError("secret")) == "ValueError"
