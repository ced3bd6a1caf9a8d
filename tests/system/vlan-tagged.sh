#!/usr/bin/env bash
# vlan-bridge.sh with real 802.1Q sub-interfaces. This kernel may not have them: VM_RUN=PROGRAM runs it in a machine whose kernel
# has (see _vm.sh).
# LIMIT=800
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/_vm.sh"
[ -n "${VM_RUN:-}" ] || skip "no VM_RUN to start a kernel with 802.1Q"
checks=1
in_vm 'modprobe 8021q; cd /mnt/share && VARIANT=vlan-tagged BUILD=build bash tests/system/vlan-bridge.sh' || failures=1
