"""collect.sh: what it makes of a system, of one that hides much, and what it never takes along."""

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from simulator.evidence.gathering import gather
from simulator.inputs.tarball import Tarball, read_tarball

SCRIPT = Path(__file__).parents[2] / "collect.sh"
SHELLS = [["dash"], ["busybox", "sh"], ["bash", "--posix"], ["/bin/sh"]]
#: What the script uses of POSIX, with mktemp and timeout, which it can do without.
TOOLS = "sh awk sed tar gzip dd wc cat tr cut grep uname date rm mkdir sleep kill mktemp timeout".split()  # noqa: SIM905
NOBODY = 65534


@pytest.fixture(params=SHELLS, ids=[" ".join(shell) for shell in SHELLS])
def shell(request: pytest.FixtureRequest) -> list[str]:
    """A POSIX shell of this machine."""
    found: list[str] = request.param
    if shutil.which(found[0]) is None:
        pytest.skip(f"{found[0]} is not installed")
    return found


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user can enter and write to, unlike those of pytest."""
    path = Path(mkdtemp(prefix="collect-"))
    path.chmod(0o777)
    yield path
    for entry in path.rglob("*"):
        if entry.is_dir() and not entry.is_symlink():
            entry.chmod(0o777)
    shutil.rmtree(path)


def stub(directory: Path, name: str, body: str) -> None:
    """A command of the outside world."""
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def tree(root: Path, files: dict[str, str]) -> Path:
    """The files of some other system."""
    root.mkdir()
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return root


def collect(
    place: Path, *options: object, shell: list[str] | None = None, path: str = "", unprivileged: bool = False
) -> subprocess.CompletedProcess[bytes]:
    """A run of the script in a directory, with commands of `path` before the machine's own."""
    command = [*(shell or ["sh"]), str(place / "collect.sh"), *(str(option) for option in options)]
    if unprivileged and os.getuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("run as root, and there is no setpriv to drop that")
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    shutil.copy(SCRIPT, place / "collect.sh")
    (place / "collect.sh").chmod(0o755)
    environment = {"PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"], "TMPDIR": str(place / "tmp")}
    (place / "tmp").mkdir(exist_ok=True)
    (place / "tmp").chmod(0o777)
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=60
    )
    assert list((place / "tmp").iterdir()) == [], "its working directory is gone"
    return done


def taken(place: Path, *options: object, **more: object) -> tuple[Tarball, str]:
    """The tarball of a run that made one, as the service reads it, and what the run said."""
    done = collect(place, *options, "-o", "out.tar.gz", **more)  # type: ignore[arg-type]
    assert (done.returncode, done.stdout) == (0, b"out.tar.gz\n"), done.stderr
    tarball = read_tarball((place / "out.tar.gz").read_bytes(), source="out.tar.gz")
    assert tarball.notes == ()
    return tarball, done.stderr.decode()


def gap(tarball: Tarball, name: str) -> tuple[str, str]:
    """State and reason of a gap."""
    found = next(one for one in tarball.gaps if one["name"] == name)
    return found["state"], found["what"]


VERSION = "Linux version 6.12.117 (a@b) (gcc) #1 SMP\n"
LAYOUT = "[    0.0] x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  \n"
CPU = "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: X\nflags\t\t: fpu pat hypervisor\n"
CPUS = "\n".join(f"processor\t: {number}\n{CPU}" for number in range(3))
DOM0 = {
    "proc/version": VERSION,
    "proc/cmdline": "placeholder root=/dev/sda1 ro\n",
    "proc/cpuinfo": CPUS,
    "proc/mtrr": "",
    "proc/config.gz": "",
    "proc/modules": "i915 3000000 10 - Live 0x0000000000000000\n",
    "proc/xen/capabilities": "control_d\n",
    "boot/config-6.12.117": "CONFIG_X86_PAT=y\nCONFIG_XEN_DOM0=y\n",
    "boot/vmlinuz-6.12.117": "an image",
    "boot/xen-4.20.gz": "another",
    "var/log/dmesg": f"[    0.0] {VERSION}{LAYOUT}",
    "sys/kernel/debug/x86/pat_memtype_list": "PAT memtype list:\nPAT: [mem 0xd0000000-0xe0000000] write-combining\n",
    "sys/hypervisor/type": "xen\n",
    "sys/hypervisor/guest_type": "PV\n",
    "sys/hypervisor/version/major": "4\n",
    "sys/hypervisor/version/minor": "20\n",
    "sys/hypervisor/version/extra": ".1\n",
    "sys/hypervisor/properties/features": "000027ff\n",
    "sys/hypervisor/properties/capabilities": "xen-3.0-x86_64 hvm-3.0-x86_64\n",
    "sys/hypervisor/start_flags/initdomain": "1\n",
    "sys/hypervisor/start_flags/privileged": "1\n",
    "sys/hypervisor/start_flags/multiboot": "0\n",
    "sys/hypervisor/uuid": "00000000-0000-0000-0000-000000000000\n",
    "etc/hostname": "gamma\n",
}  # fmt: skip


