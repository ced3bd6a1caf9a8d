#!/usr/bin/env bash
# bad-disk.sh on a kernel that has device-mapper, so that blocks in the middle go bad, and a CD drive that is one by its
# commands. This one may not: VM_RUN=PROGRAM runs it in a machine whose kernel has (see _vm.sh).
# LIMIT=700
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/_vm.sh"
[ -n "${VM_RUN:-}" ] || skip "no VM_RUN to start a kernel with device-mapper"
checks=1
VM_PACKAGES=dmsetup
in_vm 'modprobe -a loop dm_mod; cd /mnt/share && BUILD=build bash tests/system/bad-disk.sh' || failures=1
