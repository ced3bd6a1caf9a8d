#!/usr/bin/env bash
# Images on disks that go bad while they are served, by `amtgate ider` and by the gateway itself: the machine gets a
# medium error for the blocks that cannot be read and goes on with the others, one sentence says the file and the place,
# and all is well again when they can be read. With device-mapper, or SCSI_DEBUG=yes, some blocks in the middle are bad;
# without, a disk whose backing file is cut ends with them.
. "$(dirname "$0")/lib.sh"
need losetup blockdev python3 curl
lab router
# More than the gateway itself keeps in memory of what it has read.
size=4194304 bad=2097152
samples=2048 # all blocks
[ -z "${SCSI_DEBUG:-}" ] || samples=256 # on an emulated machine
head -c $size /dev/urandom >"$T/content"
cp "$T/content" "$T/backing"
loop=$(losetup -f --show "$T/backing") || skip "no loop device"
CLEAN+=("losetup -d $loop")
mapped=amtgate-bad-$$
if dmsetup create "$mapped" --table "0 $((size / 512)) linear $loop 0" 2>/dev/null; then
  CLEAN=("dmsetup remove --retry $mapped" "${CLEAN[@]}")
  bad_end=$((bad + 65536))
  device=$(readlink -f "/dev/mapper/$mapped")
  table() { dmsetup suspend "$mapped" && dmsetup load "$mapped" && dmsetup resume "$mapped" && blockdev --flushbufs "$device"; }
  break_it() { printf '%s\n' "0 $((bad / 512)) linear $loop 0" "$((bad / 512)) $(((bad_end - bad) / 512)) error" \
    "$((bad_end / 512)) $(((size - bad_end) / 512)) linear $loop $((bad_end / 512))" | table; }
  mend_it() { echo "0 $((size / 512)) linear $loop 0" | table; }
elif [ -n "${SCSI_DEBUG:-}" ]; then
  # A disk that the kernel makes up, and whose own errors are those of a medium.
  knobs=/sys/bus/pseudo/drivers/scsi_debug
  bad_end=$((bad + 65536))
  modprobe sd_mod
  modprobe scsi_debug dev_size_mb=$((size >> 20)) medium_error_start=$((bad / 512)) medium_error_count=$(((bad_end - bad) / 512)) || skip "no scsi_debug"
  within 20 eval 'ls -d $knobs/adapter*/host*/target*/*/block/*'
  device=/dev/$(basename $knobs/adapter*/host*/target*/*/block/*)
  within 10 test -b "$device"
  cat "$T/content" >"$device" || exit 1
  break_it() { echo 2 >$knobs/opts && blockdev --flushbufs "$device"; }
  mend_it() { echo 0 >$knobs/opts && blockdev --flushbufs "$device"; }
else
  bad_end=$size
  device=$loop
  break_it() { truncate -s $bad "$T/backing" && blockdev --flushbufs "$device"; }
  mend_it() { cat "$T/content" >"$T/backing" && blockdev --flushbufs "$device"; }
fi
# One that the daemon's account may open.
disk=$T/disk
mknod -m 644 "$disk" b "$((0x$(stat -c %t "$device")))" "$((0x$(stat -c %T "$device")))" || skip "no device nodes here"
head -c 1 "$disk" >/dev/null 2>&1 || skip "no device nodes in ${T%/*}"
break_it
head -c $size "$disk" >/dev/null 2>&1 && skip "no way to a bad disk here"
mend_it
cmp "$disk" "$T/content" || exit 1

# What the machine's reads of single blocks, evenly spread, come to: all of them; those that are good; how many are not.
read -r whole rest bad_blocks < <(python3 - "$T/content" $samples $bad $bad_end <<'PY'
import hashlib, sys
content, n, bad, bad_end = open(sys.argv[1], "rb").read(), *map(int, sys.argv[2:])
whole, rest, errors = hashlib.sha256(), hashlib.sha256(), 0
for i in range(n):
    at = (len(content) // 2048 - 1) * i // (n - 1) * 2048
    whole.update(content[at:at + 2048])
    if bad <= at < bad_end:
        errors += 1
    else:
        rest.update(content[at:at + 2048])
print(whole.hexdigest(), rest.hexdigest(), errors)
PY
)
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=amt -keyout "$T/k.pem" -out "$T/c.pem" 2>/dev/null
sim pc1 10.71.2.10 --profile 15 --cert "$T/c.pem" --key "$T/k.pem" --ider sample --ider-sample $samples --ider-drives cd --ider-repeat 0
# Since mark(): rounds of every single block, of which all could be read; all but the bad ones, with 3/11/00.
mark() { from=$(wc -l <"$T/pc1.json"); }
rounds() { tail -n +$((from + 1)) "$T/pc1.json" | grep '"event":"ider.result"' | grep -c "$1"; }
good() { [ "$(rounds "\"sample_sha256\":\"$whole\".*\"errors\":0")" -ge "${1:-1}" ]; }
partly() { [ "$(rounds "\"sample_sha256\":\"$rest\".*\"errors\":$bad_blocks,\"error_sense\":\"031100\"")" -ge "${1:-1}" ]; }
place="disk: it cannot be read at byte [0-9]+ \\(Input/output error\\)"
bad_place() { # FILE REGEX: some line says it, and a bad place
  local at
  at=$(grep -oE -- "$2" "$1" | grep -oE 'at byte [0-9]+' | head -n 1 | tr -dc 0-9)
  [ -n "$at" ] && [ "$at" -ge $bad ] && [ "$at" -lt $bad_end ] || { echo "  '$at' is no bad byte of ${1##*/}"; return 1; }
}
from=0

