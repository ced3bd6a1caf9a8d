#!/usr/bin/env bash
# setupbin make, show, edit: what is written and read, secrets, images of sticks as mtools and fsck.fat see them, and files
# from and for the module of the npm package meshcentral.
. "$(dirname "$0")/lib.sh"
need mcopy fsck.fat python3
A=$BUILD/amtgate
export MTOOLS_SKIP_CHECK=1
unset AMT_NEW_PASSWORD AMT_PASSWORD
code() { # WANTED ARGUMENTS of amtgate setupbin
  local want=$1
  shift
  "$A" setupbin "$@" >"$T/out" 2>"$T/err" </dev/null
  same $? "$want" || { cat "$T/err"; return 1; }
}
put() { printf '%s\n' "$2" >"$T/$1"; }
value() { "$A" setupbin show --json --show-passwords "$1" 2>/dev/null | python3 -c '
import json, sys
f = json.load(sys.stdin)
r = f["records"][int(sys.argv[2]) - 1]
print(*[v["value"] for v in r["variables"] if v["name"] == sys.argv[1]])' "$2" "${3:-1}"; }
differ() { # the offsets (decimal, from 0) of two files of one size that differ, on one line
  same "$(stat -c %s "$1")" "$(stat -c %s "$2")" || return 1
  cmp -l "$1" "$2" | awk '{ printf "%s%d", sep, $1 - 1; sep = " " }'
}
put password 'P@ssw0rd1!'
put weak password

# --- make
umask 022
ok "make: exit 0" code 0 make --new-password-file "$T/password" "$T/a"
ok "nothing is said" test ! -s "$T/err"
ok "two chunks" same "$(stat -c %s "$T/a")" 1024
ok "for its owner alone" same "$(stat -c %a "$T/a")" 600
ok "show: exit 0" code 0 show "$T/a"
ok "it says for whom" has "$T/out" '^version 3.0, 1 record, for any number of machines'
ok "the factory's password is a secret too" has "$T/out" '^1 +1/1 +current-mebx-password +\(hidden\)'
ok "AMT is on" has "$T/out" '^1 +1/3 +manageability +amt'
ok "set up by the file alone" has "$T/out" '^1 +2/29 +setup-type +manual'
ok "no password is shown" hasnt "$T/out" 'P@ssw0rd'
ok "with --show-passwords it is" code 0 show --show-passwords "$T/a"
ok "there" has "$T/out" 'new-mebx-password +P@ssw0rd1!'
code 0 show --json "$T/a"
ok "nor in JSON" hasnt "$T/out" 'P@ssw0rd'
ok "it does not overwrite: exit 1" code 1 make --new-password-file "$T/password" "$T/a"
ok "in one line that says what does" has "$T/err" '^amtgate: .*/a is there already; --force replaces it'
ok "--force does" code 0 make --force --new-password-file "$T/password" "$T/a"
ok "the password from the environment" env AMT_NEW_PASSWORD='P@ssw0rd1!' "$A" setupbin make "$T/b"
ok "the same file" cmp "$T/a" "$T/b"
ok "or from standard input" eval '"$A" setupbin make "$T/c" <"$T/password"'
ok "the same file" cmp "$T/a" "$T/c"
ok "a weak password: exit 2" code 2 make --new-password-file "$T/weak" "$T/w"
ok "and why" has "$T/err" '8 to 32 characters'
ok "and no file" not test -e "$T/w"
ok "a password as an argument: exit 2" code 2 make --set 'new-mebx-password=P@ssw0rd1!' "$T/w"
ok "and how else" has "$T/err" '^amtgate: new-mebx-password is a secret, .*--set-from'
ok "which does not repeat it" hasnt "$T/err" 'P@ssw0rd'
ok "no such variable: exit 2" code 2 make --new-password-file "$T/password" --set host=pc1 "$T/w"
ok "and what there is" has "$T/err" 'host-name'
ok "--ask takes it from standard input" eval 'cat "$T/password" | "$A" setupbin make --empty --ask new-mebx-password --set setup-type=1 "$T/asked" 2>/dev/null'
ok "and it is there" same "$("$A" setupbin show --show-passwords "$T/asked" 2>/dev/null | awk '/new-mebx/ { print $4 }')" 'P@ssw0rd1!'
ok "no password at all: exit 2" code 2 make "$T/w"
ok "and where it could come from" has "$T/err" 'no password on standard input'
ok "nowhere to write: exit 2" code 2 make --new-password-file "$T/password"
ok "no such folder: exit 1" code 1 make --new-password-file "$T/password" "$T/none/x"
ok "too much for a record: exit 2" code 2 make --new-password-file "$T/password" --set "domain=$(printf 'a%.0s' {1..255})" --set "pki-dns-suffix=$(printf 'a%.0s' {1..255})" "$T/w"
ok "by how much" has "$T/err" 'record 1 would have [0-9]+ bytes, and room is for 512'

# --- every variable, by name and by number, and back
put psk 0123456789abcdef0123456789abcdef
put code 1234
all=(power-package=33221100-5544-7766-8899-aabbccddeeff local-firmware-update=password firmware-update-qualifier=restricted
  psk-id=12345678 pki-dns-suffix=example.org configuration-server=server.example.org remote-configuration=on built-in-certificates=off
  user-certificates=on redirection=sol+ider host-name=pc1 domain=example.org dhcp=on secure-firmware-update=on
  idle-time-out=hex:0102 provisioning-mode=1 server-address=10.0.0.5 server-port=9971 vlan=hex:0500
  password-policy=hex:01 fqdn=shared dynamic-dns=off kvm=on consent=none remote-consent=on
  provisioning=start support-channel=4711 service-type=one-time)
options=()
for v in "${all[@]}"; do options+=(--set "$v"); done
ok "make with 28 variables: exit 0" code 0 make --new-password-file "$T/password" "${options[@]}" --set-from "psk=$T/psk" "$T/all"
for v in "${all[@]}"; do ok "${v%%=*}" same "$(value "$T/all" "${v%%=*}")" "${v#*=}"; done
ok "psk from its file" same "$(value "$T/all" psk)" 0123456789abcdef0123456789abcdef
more=(support-channel-name=Desk account-number=47 service-provider=33221100-5544-7766-8899-aabbccddeeff static-ipv4=hex:0a000005ffffff00)
hash=sha256:$(printf '00%.0s' {1..32}):My
options=()
for v in "${more[@]}" "certificate-hash=$hash" "ipv6=hex:$(printf '00%.0s' {1..84})"; do options+=(--set "$v"); done
ok "and the other ones: exit 0" code 0 make --new-password-file "$T/password" "${options[@]}" --add "certificate-hash=${hash}2" --set-from "2/33=$T/code" "$T/more"
for v in "${more[@]}"; do ok "${v%%=*}" same "$(value "$T/more" "${v%%=*}")" "${v#*=}"; done
ok "two hashes" same "$(value "$T/more" certificate-hash)" "$hash ${hash}2"
ok "2/33 is the passcode" same "$(value "$T/more" enrolment-passcode)" 1234
for v in 1 2 2.1 3 4; do
  ok "version $v" code 0 make --version $v --new-password-file "$T/password" "$T/v$v"
  "$A" setupbin show "$T/v$v" >"$T/out" 2>&1
  case $v in *.*) full=$v ;; *) full=$v.0 ;; esac
  ok "says so" has "$T/out" "^version $full, "