def test_a_dom0_by_its_files(place: Path, shell: list[str]) -> None:
    root = tree(place / "root", DOM0)
    tarball, said = taken(place, "-r", root, shell=shell)
    members = {name: body.decode() for name, body in tarball.members}
    assert tarball.host == "dom0"
    assert members == {
        "proc-version": DOM0["proc/version"],
        "proc-cmdline": DOM0["proc/cmdline"],
        "proc-cpuinfo": CPUS.split("\n\n")[0] + "\nprocessors\t: 3\n",
        "boot-config": DOM0["boot/config-6.12.117"],
        "dmesg": DOM0["var/log/dmesg"],
        "lsmod": DOM0["proc/modules"],
        "pat-memtype-list": DOM0["sys/kernel/debug/x86/pat_memtype_list"],
        "sys-hypervisor": (
            "type: xen\nguest_type: PV\nversion: 4.20.1\ncapabilities: xen-3.0-x86_64 hvm-3.0-x86_64\n"
            "features: 000027ff\nstart_flags: initdomain privileged\nproc_xen_capabilities: control_d\n"
        ),
    }
    assert {one["name"]: one["state"] for one in tarball.gaps} == {
        "proc-mtrr": "empty",
        "proc-config.gz": "empty",
        "xl-dmesg": "absent",
        "xl-info": "absent",
        "lspci": "absent",
        "uname": "absent",
    }
    assert "collect.sh: empty: proc-mtrr (/proc/mtrr)\n" in said
    assert f"an image to send along, if you like: {root}/boot/vmlinuz-6.12.117\n" in said
    assert f"an image to send along, if you like: {root}/boot/xen-4.20.gz\n" in said


def test_the_service_reads_every_member(place: Path) -> None:
    collect(place, "-r", tree(place / "root", DOM0), "-o", "out.tar.gz")
    evidence = gather([{"name": "out.tar.gz", "body": (place / "out.tar.gz").read_bytes()}])
    gaps = evidence.files[0]["gaps"]
    assert [gap for gap in gaps if gap["state"] == "unreadable"] == []  # type: ignore[attr-defined]
    claims = {(claim.key, str(claim.value)) for claim in evidence.claims}
    expected = {("release", "6.12.117"), ("mode", "pv"), ("role", "dom0"), ("xen", "4.20.1"), ("mapped", "WC@mmio")}
    assert expected <= claims


def test_the_manifest(place: Path) -> None:
    collect(place, "-r", tree(place / "root", DOM0), "-o", "out.tar.gz")
    with tarfile.open(place / "out.tar.gz") as archive:
        manifest = archive.extractfile("MANIFEST")
        assert manifest is not None
        lines = manifest.read().decode().splitlines()
        assert archive.getnames() == ["MANIFEST", *(line.split()[1] for line in lines if line.startswith("ok "))]
    assert lines[:4] == ["patreview.evidence/1", "host dom0", "made-by collect.sh 1", f"ok proc-version {len(VERSION)}"]
    assert "absent xl-dmesg xl dmesg: no command is run with -r" in lines
    assert "empty proc-mtrr /proc/mtrr" in lines


@pytest.mark.parametrize(
    ("files", "host"),
    [
        ({}, "unknown"),
        ({"proc/cpuinfo": CPUS}, "guest"),
        ({"proc/cpuinfo": CPUS.replace(" hypervisor", "")}, "bare"),
        ({"proc/cpuinfo": CPUS, "sys/hypervisor/type": "xen\n"}, "guest"),
        ({"proc/cpuinfo": CPUS, "proc/xen/capabilities": "control_d\n"}, "dom0"),
        ({"sys/hypervisor/type": "xen\n", "sys/hypervisor/start_flags/initdomain": "1\n"}, "dom0"),
    ],
)
def test_the_kind_of_host(place: Path, files: dict[str, str], host: str) -> None:
    tarball, _ = taken(place, "-r", tree(place / "root", files))
    assert tarball.host == host


