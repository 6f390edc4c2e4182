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
refuse_to_overwrite() {
    [ "$output" = - ] || [ ! -e "$output" ] || fail 73 "$output exists already; nothing is overwritten"
}
refuse_to_overwrite

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

# The state of a command or copy that went wrong, by what it complained of in $work/errors: judge WHAT
judge() {
    complaint=$(printable <"$work/errors")
    if printf '%s\n' "$complaint" | grep -E -i -q "$DENIED"; then
        state=denied
    else
        state=failed
    fi
    what="$1: ${complaint:-no reason given}"
}

# A path that is not there, or only not to be seen by this user: judge_missing PATH SHOWN
judge_missing() {
    state=absent
    what=$2
    above=$1
    while [ -n "$above" ] && [ ! -e "$above" ]; do
        case $above in
        */*) above=${above%/*} ;;
        *) above=. ;;
        esac
    done
    above=${above:-/}
    if [ -d "$above" ] && [ ! -x "$above" ]; then
        state=denied
        what="$2: $above cannot be entered"
    fi
}

# take_path PATH SHOWN KIB: at most so much of a file
take_path() {
    : >"$raw"
    what=$2
    if [ -n "$root" ] && [ -h "$1" ]; then
        state=failed
        what="$2: a symbolic link, which is not followed with -r"
    elif [ ! -e "$1" ]; then
        judge_missing "$1" "$2"
    elif [ ! -f "$1" ]; then
        state=failed
        what="$2: no plain file"
    elif [ ! -r "$1" ]; then
        state=denied
    elif dd if="$1" of="$raw" bs=1024 count="$3" 2>"$work/complaints"; then
        took "$3"
    else
        grep -v 'records [io]' "$work/complaints" >"$work/errors"
        judge "$2"
    fi
}

# take_file PATH KIB: the same below the root that is read
take_file() {
    take_path "$root$1" "$1" "$2"
}

# What was taken went well: empty or not, whole or cut.
took() {
    state=ok
    [ -s "$raw" ] || state=empty
    if [ $(($(wc -c <"$raw"))) -ge $(($1 * 1024)) ]; then
        say "cut: $what has more than the $1 KiB that are taken"
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
        what="$*"
        dd if="$work/output" of="$raw" bs=1024 count="$kib" 2>/dev/null
        took "$kib"
    else
        status=$?
        [ -s "$work/errors" ] || echo "exit status $status" >"$work/errors"
        judge "$*"
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

# edit AWK-PROGRAM: passes what was taken through it
edit() {
    [ "$state" = ok ] || return 0
    awk "$1" "$raw" >"$work/edited" && cat "$work/edited" >"$raw"
}

# first_file NAME KIB PATH...: a member of the first file that can be read
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

# first_command NAME KIB COMMAND...: a member of the first command, given as one word, that works
first_command() {
    name=$1
    kib=$2
    shift 2
    forget
    for command in "$@"; do
        # shellcheck disable=SC2086 # a command and its arguments
        take_command "$kib" $command
        [ "$state" != ok ] || return 0
        remember
    done
    recall
}

collect_cpuinfo() {
    take_file /proc/cpuinfo 4096
    # The first block, and how many processors there are.
    edit '
        /^processor[ \t]*:/ { count++ }
        /^[ \t]*$/ { done = 1 }
        !done { print }
        END { print "processors\t: " count + 0 }'
    store proc-cpuinfo
}

# The kernel's log. Its buffer may have lost the boot that another source still has.
collect_dmesg() {
    forget
    rm -f "$work/spare"
    for source in 'dmesg' 'journalctl -k -b -q --no-pager -o cat' /var/log/dmesg; do
        # shellcheck disable=SC2086 # a command and its arguments
        case $source in
        /*) take_file "$source" 4096 ;;
        *) take_command 4096 $source ;;
        esac
        if [ "$state" != ok ]; then
            remember
        elif grep -q 'Linux version' "$raw"; then
            break
        elif [ ! -e "$work/spare" ]; then
            cat "$raw" >"$work/spare"
        fi
    done
    if [ "$state" != ok ] || ! grep -q 'Linux version' "$raw"; then
        recall
        if [ -e "$work/spare" ]; then
            say "cut: the kernel's log has lost its beginning"
            cat "$work/spare" >"$raw"
            state=ok
        fi
    fi
    if [ -n "$anonymous" ]; then
        edit '{ gsub(/[Hh]ostname (set )?to <[^>]*>/, "hostname left out"); print }'
    fi
    store dmesg
}

collect_xl_info() {
    first_command xl-info 256 'xl info' 'xm info'
    if [ -n "$anonymous" ]; then
        edit '!/^host[ \t]*:/'
    fi
    store xl-info
}

collect_lsmod() {
    take_command 1024 lsmod
    if [ "$state" = ok ]; then
        store lsmod
    else
        first_file lsmod 1024 /proc/modules
    fi
}

# line_of KEY PATH: a line `KEY: first words of the file`
line_of() {
    take_file "$2" 4
    if [ "$state" = ok ]; then
        printf '%s: %s\n' "$1" "$(printable <"$raw")" >>"$work/text"
    else
        remember
    fi
}

collect_hypervisor() {
    forget
    : >"$work/text"
    line_of type /sys/hypervisor/type
    if [ ! -s "$work/text" ] && [ -e "$root/proc/xen/capabilities" ]; then
        echo 'type: xen' >>"$work/text" # only Xen has that file
    fi
    line_of guest_type /sys/hypervisor/guest_type
    version=''
    for part in major minor extra; do
        take_file "/sys/hypervisor/version/$part" 4
        if [ "$state" = ok ]; then
            [ "$part" != minor ] || version=$version.
            version=$version$(printable <"$raw")
        fi
    done
    [ -z "$version" ] || printf 'version: %s\n' "$version" >>"$work/text"
    line_of capabilities /sys/hypervisor/properties/capabilities
    line_of features /sys/hypervisor/properties/features
    flags=''
    for path in "$root"/sys/hypervisor/start_flags/*; do
        if [ -f "$path" ] && [ "$(cat "$path" 2>/dev/null)" = 1 ]; then
            flags="$flags ${path##*/}"
        fi
    done
    [ -z "$flags" ] || printf 'start_flags:%s\n' "$flags" >>"$work/text"
    line_of proc_xen_capabilities /proc/xen/capabilities
    recall
    if [ -s "$work/text" ]; then
        [ "$state" = absent ] || [ "$state" = empty ] || gap sys-hypervisor # a part of it
        cat "$work/text" >"$raw"
        state=ok
    fi
    store sys-hypervisor
}

