#!/usr/bin/env bash
# amtgate ider with disks: 1 GiB, a hybrid ISO as a removable disk, one on a read-only mount; and what the machine reads
# of UDF and FAT is called by its name.
. "$(dirname "$0")/lib.sh"
need genisoimage xorriso python3 mkfs.fat mcopy
lab router
echo "$password" >"$T/password"
sum() { sha256sum "$1" | cut -d' ' -f1; }
last() { json_event "$T/$1.json" ider.result "$2"; }
done_n() { [ "$(grep -c '"event":"ider.result"' "$T/$1.json")" -ge "$2" ]; }
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=amt -keyout "$T/k.pem" -out "$T/c.pem" 2>/dev/null
machine=
fresh() { [ -z "$machine" ] || stop "$machine"; machine=$1; shift; sim "$machine" 10.71.2.10 --profile 15 --cert "$T/c.pem" --key "$T/k.pem" "$@"; }
serve() { : >"$T/ider.log"; spawn ider client "$BUILD/amtgate" ider -h 10.71.2.10 --state "$T/seen" --password-file "$T/password" "$@"; }

# --- 1 GiB, with a file system
mkdir -p "$T/tree/a folder"
head -c 60000000 /dev/urandom >"$T/tree/a folder/a long name, of a large file.bin"
truncate -s 1G "$T/disk.img"
mkfs.fat -F 32 "$T/disk.img" >/dev/null
mcopy -i "$T/disk.img" -s "$T"/tree/* ::
head -c 1000000 /dev/urandom | dd of="$T/disk.img" bs=4096 seek=261800 conv=notrunc status=none # near its end
cp --sparse=always "$T/disk.img" "$T/disk.before"
fresh disk --ider-drives floppy --ider sample --ider-sample 1000 --ider-writes 50 --ider-probe bios,linux,windows
serve --floppy "$T/disk.img" --write
ok "1 GiB: read, and 50 writes" within 60 done_n disk 1
ok "1 GiB: as many blocks, no error" same "$(last disk 'e["blocks"], e["writes"], e["write_wrong"], e["errors"]')" "(2097152, 50, 0, 0)"
ok "1 GiB: right" same "$(last disk 'e["sample_sha256"]')" "$(sample "$T/disk.before" 512 1000)"
stop ider INT
truncate -s 70M "$T/fat.img"
mkfs.fat -F 32 "$T/fat.img" >/dev/null
mcopy -i "$T/fat.img" -s "$T"/tree/* ::
fresh fat --ider-drives floppy --ider read --ider-random 0 --ider-repeat 0 --slow-reader 40000000
serve --floppy "$T/fat.img" --json
ok "FAT: the file that is read, and how far" within 60 has "$T/ider.log" '"file":"/a folder/a long name, of a large file.bin","file_percent":[0-9]+'
stop ider INT

# --- a hybrid ISO as a removable disk
truncate -s 2880K "$T/efi.img"
mkfs.fat "$T/efi.img" >/dev/null
mcopy -i "$T/efi.img" "$T/password" ::startup.nsh
head -c 4096 /dev/urandom >"$T/tree/eltorito.img"
xorriso -as mkisofs -quiet -R -J -o "$T/hybrid.iso" -b eltorito.img -no-emul-boot -boot-load-size 4 \
  -append_partition 2 0xef "$T/efi.img" -partition_offset 16 "$T/tree" >"$T/xorriso.log" 2>&1
fresh hybrid --ider-drives floppy --ider-random 500 --ider-probe bios,linux,windows --ider-sha256-floppy "$(sum "$T/hybrid.iso")"
serve --floppy "$T/hybrid.iso"
ok "a hybrid as a disk: read in whole" within 60 done_n hybrid 1
ok "a hybrid as a disk: right" same "$(last hybrid 'e["match"], e["random_wrong"], e["errors"]')" "(True, 0, 0)"
ok "a hybrid as a disk: in blocks of 512" same "$(last hybrid 'e["block_size"], e["blocks"]')" "(512, $(($(stat -c %s "$T/hybrid.iso") / 512)))"
stop ider INT

# --- UDF of more than 4 GiB, one file of which is itself larger
mkdir "$T/udf"
truncate -s 4500M "$T/udf/install.wim" # holes
head -c 30000000 /dev/urandom >"$T/udf/boot.wim"
genisoimage -quiet -udf -allow-limited-size -o "$T/udf.iso" "$T/udf" 2>"$T/udf.log"
if [ "$(stat -c %s "$T/udf.iso" 2>/dev/null || echo 0)" -gt $((4500 << 20)) ]; then
  fallocate --dig-holes "$T/udf.iso"
  fresh udf --ider-drives cd --ider sample --ider-sample 4000 --ider-repeat 0
  serve --cd "$T/udf.iso" --json
  ok "UDF: sampled" within 60 done_n udf 1
  ok "UDF: right" same "$(last udf 'e["sample_sha256"]')" "$(sample "$T/udf.iso" 2048 4000)"
  ok "UDF: as many blocks" same "$(last udf 'e["blocks"], e["errors"]')" "($(($(stat -c %s "$T/udf.iso") / 2048)), 0)"
  ok "UDF: the file that is read, and how far, of 4.5 GiB" within 40 has "$T/ider.log" '"file":"/install.wim","file_percent":[0-9]+'
  stop ider INT
else
  ok "genisoimage makes UDF of 4.5 GiB" false
fi
rm -rf "$T/udf" "$T/udf.iso"

# --- on a read-only mount
mkdir "$T/mount"
head -c 1474560 /dev/urandom >"$T/floppy.img"
if mount -t tmpfs none "$T/mount" 2>/dev/null; then
  CLEAN+=("umount $T/mount")
  cp "$T/floppy.img" "$T/mount/"
  mount -o remount,ro "$T/mount"
  code() { on client "$BUILD/amtgate" ider -h 10.71.2.10 --state "$T/seen" --password-file "$T/password" "$@" >"$T/code.log" 2>&1; same $? 2; }
  ok "read-only, with --write: refused" code --floppy "$T/mount/floppy.img" --write
  ok "in clear words" has "$T/code.log" 'mount/floppy.img: Read-only file system'
  ok "and what to do" has "$T/code.log" '--overlay'
  fresh ro --ider sample --ider-drives floppy --ider-writes 20
  serve --floppy "$T/mount/floppy.img" --overlay "$T/overlay"
  ok "with --overlay elsewhere: written" within 40 done_n ro 1
  ok "each reads again as written" same "$(last ro 'e["writes"], e["write_wrong"], e["errors"]')" "(20, 0, 0)"
  stop ider INT
  fresh ro2 --ider read --ider-drives floppy --ider-sha256-floppy "$(sum "$T/floppy.img")"
  serve --floppy "$T/mount/floppy.img"
  ok "without --write: read in whole" within 40 done_n ro2 1
  ok "right" same "$(last ro2 'e["match"]')" True
  stop ider INT
else
  echo "no mounts here: read-only ones not looked at"
fi