def test_this_machine(place: Path, shell: list[str]) -> None:
    tarball, said = taken(place, shell=shell)
    assert dict(tarball.members)["proc-version"] == Path("/proc/version").read_bytes()
    assert "look before you send: tar xzf out.tar.gz -O | less" in said


def test_a_user_without_rights_is_told_what_is_denied(place: Path, shell: list[str]) -> None:
    root = tree(place / "root", DOM0)
    (root / "proc/cmdline").chmod(0)
    (root / "sys/kernel/debug").chmod(0o700)
    (root / "sys/hypervisor/properties/features").chmod(0)
    tarball, said = taken(place, "-r", root, shell=shell, unprivileged=True)
    assert gap(tarball, "proc-cmdline") == ("denied", "/proc/cmdline")
    reason = f"/sys/kernel/debug/x86/pat_memtype_list: {root}/sys/kernel/debug cannot be entered"
    assert gap(tarball, "pat-memtype-list") == ("denied", reason)
    assert gap(tarball, "sys-hypervisor") == ("denied", "/sys/hypervisor/properties/features")
    assert "guest_type: PV" in dict(tarball.members)["sys-hypervisor"].decode()
    assert "collect.sh: denied: proc-cmdline (/proc/cmdline)\n" in said


NOT_PERMITTED = "echo 'dmesg: read kernel buffer failed: Operation not permitted' >&2; exit 1"
NO_HYPERCALLS = "echo 'xencall: error: Could not obtain handle: Permission denied' >&2; exit 1"


def test_commands_that_are_denied_fail_or_print_nothing(place: Path, shell: list[str]) -> None:
    bin_directory = place / "bin"
    stub(bin_directory, "dmesg", NOT_PERMITTED)
    stub(bin_directory, "journalctl", "exit 0")
    stub(bin_directory, "xl", f'[ "$1" = info ] || {{ {NO_HYPERCALLS}; }}\nexit 3')
    stub(bin_directory, "lspci", "exit 0")
    stub(bin_directory, "lsmod", "printf 'no\\tmodules\\n\\033[31mhere' >&2; exit 1")
    tarball, said = taken(place, shell=shell, path=str(bin_directory), unprivileged=True)
    assert gap(tarball, "dmesg") == ("denied", "dmesg: dmesg: read kernel buffer failed: Operation not permitted")
    reason = "xl dmesg: xencall: error: Could not obtain handle: Permission denied"
    assert gap(tarball, "xl-dmesg") == ("denied", reason)
    assert gap(tarball, "xl-info") == ("failed", "xl info: exit status 3")
    assert gap(tarball, "lspci") == ("empty", "lspci -k")
    assert f"collect.sh: denied: xl-dmesg ({reason})" in said
    assert "\033" not in said


INFO = "host                   : gamma\nrelease                : 6.12\nxen_version            : 4.20.1"


def test_commands_of_a_dom0(place: Path, shell: list[str]) -> None:
    bin_directory = place / "bin"
    stub(bin_directory, "dmesg", f"echo '[    0.0] {VERSION}'")
    stub(bin_directory, "xl", f"[ \"$1\" = dmesg ] && echo '(XEN) Xen version 4.20.1' || echo '{INFO}'")
    stub(bin_directory, "lsmod", "echo 'Module Size Used by'")
    stub(bin_directory, "lspci", 'echo "00:02.0 VGA $1"')
    tarball, _ = taken(place, shell=shell, path=str(bin_directory))
    members = {name: body.decode("latin-1") for name, body in tarball.members}
    assert members["dmesg"].startswith(f"[    0.0] {VERSION}")
    assert members["xl-dmesg"] == "(XEN) Xen version 4.20.1\n"
    assert members["xl-info"] == f"{INFO}\n"
    assert members["lsmod"] == "Module Size Used by\n"
    assert members["lspci"] == "00:02.0 VGA -k\n"
    assert tarball.host == "dom0"