echo "--- amtgate ider"
echo "$password" >"$T/password"
spawn ider client "$BUILD/amtgate" ider -h 10.71.2.10 --state "$T/seen" --password-file "$T/password" --cd "$disk"
ok "a disk as the CD: read in whole" within 40 good
mark
since=$SECONDS
break_it
ok "bad blocks: a medium error for each, all others are read" within 60 partly 2
ok "said, with file and place" bad_place "$T/ider.log" "10.71.2.10: .*$place; the machine is told of an error"
said=$(grep -c 'cannot be read' "$T/ider.log")
ok "and not for each read" eval '[ "$said" -le $(((SECONDS - since) / 10 + 1)) ]'
ok "still there" alive ider
mend_it
mark
ok "mended: read in whole" within 60 good 2
stop ider INT
ok "ends in order" same "$status" 0
break_it
mark
spawn json client "$BUILD/amtgate" ider -h 10.71.2.10 --state "$T/seen" --password-file "$T/password" --cd "$disk" --json
ok "one that was bad before: all others are read" within 60 partly
ok "--json: says so" bad_place "$T/json.log" '"drive":"cd","error":"[^"]*'"$place"'","event":"image"'
stop json INT
ok "ends in order" same "$status" 0
mend_it

echo "--- the gateway itself"
METRICS=127.0.0.1:9623
metric() { on gw curl -s http://127.0.0.1:9623/metrics | sed -n "s/^$1{target=\"pc1\",drive=\"cd\"} //p"; }
mark
gateway <<INI
[target pc1]
address = 10.71.2.10
password = $password
image = $disk
INI
image() { ctl images --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0][sys.argv[1]])' "$1"; }
ok "image = a disk: read in whole" within 60 good
ok "no word of it" same "$(image detail)" ""
ok "no errors in the list" same "$(image read_errors)" 0
ok "nor in the metrics" same "$(metric amtgate_image_read_errors_total)" 0
ok "as many commands as the machine gave" eval '[ "$(image reads)" -ge $samples ]'
mark
break_it
ok "bad blocks: a medium error for each, all others are read" within 90 partly 2
image detail >"$T/detail"
ok "the list says file and place" bad_place "$T/detail" "^$T/$place; the machine gets errors"
ok "it is attached" same "$(image state)" attached
ok "and how often" eval '[ "$(image read_errors)" -ge $((2 * bad_blocks)) ]'
ok "the log too" bad_place "$T/gateway.log" "image.read_failed target=pc1 block=[0-9]+ why=\".*$place"
ok "without a line for each" eval '[ "$(grep -c image.read_failed "$T/gateway.log")" -lt $((2 * bad_blocks)) ]'
ok "metrics: errors" eval '[ "$(metric amtgate_image_read_errors_total)" -ge $((2 * bad_blocks)) ]'
bytes=$(metric amtgate_image_read_bytes_total) reads=$(metric amtgate_image_reads_total)
ok "metrics: bytes and reads" eval '[ "$bytes" -gt $((3 * 2048 * (samples - bad_blocks))) ] && [ "$reads" -ge $((3 * (samples - bad_blocks))) ]'
mark
mend_it
ok "mended: read in whole" within 90 good 2
ok "the list says nothing any more" within 20 eval '[ -z "$(image detail)" ]'
ctl images detach pc1
ok "detached: the metrics go on" eval '[ "$(metric amtgate_image_read_bytes_total)" -ge "$bytes" ]'
mark
ok "attached by command" ctl images attach pc1 --cd "$disk"
ok "read in whole" within 60 good
stop gateway
ok "the daemon ends in order" same "$status" 0
