import signal
from threading import Thread
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from patreview.analyses.dispatch import run_forever

STOP_S = 3


class Command(BaseCommand):
    help = "Give queued runs to the workers, and do what DISPATCH_BESIDE names, until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopped = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        # Threads, so that a slow mail server holds up no run; daemons, so that it holds up no stop either.
        beside = [Thread(target=import_string(name), args=(self._stopping,), daemon=True, name=name)
                  for name in settings.DISPATCH_BESIDE]  # fmt: skip
        for thread in beside:
            thread.start()
        run_forever(self._stopping)
        for thread in beside:
            thread.join(STOP_S)

    def _stopping(self) -> bool:
        return self.stopped

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopped = True
