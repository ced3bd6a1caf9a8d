#!/usr/bin/env bash
# amtgate ider with real images: ISO 9660, a hybrid one, UDF of more than 4 GiB, floppies and disks; read in whole, at
# random, over resets, slow and broken links; written through and into an overlay; truncated and changed while served;
# by the name of a target, and back after a lost session.
. "$(dirname "$0")/lib.sh"
need genisoimage xorriso python3
lab router
echo "$password" >"$T/password"
sum() { sha256sum "$1" | cut -d' ' -f1; }
last() { json_event "$T/$1.json" ider.result "$2"; } # NAME EXPRESSION: of the last result
results() { grep -c '"event":"ider.result"' "$T/$1.json" 2>/dev/null; }
done_n() { [ "$(results "$1")" -ge "$2" ]; }
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=amt -keyout "$T/k.pem" -out "$T/c.pem" 2>/dev/null
machine=
fresh() { # NAME ADDRESS SIM-OPTION...: a machine of this check alone, always the same to who remembers certificates
  [ -z "$machine" ] || stop "$machine"
  machine=$1
  sim "$@" --cert "$T/c.pem" --key "$T/k.pem"
}
serve() { # ARGS: amtgate ider on host client
  : >"$T/ider.log"
  spawn ider client "$BUILD/amtgate" ider -h 10.71.2.10 --state "$T/seen" --password-file "$T/password" "$@"
}

# --- images
mkdir -p "$T/tree/boot/grub" "$T/tree/a folder"
head -c 3000000 /dev/urandom >"$T/tree/boot/the kernel"
head -c 700000 /dev/urandom >"$T/tree/a folder/file with a long name.bin"
head -c 4096 /dev/urandom >"$T/tree/boot/grub/eltorito.img"
genisoimage -quiet -J -R -V TEST -b boot/grub/eltorito.img -no-emul-boot -boot-load-size 4 -c boot/boot.cat -o "$T/cd.iso" "$T/tree"
head -c 1474560 /dev/urandom >"$T/efi.img"
xorriso -as mkisofs -quiet -R -J -o "$T/hybrid.iso" -b boot/grub/eltorito.img -no-emul-boot -boot-load-size 4 \
  -append_partition 2 0xef "$T/efi.img" -partition_offset 16 "$T/tree" >"$T/xorriso.log" 2>&1
genisoimage -quiet -udf -J -R -V BIG -o "$T/dvd.iso" "$T/tree"
truncate -s 5G "$T/dvd.iso" # holes, and something at its very end
head -c 2048 /dev/urandom | dd of="$T/dvd.iso" bs=2048 seek=$((5 * 1024 * 512 - 1)) conv=notrunc status=none
head -c 1474560 /dev/urandom >"$T/floppy.img"

# --- whole media, probes of BIOS, Linux and Windows
for iso in cd hybrid; do
  fresh $iso 10.71.2.10 --profile 15 --ider-sha256 "$(sum "$T/$iso.iso")" --ider-sha256-floppy "$(sum "$T/floppy.img")" --ider-random 500 --ider-probe bios,linux,windows
  serve --cd "$T/$iso.iso" --floppy "$T/floppy.img"
  ok "$iso.iso and a floppy: both read in whole" within 40 done_n $iso 2
  ok "$iso.iso: SHA-256 of both" gives 2 grep -c '"match":true' "$T/$iso.json"
  ok "$iso.iso: no read failed, none differed" gives 2 grep -c '"random_reads":500,"random_wrong":0.*"errors":0,' "$T/$iso.json"
  stop ider INT
  ok "$iso.iso: ends in order" same "$status" 0
done
answer() { # NAME DRIVE COMMAND: sense and bytes of the probe
  python3 - "$T/$1.json" "$2" "$3" <<'PY'
import json, sys
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e.get("event") == "ider.answer" and e["drive"] == sys.argv[2] and e["command"] == sys.argv[3]:
        print(e["sense"], e["data"][:16])
        break
PY
}
ok "a CD: GET CONFIGURATION says CD-ROM" same "$(answer cd cd 'get configuration')" "000000 0000003c00000008"
ok "a CD: no DVD structure, incompatible medium" same "$(answer cd cd 'read dvd structure')" "053002 "
ok "a CD: event status" same "$(answer cd cd 'get event status')" "000000 0006041002020000"
ok "a floppy: READ CAPACITY(16)" same "$(answer cd floppy 'read capacity 16')" "000000 0000000000000b3f"
ok "a floppy: write-protected" same "$(answer cd floppy 'mode sense 6, all pages')" "000000 00008000"
ok "no vital product data: illegal field" same "$(answer cd cd 'inquiry, supported pages')" "052400 "

