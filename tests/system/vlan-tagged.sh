#!/usr/bin/env bash
# vlan-bridge with real 802.1Q sub-interfaces. This kernel may not have them: VM_RUN=PROGRAM runs `PROGRAM -d FOLDER -p
# PACKAGES -- COMMAND` in a machine whose kernel has, with FOLDER at /mnt/share.
# LIMIT=400
. "$(dirname "$0")/lib.sh"
[ -n "${VM_RUN:-}" ] || skip "no VM_RUN to start a kernel with 802.1Q"
checks=1
mkdir -p "$T/share/build" "$T/share/scripts" && cp -r tests scripts "$T/share/" || exit 1
for p in amtgated amtgate amtgate-rules amtgate-sim; do cp "$BUILD/$p" "$T/share/build/" && strip "$T/share/build/$p"; done
packages="iproute2 iptables python3 socat openssl procps $(for p in "$T"/share/build/amtgate*; do ldd "$p"; done | awk '$3 ~ /^\// { print $3 }' | sort -u |
  while read -r l; do dpkg-query -S "$(realpath "$l")" 2>/dev/null; done | cut -d: -f1 | sort -u | tr '\n' ' ')"
"$VM_RUN" -t 360 -d "$T/share" -w -p "$packages" -- 'modprobe 8021q; cd /mnt/share && SLOW=10 VARIANT=vlan-tagged BUILD=build bash tests/system/vlan-bridge.sh' || failures=1
