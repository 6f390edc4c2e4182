"""Where the web process listens: read from the environment, checked before anything starts."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from patreview.supervisor.refusal import BAD_VALUE, PORT_TAKEN, Refusal

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address (never a name) and a TCP port."""

    host: str
    port: int

    @property
    def is_v6(self) -> bool:
        return ":" in self.host

    @property
    def bind(self) -> str:
        """As gunicorn's --bind takes it."""
        return f"[{self.host}]:{self.port}" if self.is_v6 else f"{self.host}:{self.port}"

    @property
    def reachable_host(self) -> str:
        """An address a browser on this machine can ask: "all interfaces" is none."""
        if ipaddress.ip_address(self.host).is_unspecified:
            return "::1" if self.is_v6 else DEFAULT_HOST
        return self.host

    @property
    def url(self) -> str:
        host = self.reachable_host
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"


def read_address(environment: Mapping[str, str]) -> Address:
    """Address from HOST and PORT. Raises Refusal when PORT is no port number."""
    return Address(host=_host(environment.get("HOST", "")), port=_port(environment.get("PORT", "")))


def _host(text: str) -> str:
    """HOST as an IP address.

    csh exports the machine's name as HOST, and conda's compilers a target triple: neither
    asks us to listen beyond this machine, so anything but an address means the default.
    """
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return DEFAULT_HOST


def _port(text: str) -> int:
    try:
        port = int(text or DEFAULT_PORT)
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:
        raise Refusal(f"PORT={text} is not a port number (1 to 65535)", code=BAD_VALUE)
    return port


def require_free(address: Address) -> None:
    """Raise Refusal when nothing can listen on the address."""
    family = socket.AF_INET6 if address.is_v6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As gunicorn does: connections that only wait out TIME_WAIT do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise Refusal(_why_not(address, error), code=PORT_TAKEN) from error


def _why_not(address: Address, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {address.port} on {address.host} is taken by another program; "
            f"choose another one: make run PORT={address.port + 1 if address.port < 65535 else 8000}"
        )
    if error.errno == errno.EACCES:
        return f"port {address.port} needs more rights than this user has; make run PORT=8000"
    return f"cannot listen on {address.bind}: {error.strerror or error}"
