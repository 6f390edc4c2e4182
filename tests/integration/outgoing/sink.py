"""A small mail server on 127.0.0.1 that answers as it is told and keeps what it takes (RFC 5321, as far as needed)."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Sink(socketserver.ThreadingTCPServer):
    """`answers` is what it says to a command in place of yes, by its beginning: {"RCPT TO:<a@b": "550 no"}."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.answers: dict[str, str] = {}
        self.taken: list[bytes] = []
        self.connections = 0


class _Conversation(socketserver.StreamRequestHandler):
    server: Sink

    def handle(self) -> None:
        self.server.connections += 1
        self._say(self.server.answers.get("connect", "220 sink"))
        while line := self.rfile.readline().decode().strip():
            told = next((say for start, say in self.server.answers.items() if line.startswith(start)), "250 yes")
            if line.upper() == "DATA" and told == "250 yes":
                self._say("354 go on")
                told = self._read_letter()
            self._say("221 bye" if line.upper() == "QUIT" else told)
            if line.upper() == "QUIT" or told.startswith("421"):
                return

    def _read_letter(self) -> str:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        told = self.server.answers.get("letter", "250 taken")
        if told.startswith("250"):
            self.server.taken.append(b"".join(lines))
        return told

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def running_sink() -> Iterator[Sink]:
    with Sink() as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        yield sink
        sink.shutdown()