# --- a DVD of 5 GiB
fresh dvd 10.71.2.10 --profile 15 --ider sample --ider-sample 400 --ider-drives cd
serve --cd "$T/dvd.iso"
ok "5 GiB: sampled to the last block" within 40 done_n dvd 1
ok "5 GiB: right" same "$(last dvd 'e["sample_sha256"]')" "$(sample "$T/dvd.iso" 2048 400)"
ok "5 GiB: as many blocks" same "$(last dvd 'e["blocks"]')" $((5 * 1024 * 512))
stop ider INT
fresh dvdprobe 10.71.2.10 --profile 15 --ider probe --ider-drives cd,floppy --ider-probe bios,linux,windows
serve --cd "$T/dvd.iso"
ok "5 GiB: probed, the floppy drive is empty" within 40 done_n dvdprobe 2
ok "5 GiB: GET CONFIGURATION says DVD-ROM" same "$(answer dvdprobe cd 'get configuration')" "000000 0000004400000010"
ok "5 GiB: DVD structure" same "$(answer dvdprobe cd 'read dvd structure')" "000000 08020000010f0100"
ok "an empty floppy drive is not ready, in few commands" same "$(last dvdprobe 'str(e["ready"]) + str(e["errors"] + (e["commands"] > 25))')" False0
stop ider INT
fresh blank 10.71.2.10 --profile 15 --ider-drives floppy
serve --cd "$T/cd.iso" --blank-floppy
ok "a blank floppy instead" within 40 done_n blank 1
ok "is one of 1.44 MB" same "$(last blank 'e["blocks"], e["errors"]')" "(2880, 0)"
stop ider INT

# --- larger removable disks
for blocks in 246528 469504; do
  truncate -s $((blocks * 512)) "$T/disk.img"
  head -c 1000000 /dev/urandom | dd of="$T/disk.img" bs=1000 seek=70000 conv=notrunc status=none
  fresh disk$blocks 10.71.2.10 --profile 15 --ider-drives floppy --ider sample --ider-sample 300 --ider-writes 50
  cp --sparse=always "$T/disk.img" "$T/disk.before"
  serve --floppy "$T/disk.img" --write
  ok "a disk of $blocks blocks" within 40 done_n disk$blocks 1
  ok "a disk of $blocks blocks: read, and 50 writes" same "$(last disk$blocks 'e["blocks"], e["writes"], e["write_wrong"], e["errors"]')" "($blocks, 50, 0, 0)"
  ok "a disk of $blocks blocks: right" same "$(last disk$blocks 'e["sample_sha256"]')" "$(sample "$T/disk.before" 512 300)"
  stop ider INT
done

