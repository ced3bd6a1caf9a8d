#!/usr/bin/env bash
# The simulated machine itself, without the gateway, with clients that this project did not write: Debian's amtterm, and
# the modules of the npm package meshcentral for serial, screen and IDE-R over plain TCP and TLS.
. "$(dirname "$0")/lib.sh"
need amtterm expect node genisoimage
mesh_ready && have_mesh=yes || have_mesh=
lab router
mkdir "$T/files" && head -c 2000000 /dev/urandom >"$T/files/data" && genisoimage -quiet -R -o "$T/cd.iso" "$T/files"
head -c 1474560 /dev/urandom >"$T/floppy.img"
sum() { sha256sum "$1" | cut -d' ' -f1; }
sim p15 10.71.2.10 --profile 15 --methods 1,4 --still --size 800x600 --frame-file "$T/frame.ppm" \
  --ider-sha256 "$(sum "$T/cd.iso")" --ider-sha256-floppy "$(sum "$T/floppy.img")"
t=10.71.2.10
ok "amtterm (user and password)" amtterm_on client amtterm 20 $'echo straight to it\r' 'straight to it.*straight to it' -p "$password" $t
ok "amtterm, wrong password" not amtterm_on client amtterm-wrong 10 '' 'never' -p wrong $t
ok "it says so" has "$T/amtterm-wrong.log" 'authentication failed'
for m in 1 4; do ok "method $m" serial client $t 16994 --user admin --password "$password" --method $m; done
refused client redir $t 16994 sol --user admin --password wrong --method 4
ok "wrong digest: status 1" same "$(field auth)" 1
if [ -z "$have_mesh" ]; then echo "skipped: the npm package is not to be had here"; exit; fi
for tls in "16994" "16995 --tls"; do
  ok "mesh sol $tls" mesh client mesh-sol sol $t $tls --pass "$password" --send 'echo over mesh\r' --expect 'over mesh.*over mesh' --seconds 15
  ok "mesh kvm $tls" mesh client mesh-kvm kvm $t $tls --pass "$password" --seconds 20 --out "$T/mesh.ppm"
  ok "mesh kvm $tls: the machine's own picture" tests/system/tools/picture_match.py "$T/mesh.ppm" "$T/frame.ppm"
  n=$(grep -c '"match":true' "$T/p15.json")
  more() { [ "$(grep -c '"match":true' "$T/p15.json")" -ge $((n + 2)) ]; }
  spawn ider client node tests/system/clients/mesh.js "$MESH" ider $t $tls --pass "$password" --cd "$T/cd.iso" --floppy "$T/floppy.img" --seconds 60
  ok "mesh ider $tls: CD and floppy read in whole, right SHA-256" within 50 more
  stop ider
done
ok "mesh, wrong password" not mesh client mesh-wrong sol $t 16994 --pass wrong --seconds 5