def test_old_tools_of_xen_are_asked_where_there_are_no_new_ones(place: Path) -> None:
    bin_directory = place / "bin"
    stub(bin_directory, "xm", 'echo "xm $1"')
    tarball, _ = taken(place, path=str(bin_directory))
    assert dict(tarball.members)["xl-dmesg"] == b"xm dmesg\n"


@pytest.mark.parametrize(
    ("journal", "log", "said"),
    [
        (f"echo '{VERSION}'", VERSION.encode() + b"\n", False),
        ("echo 'a later line'", b"lost its beginning\n", True),
        ("exit 1", b"lost its beginning\n", True),
    ],
)
def test_a_log_that_has_its_beginning_is_taken_before_one_that_lost_it(
    place: Path, journal: str, log: bytes, said: bool
) -> None:
    bin_directory = place / "bin"
    stub(bin_directory, "dmesg", "echo 'lost its beginning'")
    stub(bin_directory, "journalctl", journal)
    tarball, words = taken(place, path=str(bin_directory), unprivileged=True)
    assert dict(tarball.members)["dmesg"] == log
    assert ("the kernel's log has lost its beginning" in words) == said


def test_logs_are_capped(place: Path) -> None:
    bin_directory = place / "bin"
    stub(bin_directory, "dmesg", f"echo '{VERSION}'; awk 'BEGIN {{ for (i = 0; i < 700000; i++) print i }}'")
    tarball, said = taken(place, path=str(bin_directory))
    assert len(dict(tarball.members)["dmesg"]) == 4 << 20
    assert "collect.sh: cut: dmesg has more than the 4096 KiB that are taken\n" in said


def test_without_the_hosts_name(place: Path, shell: list[str]) -> None:
    bin_directory = place / "bin"
    stub(bin_directory, "uname", '[ "$1" = -n ] && echo gamma || echo Linux 6.12 x86_64')
    stub(bin_directory, "dmesg", f"echo '{VERSION}'; echo 'systemd[1]: Hostname set to <gamma>.'")
    stub(bin_directory, "xl", f"[ \"$1\" = dmesg ] || echo '{INFO}'")
    named = collect(place, shell=shell, path=str(bin_directory)).stdout.decode().strip()
    assert named.startswith("patreview-gamma-")
    done = collect(place, "-a", shell=shell, path=str(bin_directory)).stdout.decode().strip()
    assert done.startswith("patreview-2")
    members = dict(read_tarball((place / done).read_bytes(), source=done).members)
    assert b"Hostname set to" not in members["dmesg"]
    assert VERSION.encode() in members["dmesg"]
    assert members["xl-info"].startswith(b"release")
    assert all(b"gamma" not in body for body in members.values())
    assert (place / done).stat().st_mode & 0o777 == 0o600


SECRETS = """\
name = "desk"
memory = 4096
vncpasswd = "hunter2"
vfb = [ 'type=vnc,vncpasswd=hunter2' ]
spicepasswd =
  "hunter2"
VNCPASSWD="hunter2"
pci = [ '00:02.0' ]
"""


def test_a_domains_configuration_without_its_secrets(place: Path, shell: list[str]) -> None:
    (place / "desk.cfg").write_text(SECRETS)
    tarball, _ = taken(place, "-c", "desk.cfg", "-r", tree(place / "root", DOM0), shell=shell)
    text = dict(tarball.members)["domain-config"].decode()
    assert "hunter2" not in text
    kept = [line for line in text.splitlines() if not line.startswith("#")]
    assert kept == ['name = "desk"', "memory = 4096", "pci = [ '00:02.0' ]"]


@pytest.mark.parametrize(
    ("name", "state", "what"),
    [
        ("missing.cfg", "absent", "missing.cfg"),
        (".", "failed", ".: no plain file"),
        ("none/of/this", "absent", "none/of/this"),
        ("link.cfg", "failed", "link.cfg: a symbolic link, which is not followed with -r"),
    ],
)
def test_a_domains_configuration_that_cannot_be_read(place: Path, name: str, state: str, what: str) -> None:
    (place / "link.cfg").symlink_to("/etc/hostname")
    tarball, _ = taken(place, "-c", name, "-r", tree(place / "root", DOM0))
    assert gap(tarball, "domain-config") == (state, what)


