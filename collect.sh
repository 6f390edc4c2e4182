#!/bin/sh
# Collects what a review of memory types has to know of this host or guest, in one tarball to look at and to send.
# POSIX shell, tar and gzip are enough. Run it as root where you can: what is denied to you is listed as denied.
set -u
LC_ALL=C
export LC_ALL
umask 077

VERSION=1
PROGRAM=collect.sh

usage() {
    cat <<'END'
usage: sh collect.sh [-a] [-c FILE] [-o FILE] [-r DIR]

Makes patreview-HOST-DATE.tar.gz in this directory, for a review of PAT layouts and guest kernels under Xen.

  -a       leave the host's name out
  -c FILE  add a domain's configuration (xl.cfg); lines with passwords or secrets are left out
  -o FILE  write FILE instead, or standard output if it is -
  -r DIR   read the files below DIR (an unpacked sosreport, a mounted disk) instead of this system's, run no command
  -h       this text

Inside, as far as it can be read:
  proc-version proc-cmdline proc-mtrr proc-config.gz   /proc/version, cmdline, mtrr, config.gz
  proc-cpuinfo      the first processor of /proc/cpuinfo, and how many there are
  boot-config       the kernel's .config in /boot or in its directory of modules
  dmesg             the kernel's log of this boot
  xl-dmesg xl-info  Xen's log and description (dom0)
  lsmod lspci       modules, and devices with their drivers
  pat-memtype-list  x86/pat_memtype_list of debugfs
  sys-hypervisor    what /sys/hypervisor and /proc/xen/capabilities say
  uname             name, release, version and machine of the kernel
  domain-config     the file of -c
  MANIFEST          what is in it, and what could not be read, and why

The logs and command lines are as the system has them: they may name devices, serial numbers, MAC addresses, disks
and people. So may the domain's configuration. Look before you send:  tar xzf FILE -O | less
Kernel images are not collected; where this one lies is printed, so that you can send it along.
Nothing is changed on this system.

Exit status: 0 a tarball was made, with or without gaps; 64 usage; 73 it cannot be written.
END
}

say() {
    printf '%s\n' "$PROGRAM: $*" >&2
}

fail() {
    status=$1
    shift
    say "$*"
    exit "$status"
}

misused() {
    fail 64 "$*; see sh collect.sh -h"
}

anonymous='' domain='' output='' root=''
while getopts ':ac:ho:r:' option; do
    case $option in
    a) anonymous=yes ;;
    c) domain=$OPTARG ;;
    h)
        usage
        exit 0
        ;;
    o) output=$OPTARG ;;
    r) root=$OPTARG ;;
    :) misused "-$OPTARG needs a value" ;;
    *) misused "-$OPTARG is no option" ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || misused "$1 is no option"
if [ -n "$root" ]; then
    [ -d "$root" ] || misused "$root is no directory"
    root=${root%/}
fi

PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin
export PATH
for tool in tar gzip sed awk dd wc cat; do
    command -v "$tool" >/dev/null 2>&1 || fail 73 "$tool is missing; without it there is no tarball"
done

# Where it is put together: members in one directory, what is in hand beside it.
work=$(mktemp -d "${TMPDIR:-/tmp}/patreview.XXXXXX" 2>/dev/null) || work=''
if [ -z "$work" ]; then
    work=${TMPDIR:-/tmp}/patreview.$$
    mkdir "$work" 2>/dev/null || fail 73 "cannot make a directory in ${TMPDIR:-/tmp}"
fi
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
members=$work/members
raw=$work/raw
mkdir "$members" || fail 73 "cannot write to $work"
: >"$work/lines"
: >"$work/names"

# Taking: each leaves what it took in $raw, and says how it went in $state (ok, or one of the four gaps) and $what.

DENIED='permission denied|not permitted|insufficient permission|access denied|must be root|superuser'

printable() {
    tr -d '\r' | tr '\n\t' '  ' | tr -cd ' -~' | cut -c 1-150 | sed 's/ *$//'
}

