#!/usr/bin/env bash
# A disc in a CD drive of the gateway's host: served by `amtgate ider` and by the gateway itself as an image file is, and a
# drive without a disc is said to be one. The drive is one that the kernel makes up (scsi_debug), which this one may not:
# VM_RUN=PROGRAM runs it in a machine whose kernel does (see _vm.sh).
# LIMIT=700
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/_vm.sh"
if [ -z "${SCSI_DEBUG:-}" ]; then
  [ -n "${VM_RUN:-}" ] || skip "no VM_RUN to start a kernel with scsi_debug"
  checks=1
  VM_LIMIT=600
  in_vm 'dmesg -n 1; cd /mnt/share && SCSI_DEBUG=yes BUILD=build bash tests/system/cd-drive.sh' || failures=1
  exit
fi
need python3
lab router
size=4194304
head -c $size /dev/urandom >"$T/content"
want=$(sha256sum <"$T/content")
want=${want%% *}

# What is written to a disk of the same made-up adapter is then on the disc of a drive.
knobs=/sys/bus/pseudo/drivers/scsi_debug
modprobe -a sd_mod sr_mod && modprobe scsi_debug ptype=0 sector_size=2048 dev_size_mb=$((size >> 20)) removable=1 || skip "no scsi_debug"
first() { compgen -G "$1" | head -n 1; }
within 20 eval '[ -n "$(first "$knobs/adapter0/host*/target*/*/block/sd*")" ]' || skip "no disk of scsi_debug"
disk=/dev/$(basename "$(first "$knobs/adapter0/host*/target*/*/block/sd*")")
within 10 test -b "$disk"
cat "$T/content" >"$disk" && blockdev --flushbufs "$disk" || exit 1
echo 5 >$knobs/ptype && echo 1 >$knobs/add_host
within 20 eval '[ -n "$(first "$knobs/adapter1/host*/target*/*/block/sr*")" ]' || skip "no drive of scsi_debug"
node=/dev/$(basename "$(first "$knobs/adapter1/host*/target*/*/block/sr*")")
within 10 test -b "$node"
# One that the daemon's account may open.
mknod -m 644 "$T/drive" b "$((0x$(stat -c %t "$node")))" "$((0x$(stat -c %T "$node")))" || skip "no device nodes here"
tray() { # out|in
  python3 - "$T/drive" "$1" <<'PY'
import fcntl, os, sys
drive = os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK)
fcntl.ioctl(drive, {"out": 0x5309, "in": 0x5319}[sys.argv[2]])  # CDROMEJECT, CDROMCLOSETRAY
PY
}

sim pc1 10.71.2.10 --profile 15 --tls no --ider read --ider-drives cd --ider-repeat 0
mark() { from=$(wc -l <"$T/pc1.json"); }
whole() { tail -n +$((from + 1)) "$T/pc1.json" | grep -q "\"event\":\"ider.result\".*\"bytes\":$size.*\"sha256\":\"$want\".*\"errors\":0"; }
from=0
echo "$password" >"$T/password"
spawn ider client "$BUILD/amtgate" ider -h 10.71.2.10 --plain --state "$T/seen" --password-file "$T/password" --cd "$T/drive"
ok "amtgate ider: the disc is read in whole" within 60 whole
stop ider INT
ok "and it ends in order" same "$status" 0
mark
gateway <<INI
[target pc1]
address = 10.71.2.10
password = $password
image = $T/drive
tls = no
INI
ok "image = the drive: the disc is read in whole" within 90 whole
ok "detached" ctl images detach pc1
within 20 eval '[ "$(ctl images --json)" = "[]" ]'
tray out
ok "the tray is out: refused" eval '! ctl images attach pc1 --cd "$T/drive" >"$T/attach.log" 2>&1'
ok "in words" grep -q "$T/drive: no disc in the drive" "$T/attach.log" || cat "$T/attach.log"
tray in
mark
ok "the tray is in: taken" ctl images attach pc1 --cd "$T/drive"
ok "and read in whole" within 90 whole
stop gateway
ok "the daemon ends in order" same "$status" 0
