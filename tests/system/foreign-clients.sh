#!/usr/bin/env bash
# Redirection clients that this project did not write, through the gateway: Debian's amtterm, and the modules of the npm
# package meshcentral for serial, screen and IDE-R, on the plain and on the TLS port, to machines of several generations.
. "$(dirname "$0")/lib.sh"
need amtterm expect node genisoimage
mesh_ready && have_mesh=yes || have_mesh=
lab router
mkdir "$T/files" && head -c 3000000 /dev/urandom >"$T/files/data" && genisoimage -quiet -R -o "$T/cd.iso" "$T/files"
sha=$(sha256sum "$T/cd.iso" | cut -d' ' -f1)
sim p16 10.71.2.10 --profile 16.1 --ider-sha256 "$sha" --ider-drives cd
sim p8 10.71.2.11 --profile 8 --ider-sha256 "$sha" --ider-drives cd
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target p16]
address = 10.71.2.10
[target p8]
address = 10.71.2.11
tls_min = 1.0
INI
for t in 10.71.2.10 10.71.2.11; do
  ok "amtterm to $t" amtterm_on client "amtterm-$t" 20 $'echo hello there\r' 'hello there.*hello there' -p nothing $t
done
if command -v "${AMTIDER:=amtider}" >/dev/null; then # it speaks TLS 1.2 only
  spawn amtider client "$AMTIDER" -u nobody -p nothing 10.71.2.10 "$T/cd.iso"
  ok "amtider 10.71.2.10: the whole image, right SHA-256" within 35 has "$T/p16.json" '"match":true'
  stop amtider
  within 10 no_sessions
fi
if [ -n "$have_mesh" ]; then
  for tls in "16994" "16995 --tls"; do
    for t in 10.71.2.10 10.71.2.11; do
      ok "mesh sol $t $tls" mesh client "mesh-sol" sol $t $tls --send 'echo over mesh\r' --expect 'over mesh.*over mesh' --seconds 15
      ok "mesh kvm $t $tls" mesh client "mesh-kvm" kvm $t $tls --seconds 20
      [ $t = 10.71.2.10 ] && log=$T/p16.json || log=$T/p8.json
      n=$(grep -c '"match":true' "$log")
      more() { [ "$(grep -c '"match":true' "$log")" -gt "$n" ]; }
      spawn ider client node tests/system/clients/mesh.js "$MESH" ider $t $tls --cd "$T/cd.iso" --seconds 60
      ok "mesh ider $t $tls: the whole image, right SHA-256" within 35 more
      stop ider
    done
  done
else
  echo "skipped: the npm package is not to be had here"
fi
