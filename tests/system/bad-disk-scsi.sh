#!/usr/bin/env bash
# bad-disk.sh with a SCSI disk that reports medium errors itself, of a kernel that makes one up (scsi_debug). This one may
# not: VM_RUN=PROGRAM runs it in a machine whose kernel does (see _vm.sh).
# LIMIT=1300
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/_vm.sh"
[ -n "${VM_RUN:-}" ] || skip "no VM_RUN to start a kernel with scsi_debug"
checks=1
VM_LIMIT=1200
in_vm 'dmesg -n 1; modprobe loop; cd /mnt/share && SCSI_DEBUG=yes BUILD=build bash tests/system/bad-disk.sh' || failures=1
