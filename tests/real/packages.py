"""Packages of Debian: apt fetches them into a folder, dpkg-deb takes them apart. Nothing is installed."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

#: Some 250 MB, and as much again unpacked. apt checks what lies here already and fetches it once.
FOLDER = Path(os.environ.get("PATREVIEW_REAL") or "var/real").resolve()
FETCH_LIMIT_S = 1800
_OPTIONS = ("-q", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=60")


class Unreachable(Exception):
    """A package that cannot be had here, and why."""


class Package(NamedTuple):
    """A package that was taken apart: its name and version, and the folder that holds what was asked for of it."""

    name: str
    version: str
    folder: Path

    def only(self, pattern: str) -> Path:
        """The one file of a pattern. Raises Unreachable where the package holds none, or several."""
        found = sorted(self.folder.glob(pattern))
        if len(found) != 1:
            raise Unreachable(f"{self.name} {self.version} holds {len(found)} files {pattern}")
        return found[0]


def fetch(name: str, parts: Iterable[str]) -> Package:
    """A package by its name, with the folders or files `parts` of it.

    Raises Unreachable where apt does not find it, or cannot fetch it.
    """
    deb = _download(name)
    folder = FOLDER / deb.stem
    if not folder.exists():
        _take_apart(deb, folder, parts)
    version = _run(["dpkg-deb", "--field", str(deb), "Version"]).strip()
    return Package(name, version, folder)


def newest(name: str) -> str:
    """The package that an empty package such as linux-image-amd64 stands for."""
    for line in _asked(["apt-cache", "depends", "--no-recommends", "--no-suggests", name]).splitlines():
        kind, _, other = line.strip().partition(": ")
        if kind == "Depends" and other.startswith("linux-image-"):
            return other
    return name


@cache
def _download(name: str) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        return _newest_file(name)
    except Unreachable:  # the lists may be older than the archive
        _refresh()
        return _newest_file(name)


def _newest_file(name: str) -> Path:
    uri = _asked(["apt-get", "download", "--print-uris", "-qq", name])
    _run(["apt-get", "download", *_OPTIONS, name], FOLDER)
    return FOLDER / uri.split()[1]


def _asked(command: list[str]) -> str:
    """What apt says of a package, asked where no file of it lies, for of one that is there it says nothing.

    Its lists are fetched where it knows no such package: there may be none yet.
    """
    try:
        return _run(command)
    except Unreachable:
        _refresh()
        return _run(command)


@cache
def _refresh() -> None:
    """Fetch apt's lists, once; whether that helped is seen when the package is asked for again."""
    with suppress(Unreachable):
        _run(["apt-get", "update", *_OPTIONS])


def _run(command: list[str], folder: Path = Path("/")) -> str:
    """What a command prints. Raises Unreachable with its last words where it fails."""
    if shutil.which(command[0]) is None:
        raise Unreachable(f"this machine has no {command[0]}")
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, check=False, timeout=FETCH_LIMIT_S
        )
    except subprocess.TimeoutExpired as fault:
        raise Unreachable(f"{' '.join(command[:2])}: not done after {FETCH_LIMIT_S} s") from fault
    if done.returncode:
        said = [line for line in done.stderr.decode(errors="replace").splitlines() if not line.startswith("W: ")]
        raise Unreachable(f"{' '.join(command[:2])}: {said[-1] if said else f'exit status {done.returncode}'}")
    return done.stdout.decode()


def _take_apart(deb: Path, folder: Path, parts: Iterable[str]) -> None:
    """Unpack only what is wanted: a kernel's modules have twenty times its size."""
    unfinished = folder.with_name(folder.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as packed:
        command = ["tar", "--extract", "--no-same-owner", "-C", str(unfinished), *(f"./{part}" for part in parts)]
        done = subprocess.run(command, stdin=packed.stdout, capture_output=True, check=False)
    if done.returncode or packed.returncode:
        raise Unreachable(f"{deb.name} cannot be taken apart: {done.stderr.decode(errors='replace')[-200:]}")
    unfinished.rename(folder)