def test_to_standard_output_from_standard_input(place: Path, shell: list[str]) -> None:
    with SCRIPT.open() as script:
        done = subprocess.run([*shell, "-s", "--", "-o", "-"], stdin=script, capture_output=True, cwd=place, timeout=60)
    assert done.returncode == 0
    assert dict(read_tarball(done.stdout, source="-").members)["proc-version"]
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["-x"], 64, "collect.sh: -x is no option; see sh collect.sh -h\n"),
        (["-o"], 64, "collect.sh: -o needs a value; see sh collect.sh -h\n"),
        (["now"], 64, "collect.sh: now is no option; see sh collect.sh -h\n"),
        (["-r", "nowhere"], 64, "collect.sh: nowhere is no directory; see sh collect.sh -h\n"),
        (["-o", "collect.sh"], 73, "collect.sh: collect.sh exists already; nothing is overwritten\n"),
        (["-o", "nowhere/out.tar.gz"], 73, "collect.sh: cannot write nowhere/out.tar.gz\n"),
    ],
)
def test_what_it_refuses(place: Path, shell: list[str], options: list[str], status: int, message: str) -> None:
    done = collect(place, *options, shell=shell)
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.decode().endswith(message)


def test_help(place: Path, shell: list[str]) -> None:
    done = collect(place, "-h", shell=shell)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"usage: sh collect.sh [-a] [-c FILE] [-o FILE] [-r DIR]\n")


def links(directory: Path, target: Callable[[str], str | None], leave_out: tuple[str, ...] = ()) -> str:
    """A directory with nothing but the tools that are named."""
    directory.mkdir()
    directory.chmod(0o755)
    for tool in TOOLS:
        found = target(tool)
        if tool not in leave_out and found is not None:
            (directory / tool).symlink_to(found)
    return str(directory)


def run_with(place: Path, path: str, shell: str) -> subprocess.CompletedProcess[bytes]:
    """A run with nothing but the commands of a directory, and of /usr/sbin and /sbin."""
    (place / "tmp").mkdir(exist_ok=True)
    command = [f"{path}/{shell}", str(SCRIPT), "-o", "out.tar.gz"]
    environment = {"PATH": path, "TMPDIR": str(place / "tmp")}
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=60
    )
    assert list((place / "tmp").iterdir()) == []
    return done


def test_busybox_alone(place: Path) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is not installed")
    done = run_with(place, links(place / "bin", lambda _: busybox), "sh")
    assert (done.returncode, done.stdout) == (0, b"out.tar.gz\n"), done.stderr
    tarball = read_tarball((place / "out.tar.gz").read_bytes(), source="out")
    assert dict(tarball.members)["proc-version"] == Path("/proc/version").read_bytes()


def test_without_mktemp_and_timeout(place: Path) -> None:
    done = run_with(place, links(place / "bin", shutil.which, ("mktemp", "timeout")), "sh")
    assert done.returncode == 0, done.stderr
    assert read_tarball((place / "out.tar.gz").read_bytes(), source="out").notes == ()


def test_without_gzip(place: Path) -> None:
    done = run_with(place, links(place / "bin", shutil.which, ("gzip",)), "sh")
    assert (done.returncode, done.stdout) == (73, b"")
    assert done.stderr == b"collect.sh: gzip is missing; without it there is no tarball\n"


def test_a_run_that_is_ended_leaves_nothing(place: Path) -> None:
    path = links(place / "bin", shutil.which, ("timeout",))
    stub(place / "bin", "lspci", "kill -TERM $PPID")
    done = run_with(place, path, "sh")
    assert (done.returncode, done.stdout) == (143, b"")
    assert not (place / "out.tar.gz").exists()


def test_shells_and_their_checker_find_nothing_wrong(shell: list[str]) -> None:
    done = subprocess.run([*shell, "-n", str(SCRIPT)], capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_shellcheck() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", str(SCRIPT)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_help_names_every_member() -> None:
    from simulator.inputs.tarball import ROLES

    text = subprocess.run(["sh", str(SCRIPT), "-h"], capture_output=True, text=True).stdout
    assert [name for name in (*ROLES, "uname", "MANIFEST") if name not in text] == []


def test_the_archive_is_plain(place: Path) -> None:
    done = collect(place, "-a", "-r", tree(place / "root", DOM0), "-o", "-")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        owners = {(member.uid, member.uname, member.isfile()) for member in archive}
    assert {(uid, is_file) for uid, _, is_file in owners} == {(0, True)}