done
ok "three records, scrambled: exit 0" code 0 make --records 3 --scramble --new-password-file "$T/password" "$T/three"
ok "four chunks" same "$(stat -c %s "$T/three")" 2048
ok "the password cannot be read in it" hasnt "$T/three" 'P@ssw0rd'
ok "but is there" same "$(value "$T/three" new-mebx-password 3)" 'P@ssw0rd1!'
code 0 show "$T/three"
ok "to be used up" has "$T/out" '^version 3.0, 3 records, 0 of them used up'

# --- and back, byte by byte
for f in a all more v1 v2.1 v4 three; do
  "$A" setupbin show --json --show-passwords "$T/$f" 2>/dev/null >"$T/$f.json"
  ok "$f: JSON and back: exit 0" code 0 make --from "$T/$f.json" "$T/$f.again"
  ok "$f: the same bytes" cmp "$T/$f" "$T/$f.again"
  ok "$f: edit without a change" code 0 edit "$T/$f.again"
  ok "$f: the same bytes" cmp "$T/$f" "$T/$f.again"
done
"$A" setupbin show --json "$T/a" >"$T/hidden.json"
ok "hidden passwords do not come back: exit 2" code 2 make --from "$T/hidden.json" "$T/x"
ok "and what to do" has "$T/err" 'current-mebx-password has no value; `show --show-passwords`'
ok "no JSON: exit 2" code 2 make --from "$T/a" "$T/x"
put typo.json '{"record":[]}'
ok "a member too many: exit 2" code 2 make --from "$T/typo.json" "$T/x"
ok "and its name" has "$T/err" "'record' is no member"