collect_domain() {
    take_path "$domain" "$domain" 256
    # shellcheck disable=SC2016 # the dollars are awk's
    edit '
        skip && /[^ \t]/ { print "# a line with a secret is left out"; skip = 0; next }
        tolower($0) ~ /passw|secret/ {
            print "# a line with a secret is left out"
            skip = /[=\\][ \t]*$/
            next
        }
        { print }'
    store domain-config
}

# What this is: dom0, guest, bare (no hypervisor) or unknown.
host_kind() {
    hypervisor=$members/sys-hypervisor
    cpu=$members/proc-cpuinfo
    if [ -e "$members/xl-info" ] || grep -E -q '^(start_flags:.* initdomain|proc_xen_cap.*control_d)' "$hypervisor"; then
        echo dom0
    elif grep -q '^type: ' "$hypervisor" || grep -q '^flags.* hypervisor' "$cpu"; then
        echo guest
    elif grep -q '^flags' "$cpu"; then
        echo bare
    else
        echo unknown
    fi 2>/dev/null
}

show_images() {
    found=''
    for image in "$root/boot/vmlinuz-$release" "$root/usr/lib/modules/$release/vmlinuz" "$root"/boot/xen*.gz \
        "$root"/boot/efi/EFI/*/xen*.efi; do
        if [ -f "$image" ]; then
            found=yes
            say "an image to send along, if you like: $image"
        fi
    done
    [ -n "$found" ] || say "no kernel image of $release in /boot; if you know where it lies, send it along"
}

if [ -n "$root" ]; then
    release=$(awk '{ print $3; exit }' "$root/proc/version" 2>/dev/null | tr -cd 'A-Za-z0-9._+~-')
    hostname=$(sed -n 1p "$root/etc/hostname" 2>/dev/null)
else
    release=$(uname -r)
    hostname=$(uname -n)
fi

first_file proc-version 4 /proc/version
first_file proc-cmdline 16 /proc/cmdline
collect_cpuinfo
first_file proc-mtrr 64 /proc/mtrr
first_file proc-config.gz 1024 /proc/config.gz
first_file boot-config 2048 "/boot/config-$release" "/usr/lib/modules/$release/config" "/lib/modules/$release/config"
collect_dmesg
first_command xl-dmesg 4096 'xl dmesg' 'xm dmesg'
store xl-dmesg
collect_xl_info
collect_lsmod
take_command 1024 lspci -k
store lspci
first_file pat-memtype-list 1024 /sys/kernel/debug/x86/pat_memtype_list
collect_hypervisor
take_command 4 uname -s -r -v -m
store uname
[ -z "$domain" ] || collect_domain

{
    echo 'patreview.evidence/1'
    echo "host $(host_kind)"
    echo "made-by $PROGRAM $VERSION"
    cat "$work/lines"
} >"$members/MANIFEST" || fail 73 "cannot write to $work"

hostname=$(printf '%s' "$hostname" | tr -cd 'A-Za-z0-9._-' | cut -c 1-64)
[ -z "$anonymous" ] || hostname=''
[ -n "$output" ] || output=patreview-${hostname:+$hostname-}$(date -u +%Y%m%d-%H%M%S).tar.gz

# GNU tar would name the user; others may not know how to leave that out.
owner=''
if [ -n "$anonymous" ] && tar --owner=0 --group=0 -c -f - "$work/names" >/dev/null 2>&1; then
    owner='--owner=0 --group=0'
fi
# shellcheck disable=SC2046,SC2086 # fixed names, and options or none
(cd "$members" && tar $owner -c -f "$work/all.tar" MANIFEST $(cat "$work/names")) || fail 73 "tar cannot write to $work"
gzip -c <"$work/all.tar" >"$work/all.tar.gz" || fail 73 "gzip cannot write to $work"

show_images
if [ "$output" = - ]; then
    cat "$work/all.tar.gz" || fail 73 "cannot write to standard output"
    exit 0
fi
refuse_to_overwrite
cat "$work/all.tar.gz" 2>/dev/null >"$output" || fail 73 "cannot write $output"
say "look before you send: tar xzf $output -O | less"
printf '%s\n' "$output"