# The state of a command or copy that went wrong, by what it complained of: judge WHAT < complaint
judge() {
    complaint=$(printable)
    if printf '%s\n' "$complaint" | grep -E -i -q "$DENIED"; then
        state=denied
    else
        state=failed
    fi
    what="$1${complaint:+: $complaint}"
}

# A path that is not there, or only not to be seen by this user: judge_missing PATH
judge_missing() {
    state=absent
    what=$1
    above=$root$1
    while [ -n "$above" ] && [ ! -e "$above" ]; do
        above=${above%/*}
    done
    if [ -d "${above:-/}" ] && [ ! -x "${above:-/}" ]; then
        state=denied
        what="$1: $above cannot be entered"
    fi
}

# take_file PATH KIB: at most so much of a file below the root
take_file() {
    take_path "$root$1" "$1" "$2"
}

take_path() {
    : >"$raw"
    if [ ! -e "$1" ]; then
        judge_missing "$2"
    elif [ -d "$1" ]; then
        state=failed
        what="$2: a directory"
    elif [ ! -r "$1" ]; then
        state=denied
        what=$2
    elif dd if="$1" of="$raw" bs=1024 count="$3" 2>"$work/errors"; then
        state=ok
        what=$2
        cut_off "$3"
        [ -s "$raw" ] || state=empty
    else
        grep -v 'records \(in\|out\)' "$work/errors" | judge_from "$2"
    fi
}

# judge() in this shell, not in that of a pipe.
judge_from() {
    cat >"$work/complaint"
}

cut_off() {
    if [ "$(wc -c <"$raw")" -ge $(($1 * 1024)) ]; then
        say "$what: only its first $1 KiB are taken"
    fi
}

# A command that hangs must not hang this one.
limit=''
if timeout 5 true >/dev/null 2>&1; then
    limit='timeout 30'
fi

# take_command KIB COMMAND [ARGUMENT...]: at most so much of what it prints
take_command() {
    kib=$1
    shift
    : >"$raw"
    if [ -n "$root" ]; then
        state=absent
        what="$*: no command is run with -r"
    elif ! command -v "$1" >/dev/null 2>&1; then
        state=absent
        what="$1: no such command"
    elif $limit "$@" >"$work/output" 2>"$work/errors" </dev/null; then
        state=ok
        what="$*"
        dd if="$work/output" of="$raw" bs=1024 count="$kib" 2>/dev/null
        cut_off "$kib"
        [ -s "$raw" ] || state=empty
    else
        status=$?
        [ -s "$work/errors" ] || echo "exit status $status" >"$work/errors"
        judge "$*" <"$work/errors"
    fi
}

# Of several sources the first good one counts; else the gap that says most.
forget() {
    worst=absent
    told=''
}

rank() {
    case $1 in
    denied) echo 4 ;;
    failed) echo 3 ;;
    empty) echo 2 ;;
    *) echo 1 ;;
    esac
}

remember() {
    if [ -z "$told" ] || [ "$(rank "$state")" -gt "$(rank "$worst")" ]; then
        worst=$state
        told=$what
    fi
}

recall() {
    state=$worst
    what=$told
}

# store NAME: makes a member of what was taken, or a gap
store() {
    if [ "$state" = ok ]; then
        cat "$raw" >"$members/$1" || fail 73 "cannot write to $work"
        printf '%s\n' "$1" >>"$work/names"
        printf 'ok %s %s\n' "$1" $(($(wc -c <"$members/$1"))) >>"$work/lines"
    else
        gap "$1"
    fi
}

gap() {
    shown=$(printf '%s' "$what" | printable)
    printf '%s %s %s\n' "$state" "$1" "$shown" >>"$work/lines"
    say "$state: $1 ($shown)"
}

first_file() {
    name=$1
    kib=$2
    shift 2
    forget
    for path in "$@"; do
        take_file "$path" "$kib"
        if [ "$state" = ok ]; then
            store "$name"
            return
        fi
        remember
    done
    recall
    store "$name"
}