# --- edit
cp "$T/all" "$T/e" && chmod 644 "$T/e"
ok "edit a number: exit 0" code 0 edit --set consent=kvm "$T/e"
ok "one byte" same "$(differ "$T/all" "$T/e" | wc -w)" 1
ok "which is the value" same "$(value "$T/e" consent)" kvm
ok "for its owner alone, from then on" same "$(stat -c %a "$T/e")" 600
ok "a field of the header" code 0 edit --set header.consumed=1 --set consent=none "$T/e"
ok "is one byte" same "$(differ "$T/all" "$T/e")" 32
printf '\7' | dd of="$T/e" bs=1 seek=510 conv=notrunc 2>/dev/null
cp "$T/e" "$T/e2"
put other 'P@ssw0rX1!'
ok "edit a file that has more in it than is known" code 0 edit --new-password-file "$T/other" "$T/e2"
ok "one byte" same "$(differ "$T/e" "$T/e2" | wc -w)" 1
cp "$T/three" "$T/e3"
ok "one record of three" code 0 edit --record 2 --set kvm=on "$T/e3"
ok "is in that one" same "$(value "$T/e3" kvm 2)$(value "$T/e3" kvm 1)$(value "$T/e3" kvm 3)" on
ok "take it out again" code 0 edit --unset kvm "$T/e3"
ok "the same bytes" cmp "$T/three" "$T/e3"
ok "take out what is not there: exit 2" code 2 edit --unset kvm "$T/e3"
ok "no such record: exit 2" code 2 edit --record 4 --set kvm=on "$T/e3"
ok "a weak password: exit 2" code 2 edit --new-password-file "$T/weak" "$T/e3"
ok "and the file as it was" cmp "$T/three" "$T/e3"
head -c 100 "$T/a" >"$T/short"
ok "broken off: exit 1" code 1 show "$T/short"
ok "and where" has "$T/err" '/short: it breaks off in the header'
ok "no such file: exit 1" code 1 show "$T/none"
ok "another file: exit 1" code 1 show "$A"

# --- what firmware will not like, and keyboards
ok "no new password: exit 0" code 0 make --empty --set-from "current-mebx-password=$T/weak" --set fqdn=shared "$T/doubt"
ok "a warning" has "$T/err" 'warning: record 1: fqdn counts with host-name only'
if ls /usr/share/X11/xkb/symbols/de >/dev/null 2>&1; then
  put zy 'Zy@12345'
  ok "a German keyboard" code 0 edit --new-password-file "$T/zy" --keyboard de "$T/e3"
  ok "which characters move" has "$T/err" 'on a de one characters 1, 2, 3 of the new password are on another key'
  ok "not which they are" hasnt "$T/err" 'character 1, Z'
  ok "with --show-passwords" code 0 edit --new-password-file "$T/zy" --keyboard de --show-passwords "$T/e3"
  ok "they are" has "$T/err" '^  character 1, Z: type Y'
  ok "no such layout: exit 2" code 2 edit --new-password-file "$T/zy" --keyboard xx "$T/e3"
