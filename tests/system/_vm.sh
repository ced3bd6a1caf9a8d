# Sourced by tests that need another kernel. VM_RUN=PROGRAM runs `PROGRAM -t SECONDS -d FOLDER -w -p PACKAGES -- COMMAND` in a machine
# that has it, with FOLDER at /mnt/share and PACKAGES installed.
#
#   in_vm 'COMMAND'       runs it there, with the programs in /mnt/share/build and the tests beside them. It is
#                         emulated: SLOW=10 makes lib.sh patient. VM_LIMIT: seconds, 360 if not set
in_vm() {
  local p packages
  mkdir -p "$T/share/build" "$T/share/scripts" && cp -r tests scripts "$T/share/" || return 1
  for p in amtgated amtgate amtgate-rules amtgate-sim; do
    cp "$BUILD/$p" "$T/share/build/" && strip "$T/share/build/$p" || return 1
  done
  packages="iproute2 iptables python3 socat curl openssl procps $(
    for p in "$T"/share/build/amtgate*; do ldd "$p"; done | awk '$3 ~ /^\// { print $3 }' | sort -u |
      while read -r l; do dpkg-query -S "$(realpath "$l")" 2>/dev/null; done | cut -d: -f1 | sort -u | tr '\n' ' ')"
  "$VM_RUN" -t "${VM_LIMIT:-360}" -d "$T/share" -w -p "$packages" -- "export SLOW=10; $1"
}