# --- writes
cp "$T/floppy.img" "$T/through.img"
fresh protected 10.71.2.10 --ider sample --ider-drives floppy --ider-writes 5
serve --floppy "$T/through.img"
ok "without --write: protected, WRITE refused with 7/27/00" within 40 done_n protected 1
ok "and says so" same "$(last protected 'e["protected"], e["writes"], e["errors"]')" "(True, 0, 0)"
stop ider INT
ok "the image is as it was" cmp "$T/floppy.img" "$T/through.img"
fresh through 10.71.2.10 --ider sample --ider-drives floppy --ider-writes 100 --ider-resets 6
serve --floppy "$T/through.img" --write
ok "--write: 100 writes" within 40 done_n through 1
ok "--write: each reads again as written, over resets of the bus" same "$(last through 'e["writes"], e["write_wrong"], e["errors"], e["resets"]')" "(100, 0, 0, 6)"
code() { on client "$BUILD/amtgate" ider -h 10.71.2.10 --state "$T/seen" --password-file "$T/password" "$@" >"$T/code.log" 2>&1; same $? "$want_code"; }
want_code=2; ok "a second --write of the same image is refused" code --floppy "$T/through.img" --write
ok "in clear words" has "$T/code.log" 'through.img: somebody else writes it'
stop ider INT
ok "--write: the image has changed" not cmp -s "$T/floppy.img" "$T/through.img"
ok "--write: says how much was written" has "$T/ider.log" 'MB written'
fresh after 10.71.2.10 --ider read --ider-drives floppy --ider-sha256-floppy "$(sum "$T/through.img")"
serve --floppy "$T/through.img"
ok "--write: the next session reads what the file holds" within 40 done_n after 1
ok "--write: SHA-256" same "$(last after 'e["match"]')" True
stop ider INT
fresh overlay 10.71.2.10 --ider sample --ider-drives floppy --ider-writes 40
serve --floppy "$T/floppy.img" --overlay "$T/overlay"
ok "--overlay: 40 writes" within 40 done_n overlay 1
ok "--overlay: each reads again as written" same "$(last overlay 'e["writes"], e["write_wrong"], e["errors"]')" "(40, 0, 0)"
stop ider INT
python3 - "$T/floppy.img" "$T/overlay" "$T/merged.img" <<'PY' # as the manual has the format
import sys
image, overlay = bytearray(open(sys.argv[1], "rb").read()), open(sys.argv[2], "rb").read()
assert overlay[:8] == b"AMTGOVL1"
size, blocks = int.from_bytes(overlay[8:12], "little"), int.from_bytes(overlay[12:16], "little")
start = 4096 + ((blocks + 7) // 8 + 4095) // 4096 * 4096
for b in range(blocks):
    if overlay[4096 + b // 8] >> b % 8 & 1:
        image[b * size:(b + 1) * size] = overlay[start + b * size:start + (b + 1) * size]
open(sys.argv[3], "wb").write(image)
PY
ok "--overlay: the image is as it was" not cmp -s "$T/floppy.img" "$T/merged.img"
fresh overlay2 10.71.2.10 --ider read --ider-drives floppy --ider-sha256-floppy "$(sum "$T/merged.img")"
serve --floppy "$T/floppy.img" --overlay "$T/overlay"
ok "--overlay: kept from run to run" within 40 done_n overlay2 1
ok "--overlay: SHA-256 of both together" same "$(last overlay2 'e["match"]')" True
stop ider INT
want_code=2; ok "an overlay of another image is refused" code --floppy "$T/through.img" --overlay "$T/overlay"
ok "in clear words" has "$T/code.log" 'overlay: the overlay belongs to another image'
want_code=2; ok "a file that is no overlay is refused" code --floppy "$T/through.img" --overlay "$T/cd.iso"
ok "in clear words" has "$T/code.log" 'cd.iso: it is not an overlay'
head -c 9000 "$T/overlay" >"$T/cut"
want_code=2; ok "an overlay that is cut short is refused" code --floppy "$T/floppy.img" --overlay "$T/cut"
ok "in clear words" has "$T/code.log" 'cut: the overlay is cut short'
want_code=2; ok "--write without a floppy" code --cd "$T/cd.iso" --write

# --- resets, slow and broken links
fresh resets 10.71.2.10 --profile 16.1 --ider-sha256 "$(sum "$T/cd.iso")" --ider-drives cd --ider-resets 8 --ider-repeat 2
serve --cd "$T/cd.iso" --json
ok "resets in mid-transfer: read in whole twice" within 40 done_n resets 2
ok "resets in mid-transfer: right" gives 2 grep -c '"match":true' "$T/resets.json"
ok "resets in mid-transfer: eight" gives 8 grep -c '"event":"ider.reset"' "$T/resets.json"
ok "--json: says reset" has "$T/ider.log" '^\{"event":"reset","target":"10.71.2.10"\}'
stop ider INT
ok "--json: the end" has "$T/ider.log" '^\{"commands":[0-9]+,"event":"end","read_bytes":[0-9]+'
fresh slow 10.71.2.10 --profile 15 --ider-sha256-floppy "$(sum "$T/floppy.img")" --ider-drives floppy --ider-random 0 --slow-reader 500000 --one-byte
serve --floppy "$T/floppy.img"
ok "500 kB a second, commands byte by byte: read in whole" within 60 done_n slow 1
ok "500 kB a second, commands byte by byte: right" same "$(last slow 'e["match"]')" True
stop ider INT
fresh broken 10.71.2.10 --profile 15 --ider-sha256 "$(sum "$T/cd.iso")" --ider-drives cd --fault stream:reset:1000:2
serve --cd "$T/cd.iso"
ok "the link breaks twice: read in whole in the end" within 40 has "$T/broken.json" '"match":true'
ok "says that it was lost and when it tries again" gives 2 grep -c 'trying again in 1 s' "$T/ider.log"
ok "says that the drives are attached again" gives 2 grep -c 'attached again' "$T/ider.log"
stop ider INT
ok "and ends in order" same "$status" 0
fresh once 10.71.2.10 --profile 15 --ider-drives cd --fault stream:reset:1000:1
want_code=1; ok "--once: ends with the session, exit 1" code --cd "$T/cd.iso" --once
fresh away 10.71.2.10 --profile 15 --ider idle
serve --cd "$T/cd.iso"
ok "attached" within 20 has "$T/ider.log" 'the drives are attached'
stop away KILL
ok "the machine goes away: lost" within 20 has "$T/ider.log" 'trying again'
fresh back 10.71.2.10 --profile 15 --ider-sha256 "$(sum "$T/cd.iso")" --ider-drives cd
ok "it comes back: attached again, read in whole" within 40 has "$T/back.json" '"match":true'
stop ider INT
ok "exit 0" same "$status" 0

# --- when the machine sees the drives
for word in now:25 graceful:17 reboot:9; do
  fresh "start-${word%:*}" 10.71.2.10 --profile 15 --ider idle
  serve --cd "$T/cd.iso" --start "${word%:*}"
  ok "--start ${word%:*}" within 20 has "$T/$machine.json" "\"ider.features\",.*\"value\":${word#*:},\"enabled\":true"
  stop ider INT
done
ok "--start reboot: says when" has "$T/ider.log" 'the drives are there after the next boot'

# --- images that fail
cp "$T/cd.iso" "$T/shrinks.iso"
fresh shrinks 10.71.2.10 --profile 15 --ider sequential --ider-drives cd --ider-repeat 0
serve --cd "$T/shrinks.iso"
ok "served" within 20 done_n shrinks 1
truncate -s 1M "$T/shrinks.iso"
ok "truncated: said" within 20 has "$T/ider.log" 'shrinks.iso: it has become shorter'
ok "truncated: the machine hears of errors" within 20 eval '[ "$(last shrinks "e[\"errors\"]")" = 1 ]'
ok "truncated: still there" alive ider
stop ider INT
ok "truncated: said once" gives 1 grep -c 'it has become shorter' "$T/ider.log"
ok "and ends in order" same "$status" 0
cp "$T/cd.iso" "$T/changes.iso"
fresh changes 10.71.2.10 --profile 15 --ider-drives cd --ider-repeat 0
serve --cd "$T/changes.iso"
ok "served" within 20 done_n changes 1
printf x | dd of="$T/changes.iso" bs=1 seek=100000 conv=notrunc status=none
ok "changed: said" within 20 has "$T/ider.log" 'changes.iso: it was changed while it is served'
n=$(results changes)
ok "changed: goes on" within 20 done_n changes $((n + 2))
stop ider INT
: >"$T/empty.iso"
want_code=2; ok "an empty image is refused" code --cd "$T/empty.iso"
want_code=2; ok "a folder is refused" code --cd "$T/tree"

# --- names: of targets, and of what is read
configure <<INI
[target pc1]
address = 10.71.2.10
password = $password
tls = yes
INI
fresh named 10.71.2.10 --profile 15 --ider read --ider-drives cd --ider-sha256 "$(sum "$T/cd.iso")" --ider-repeat 0 --ider-random 0
: >"$T/ider.log"
spawn ider gw "$BUILD/amtgate" -c "$T/amtgate.conf" ider pc1 --cd "$T/cd.iso" --json
ok "a target by its name" within 20 has "$T/named.json" '"match":true'
ok "names the file that is read" within 20 has "$T/ider.log" '"file":"/(boot/the kernel|a folder/file with a long name.bin)"'
ok "remembers the machine's certificate where the daemon does" within 5 test -s "$T/state/known_certificates"
stop ider INT
ok "exit 0" same "$status" 0
fresh terminal 10.71.2.10 --profile 15 --ider read --ider-drives cd --ider-repeat 0 --ider-random 0
on gw script -qefc "timeout -s INT 4 $BUILD/amtgate -c $T/amtgate.conf ider pc1 --cd $T/cd.iso" /dev/null >"$T/terminal.log" 2>&1 </dev/null
ok "on a terminal: how much, how fast, how long and what" has "$T/terminal.log" 'pc1: [0-9.]+ MB read, [0-9.]+ MB/s, [0-9]+s, cd /(boot/the kernel|a folder/file with a).*[0-9]+%'
ok "on a terminal: Ctrl-C ends in order" within 5 has "$T/terminal.json" 'client ended the session'
ok "on a terminal: what it came to" has "$T/terminal.log" 'pc1: [0-9.]+ MB served in [0-9]+ s, [0-9]+ commands'
conf() { on gw "$BUILD/amtgate" -c "$T/amtgate.conf" ider "$@" >"$T/code.log" 2>&1; same $? "$want_code"; }
want_code=2; ok "no such target: exit 2" conf nobody --cd "$T/cd.iso"
ok "and says what to do" has "$T/code.log" "nobody.*-h"
want_code=2; ok "a target, and how to log in" conf pc1 --plain --cd "$T/cd.iso"