fi

# --- images
for bits in 12 16 32; do
  ok "FAT$bits: exit 0" code 0 make --new-password-file "$T/password" --fat $bits --image "$T/stick$bits"
  ok "fsck.fat: nothing to mend" fsck.fat -vn "$T/stick$bits" >"$T/fsck"
  ok "it is FAT$bits" has "$T/fsck" "2 FATs, $bits bit entries"
  ok "the file is in it" mcopy -n -i "$T/stick$bits" ::SETUP.BIN "$T/from$bits"
  ok "and is it" cmp "$T/a" "$T/from$bits"
  ok "alone" same "$(mdir -b -i "$T/stick$bits" :: | tr '\r\n' '  ' | tr -d ' ')" "::/SETUP.BIN"
  ok "FAT$bits is for its owner alone" same "$(stat -c %a "$T/stick$bits")" 600
done
ok "with a partition table" code 0 make --new-password-file "$T/password" --partition-table --image "$T/disk" "$T/beside"
ok "the file is in the partition" mcopy -n -i "$T/disk@@1M" ::setup.bin "$T/from"
ok "and is it" cmp "$T/a" "$T/from"
ok "and beside it" cmp "$T/a" "$T/beside"
dd if="$T/disk" of="$T/partition" bs=1M skip=1 status=none
ok "fsck.fat: nothing to mend" fsck.fat -n "$T/partition" >/dev/null
ok "a large file: exit 0" code 0 make --records 3000 --new-password-file "$T/password" --image "$T/large" "$T/large.bin"
ok "is in the image" mcopy -n -i "$T/large" ::setup.bin "$T/from.large"
ok "and is it" cmp "$T/large.bin" "$T/from.large"
ok "and does not fit FAT12: exit 2" code 2 make --records 5000 --fat 12 --new-password-file "$T/password" --image "$T/x"

# --- another program's files, and ours in it
if mesh_ready; then
  mesh_bin() { node tests/system/clients/mesh_setupbin.js "$MESH" "$@"; }
  "$A" setupbin edit --unset power-package "$T/all" # for GUIDs it lacks a function of its own
  for f in a all more v1 v2 v4 three; do
    ok "$f: the other reader takes it" mesh_bin read "$T/$f" >"$T/mesh"
    ok "$f: and writes it again" mesh_bin again "$T/$f" "$T/mesh.bin"
    # It sorts variables of one number as it likes, and leaves out nothing.
    [ $f = more ] || ok "$f: to the same bytes" cmp "$T/$f" "$T/mesh.bin"
  done
  mesh_bin read "$T/all" >"$T/mesh"
  ok "it sees the password" has "$T/mesh" '"1/2":"P@ssw0rd1!"'
  ok "numbers" has "$T/mesh" '"2/18":9971.*"2/30":4711'
  ok "the other writer's file" mesh_bin write "$T/theirs"
  ok "is read: exit 0" code 0 show "$T/theirs"
  ok "with two records" has "$T/out" '^version 3.0, 2 records, 0 of them used up'
  for v in 1:new-mebx-password:'P@ssw0rd1!' 1:server-address:10.0.0.5 1:server-port:9971 1:support-channel:4711 2:kvm:on 2:consent:all \
    2:certificate-hash:"sha256:$(printf '68%.0s' {1..32}):My CA"; do
    n=${v#*:}
    ok "its ${n%%:*}" same "$(value "$T/theirs" "${n%%:*}" "${v%%:*}")" "${n#*:}"
  done
  cp "$T/theirs" "$T/ours"
  ok "is edited" code 0 edit --set header.consumed=1 "$T/ours"
  ok "in one byte" same "$(differ "$T/theirs" "$T/ours")" 32
  "$A" setupbin show --json --show-passwords "$T/theirs" >"$T/theirs.json"
  ok "and made again from JSON" code 0 make --from "$T/theirs.json" "$T/theirs.again"
  ok "to the same bytes" cmp "$T/theirs" "$T/theirs.again"
else
  echo "skipped: the npm package is not to be had here"
fi
