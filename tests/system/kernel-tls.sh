#!/usr/bin/env bash
# splice.sh on a kernel that has TLS. This one may not: VM_RUN=PROGRAM runs it in a machine whose kernel has (see _vm.sh).
# LIMIT=800
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/_vm.sh"
[ -n "${VM_RUN:-}" ] || skip "no VM_RUN to start a kernel with TLS"
checks=1
in_vm 'modprobe tls; cd /mnt/share && KERNEL_TLS=yes BUILD=build bash tests/system/splice.sh' || failures=1
