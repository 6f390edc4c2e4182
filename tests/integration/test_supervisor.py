"""The supervisor: each refusal, its own parts, and one real service that is hurt and stopped."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery

from patreview.supervisor import __main__ as program
from patreview.supervisor import broker, folder
from patreview.supervisor.address import Address, read_address, require_free
from patreview.supervisor.crew import Crew, Stopped
from patreview.supervisor.refusal import (
    ALREADY_RUNS,
    BAD_VALUE,
    FOLDER_UNUSABLE,
    PORT_TAKEN,
    Refusal,
)
from patreview.supervisor.service import HEALTHY_AFTER_S, Service, how_it_ended
from tests.faults.installation import Installation, free_port, parent_of

PYTHON = sys.executable
SLEEPS = [PYTHON, "-c", "import time; time.sleep(60)"]
DEAF = [
    PYTHON,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


# Sends SIGTERM to the process named once the address answers.
STOPS_WHEN_READY = """
import os, signal, sys, time, urllib.request
for _ in range(300):
    try:
        urllib.request.urlopen(sys.argv[1] + "readyz")
        break
    except OSError:
        time.sleep(0.1)
time.sleep(1)
os.kill(int(sys.argv[2]), signal.SIGTERM)
"""
# Python 3.12 and later warn of any fork beside a thread; pytest-xdist has one.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def wait_until(is_so: Callable[[], object], *, limit_s: float = 40.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def data(tmp_path: Path) -> folder.DataFolder:
    return folder.open_folder(tmp_path / "data")


@pytest.fixture
def crew(data: folder.DataFolder) -> Iterator[Crew]:
    crew = Crew(data, os.environ)
    yield crew
    crew.kill()
    crew.stop()


@pytest.fixture
def restored_signals() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("environment", "bind", "url"),
    [
        ({}, "127.0.0.1:8000", "http://127.0.0.1:8000/"),
        ({"PORT": "81", "HOST": "0.0.0.0"}, "0.0.0.0:81", "http://127.0.0.1:81/"),
        ({"HOST": "::1"}, "[::1]:8000", "http://[::1]:8000/"),
        ({"HOST": "::"}, "[::]:8000", "http://[::1]:8000/"),
        ({"HOST": "my-laptop"}, "127.0.0.1:8000", "http://127.0.0.1:8000/"),  # exported by csh
    ],
)
def test_reads_the_address(environment: dict[str, str], bind: str, url: str) -> None:
    address = read_address(environment)
    assert (address.bind, address.url) == (bind, url)


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "80 80"])
def test_refuses_a_port_that_is_none(port: str) -> None:
    with pytest.raises(Refusal, match=r"is not a port number \(1 to 65535\)") as refusal:
        read_address({"PORT": port})
    assert refusal.value.code == BAD_VALUE


def test_refuses_a_taken_port_and_names_the_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Refusal, match=rf"port {port} on 127.0.0.1 is taken .* make run PORT=\d+") as refusal:
            require_free(Address("127.0.0.1", port))
    assert refusal.value.code == PORT_TAKEN
    require_free(Address("127.0.0.1", port))


def test_refuses_an_address_of_another_machine() -> None:
    with pytest.raises(Refusal, match=r"cannot listen on 203\.0\.113\.7:8000"):
        require_free(Address("203.0.113.7", 8000))


# Data folder


def test_keeps_the_data_folder_private(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    data = folder.open_folder(tmp_path / "data")
    assert {stat.S_IMODE(part.stat().st_mode) for part in (data.path, data.run, data.log("x").parent)} == {0o700}


def test_refuses_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match=r"cannot be used: .*make run PATREVIEW_DATA=FOLDER") as refusal:
        folder.open_folder(tmp_path / "file")
    assert refusal.value.code == FOLDER_UNUSABLE


@pytest.mark.parametrize("name", ["l" * 120, "with blank", "with#hash"])
def test_puts_sockets_elsewhere_when_the_path_does_not_suit(tmp_path: Path, name: str) -> None:
    data = folder.open_folder(tmp_path / name)
    assert data.sockets.parent == Path("/tmp")
    assert stat.S_IMODE(data.sockets.stat().st_mode) == 0o700
    assert data == folder.open_folder(tmp_path / name)
    folder.remove_short_sockets(data)
    assert not data.sockets.exists()


def test_second_lock_is_told_who_holds_the_first(data: folder.DataFolder) -> None:
    lock = folder.lock_folder(data, url="http://127.0.0.1:8000/")
    message = rf"patreview already runs here \(pid {os.getpid()}, URL http://127.0.0.1:8000/\)"
    with pytest.raises(Refusal, match=message) as refusal:
        folder.lock_folder(data, url="http://127.0.0.1:8001/")
    assert refusal.value.code == ALREADY_RUNS
    os.close(lock)
    os.close(folder.lock_folder(data, url="http://127.0.0.1:8001/"))


def test_clears_what_a_killed_start_left(data: folder.DataFolder) -> None:
    leftovers = (data.broker_socket, data.wake_socket, data.pid_file("web"))
    for leftover in leftovers:
        leftover.write_text("")
    folder.clear_leftovers(data)
    assert not any(leftover.exists() for leftover in leftovers)


def test_keeps_one_secret_key(data: folder.DataFolder) -> None:
    key = folder.secret_key(data)
    assert len(key) >= 50
    assert key == folder.secret_key(data)
    assert stat.S_IMODE((data.path / "secret-key").stat().st_mode) == 0o600


def test_starts_a_new_log_when_the_old_one_is_large(data: folder.DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LOG_BYTES_KEPT", 10)
    data.log("web").write_text("older than ten bytes")
    os.close(folder.open_log(data, "web"))
    assert data.log("web").read_text() == ""
    assert data.log("web").with_suffix(".log.1").read_text() == "older than ten bytes"


def test_children_get_ours_only_where_the_caller_has_none(data: folder.DataFolder) -> None:
    address = Address("127.0.0.1", 8000)
    ours = program.child_environment({"PYTHONPATH": "/x", "GUNICORN_CMD_ARGS": "--reload"}, data, address)
    assert ours["REDIS_URL"] == f"redis+socket://{data.path}/run/broker.sock"
    assert ours["PATREVIEW_ENV"] == "development"
    assert {"PYTHONPATH", "GUNICORN_CMD_ARGS"}.isdisjoint(ours)
    theirs = {"REDIS_URL": "redis://r/0", "SECRET_KEY": "k", "PATREVIEW_ENV": "production"}
    assert theirs.items() <= program.child_environment(theirs, data, address).items()


@pytest.mark.parametrize(("value", "wanted"), [({}, True), ({"PATREVIEW_DEMO": "0"}, False)])
def test_demo_is_loaded_unless_told_otherwise(value: dict[str, str], wanted: bool) -> None:
    assert program.wants_demo(value) is wanted


def test_says_what_would_help_when_no_server_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "_bundled", lambda: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refusal, match=r"no Redis-protocol server found: .* make run REDIS_URL="):
        broker.server_binary()


def test_falls_back_to_a_server_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    server = tmp_path / "redis-server"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert broker.server_binary() == server


# Children


def test_waits_longer_after_each_death_until_healthy() -> None:
    service = Service("web", [], stop_limit_s=1)
    assert [service.next_delay_s(now_s=1.0) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert service.next_delay_s(now_s=1.0 + HEALTHY_AFTER_S) == 1


def test_starts_again_what_died_and_says_so(crew: Crew, capfd: pytest.CaptureFixture[str]) -> None:
    service = Service("sleeper", SLEEPS, stop_limit_s=5)
    crew.start(service)
    assert service.process is not None
    first = service.process.pid
    os.kill(first, signal.SIGKILL)
    service.process.wait()
    crew.watch()
    assert "sleeper ended by SIGKILL; starting it again in 1 s" in capfd.readouterr().err
    service.start_again_at_s = 0.0
    crew.watch()
    assert service.process.pid != first
    assert crew.folder.pid_file("sleeper").read_text() == f"{service.process.pid}\n"
    crew.stop()
    assert not service.is_running
    assert not crew.folder.pid_file("sleeper").exists()


def test_kills_what_does_not_end(crew: Crew, capfd: pytest.CaptureFixture[str]) -> None:
    service = Service("deaf", DEAF, stop_limit_s=0.2)
    crew.start(service)
    wait_until(lambda: "deaf" in crew.folder.log("deaf").read_text())
    crew.stop()
    assert not service.is_running
    assert "deaf did not end in 0 s: killed" in capfd.readouterr().err


def test_names_the_end_of_the_log_when_a_task_fails(crew: Crew) -> None:
    with pytest.raises(Refusal, match=r"(?s)migrate ended with exit code 3; all of it in .*migrate.log\n  \| no disk"):
        crew.run_task("migrate", [PYTHON, "-c", "import sys; print('no disk'); sys.exit(3)"])


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([PYTHON, "-c", "print('no module')"], r"(?s)web ended at once; .*\| no module"),
        (SLEEPS, "web is not ready after 0 s"),
    ],
)
def test_does_not_wait_in_vain(crew: Crew, argv: list[str], message: str) -> None:
    service = Service("web", argv, stop_limit_s=1)
    crew.start(service)
    wait_until(lambda: argv is SLEEPS or not service.is_running)
    with pytest.raises(Refusal, match=message):
        crew.wait_for(service, lambda: False, limit_s=0.3)


def test_a_signal_ends_every_wait(crew: Crew) -> None:
    task = crew.begin_task("long", SLEEPS)
    crew._on_signal(signal.SIGTERM, None)
    with pytest.raises(Stopped):
        crew.finish_task(task)
    crew.stop()
    assert task.poll() is not None


def test_how_a_child_ended_is_told_in_words() -> None:
    assert how_it_ended(-9) == "ended by SIGKILL"
    assert how_it_ended(3) == "ended with exit code 3"


# One real service: the tests below use it in this order, the last ones end it. `make test` gives a worker whole files.


@pytest.fixture(scope="module")
def service() -> Iterator[Installation]:
    installation = Installation()
    installation.environment.pop("COVERAGE_PROCESS_START", None)
    try:
        installation.start()
        yield installation
    finally:
        installation.stop()
        installation.remove()


def second_start(service: Installation, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, "-m", "patreview.supervisor"],
        env={**service.environment, **changes},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_prints_the_url_and_the_demo_users(service: Installation) -> None:
    assert f"patreview is ready at http://127.0.0.1:{service.port}/" in service.said()
    assert "Demo users" in service.said()


def test_second_start_is_told_at_once(service: Installation) -> None:
    assert service.supervisor is not None
    done = second_start(service)
    assert done.returncode == ALREADY_RUNS
    url = f"http://127.0.0.1:{service.port}/"
    assert done.stderr == f"patreview: patreview already runs here (pid {service.supervisor.pid}, URL {url})\n"


def test_taken_port_is_told_before_anything_starts(service: Installation, tmp_path: Path) -> None:
    done = second_start(service, PATREVIEW_DATA=str(tmp_path / "other"))
    assert done.returncode == PORT_TAKEN
    assert f"port {service.port} on 127.0.0.1 is taken" in done.stderr
    assert not (tmp_path / "other" / "patreview.sqlite3").exists()


def test_brings_back_what_was_killed(service: Installation) -> None:
    before = {name: service.pid(name) for name in ("worker", "dispatcher", "broker")}
    orphans = service.pool_children()
    for pid in before.values():
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(service.pid(name) not in (None, pid) for name, pid in before.items()))
    wait_until(lambda: all(parent_of(pid) is None for pid in orphans))
    assert "worker ended by SIGKILL; starting it again in 1 s" in service.said()


def test_a_worker_goes_on_after_its_acknowledgements_were_lost(service: Installation) -> None:
    """The broker goes between giving out as many messages as the worker may hold and hearing that they were taken."""
    broker_socket = service.data / "run" / "broker.sock"
    hints = Celery(
        broker=f"redis+socket://{broker_socket}", broker_transport_options={"global_keyprefix": "patreview:"}
    )

    def waiting() -> object:
        with redis.Redis(unix_socket_path=str(broker_socket)) as client:
            return client.llen("patreview:runs")

    def hint_at_a_run_that_is_not_there() -> None:
        hints.send_task("patreview.analyses.tasks.execute_run", args=[10**9], queue="runs")

    wait_until(lambda: len(service.pool_children()) == 2)
    log = service.data / "log" / "worker.log"
    done = log.read_text().count(" succeeded in ")
    hint_at_a_run_that_is_not_there()
    wait_until(
        lambda: log.read_text().count(" succeeded in ") > done
    )  # so that it holds nothing when its children stop
    children, old = service.pool_children(), service.pid("broker")
    assert old is not None
    for pid in children:
        os.kill(pid, signal.SIGSTOP)
    for _ in children:
        hint_at_a_run_that_is_not_there()
    wait_until(lambda: waiting() == 0)
    os.kill(old, signal.SIGKILL)
    for pid in children:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: log.read_text().count("Couldn't ack") == len(children))
    wait_until(lambda: service.pid("broker") not in (None, old) and broker_socket.exists())
    hint_at_a_run_that_is_not_there()
    wait_until(lambda: waiting() == 0)


def test_ctrl_c_reaches_the_supervisor_alone_and_leaves_nothing(service: Installation) -> None:
    assert service.supervisor is not None
    os.killpg(service.supervisor.pid, signal.SIGINT)  # as a terminal does it: to the whole group
    assert service.supervisor.wait(40) == 0
    assert service.processes() == []
    assert "Traceback" not in service.said()


def test_killed_supervisor_takes_everything_along(service: Installation) -> None:
    service.stop()
    (service.data / "run" / "broker.sock").touch()  # a stale socket is no hindrance
    service.start()
    assert service.supervisor is not None
    wait_until(service.pool_children)
    service.supervisor.kill()
    service.supervisor.wait()
    wait_until(lambda: service.processes() == [], limit_s=20)
    service.start()
    service.supervisor.send_signal(signal.SIGTERM)
    assert service.supervisor.wait(40) == 0
    assert service.processes() == []


def test_refusals_are_exit_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATREVIEW_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PORT", "none")
    assert program.main() == BAD_VALUE
    monkeypatch.setenv("PORT", str(free_port()))
    lock = folder.lock_folder(folder.open_folder(tmp_path / "data"), url="")
    assert program.main() == ALREADY_RUNS
    os.close(lock)


@pytest.mark.usefixtures("restored_signals")
def test_runs_in_this_process_until_sigterm(
    data: folder.DataFolder, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    address = Address("127.0.0.1", free_port())
    for name in ("REDIS_URL", "DATABASE_URL", "SECRET_KEY", "HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATREVIEW_DATA", str(data.path))
    monkeypatch.setenv("PORT", str(address.port))
    monkeypatch.setenv("PATREVIEW_DEMO", "0")
    with subprocess.Popen([PYTHON, "-c", STOPS_WHEN_READY, address.url, str(os.getpid())]):
        assert program.main() == 0
    said = capfd.readouterr()
    assert f"patreview is ready at {address.url}" in said.out
    assert "patreview: stopping" in said.err
    assert not list(data.run.glob("*.pid"))
