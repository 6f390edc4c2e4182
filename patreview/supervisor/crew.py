"""All children of the supervisor: started in order, restarted when they die, stopped in order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType

from patreview.supervisor.folder import DataFolder, log_tail, open_log
from patreview.supervisor.refusal import Refusal
from patreview.supervisor.service import Service, end, how_it_ended, signal_group, spawn

POLL_S = 0.1
# make passes a SIGTERM on, and a terminal sends Ctrl-C once: what follows at once is an echo.
ECHO_S = 0.5


class Stopped(Exception):
    """Someone asked the supervisor to end while it was still starting."""


class Crew:
    """Services by name, in the order in which they are stopped, and one-off tasks."""

    def __init__(self, folder: DataFolder, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.services: list[Service] = []
        self.tasks: list[subprocess.Popen[bytes]] = []
        self.stop_asked_at_s: float | None = None

    def catch_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if self.stop_asked_at_s is None:
            self.stop_asked_at_s = now_s
        elif number == signal.SIGINT and now_s - self.stop_asked_at_s > ECHO_S:
            say("killed at once")
            self.kill()
            os._exit(130)

    def pause(self) -> None:
        """Wait a moment. Raises Stopped once a signal came."""
        if self.stop_asked_at_s is None:
            time.sleep(POLL_S)
        if self.stop_asked_at_s is not None:
            raise Stopped

    def start(self, service: Service) -> None:
        if service not in self.services:
            self.services.append(service)
        log = open_log(self.folder, service.name)
        try:
            service.process = spawn(
                service.argv,
                environment=self.environment,
                log=log,
                death_signal=service.death_signal,
            )
        finally:
            os.close(log)
        service.started_at_s = time.monotonic()
        service.start_again_at_s = None
        self.folder.pid_file(service.name).write_text(f"{service.process.pid}\n")

    def begin_task(self, name: str, argv: list[str]) -> subprocess.Popen[bytes]:
        """Start a command that ends by itself; its output goes to a log of that name."""
        log = open_log(self.folder, name)
        os.ftruncate(log, 0)
        try:
            task = spawn(argv, environment=self.environment, log=log, death_signal=signal.SIGKILL)
        finally:
            os.close(log)
        self.tasks.append(task)
        return task

    def finish_task(self, task: subprocess.Popen[bytes]) -> int:
        """Exit code of a task, waited for while the services are kept alive."""
        while task.poll() is None:
            self.watch()
            self.pause()
        self.tasks.remove(task)
        return task.returncode

    def run_task(self, name: str, argv: list[str]) -> None:
        """Run a task to its end. Raises Refusal with the end of its log when it fails."""
        self.require_success(name, self.finish_task(self.begin_task(name, argv)))

    def require_success(self, name: str, returncode: int) -> None:
        if returncode:
            raise Refusal(
                f"{name} {how_it_ended(returncode)}; all of it in {self.folder.log(name)}\n"
                f"{log_tail(self.folder, name)}"
            )

    def wait_for(self, service: Service, is_ready: Callable[[], bool], *, limit_s: float) -> None:
        """Wait until a service just started answers. Raises Refusal when it dies or is late."""
        deadline_s = time.monotonic() + limit_s
        while not is_ready():
            died = not service.is_running
            if died or time.monotonic() > deadline_s:
                trouble = "ended at once" if died else f"is not ready after {limit_s:.0f} s"
                raise Refusal(
                    f"{service.name} {trouble}; all of it in {self.folder.log(service.name)}\n"
                    f"{log_tail(self.folder, service.name)}"
                )
            self.pause()

    def watch(self) -> None:
        """Start again what died, each time later, and say so."""
        now_s = time.monotonic()
        for service in self.services:
            if service.start_again_at_s is not None:
                if now_s >= service.start_again_at_s:
                    self.start(service)
            elif service.process is not None and service.process.poll() is not None:
                self._bury(service, service.process, now_s=now_s)

    def _bury(self, service: Service, process: subprocess.Popen[bytes], *, now_s: float) -> None:
        # A main process that was killed leaves its own children: they go before the next start.
        signal_group(process, signal.SIGKILL)
        delay_s = service.next_delay_s(now_s=now_s)
        service.start_again_at_s = now_s + delay_s
        say(
            f"{service.name} {how_it_ended(process.returncode)}; starting it again in "
            f"{delay_s:.0f} s ({self.folder.log(service.name)})"
        )

    def stop(self) -> None:
        """End every child in the order of `services`; a second Ctrl-C kills them at once."""
        if self.stop_asked_at_s is None:
            self.stop_asked_at_s = time.monotonic()
        for task in self.tasks:
            end(task, limit_s=1.0)
        for service in self.services:
            if service.process is not None:
                if service.is_running and not end(service.process, limit_s=service.stop_limit_s):
                    say(f"{service.name} did not end in {service.stop_limit_s:.0f} s: killed")
                signal_group(service.process, signal.SIGKILL)
            self.folder.pid_file(service.name).unlink(missing_ok=True)

    def kill(self) -> None:
        processes = [service.process for service in self.services] + list(self.tasks)
        for process in processes:
            if process is not None:
                signal_group(process, signal.SIGKILL)


def say(message: str) -> None:
    """A line for the person at the terminal, which may be gone by now."""
    with contextlib.suppress(OSError):
        print(f"patreview: {message}", file=sys.stderr, flush=True)
