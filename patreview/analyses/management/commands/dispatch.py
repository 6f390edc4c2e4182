import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from patreview.analyses.dispatch import run_forever


class Command(BaseCommand):
    help = "Give queued runs to the workers, until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopped = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        run_forever(lambda: self.stopped)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopped = True
