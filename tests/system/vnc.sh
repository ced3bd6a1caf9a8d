#!/usr/bin/env bash
# Port 5900: the handshake of RFB 3.3, 3.7 and 3.8 whatever the machine greets with, and the machine's picture in a
# viewer that takes 16 bit.
. "$(dirname "$0")/lib.sh"
need gvncviewer Xvfb xwd
lab router
sim new 10.71.2.10 --profile 16.1 --still --frame-file "$T/frame.ppm" --size 800x600
sim old 10.71.2.11 --profile 11 --greeting 4.0 --still --size 640x480
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target new]
address = 10.71.2.10
[target old]
address = 10.71.2.11
tls_min = 1.0
INI
for v in 3.3 3.7 3.8; do
  for t in 10.71.2.10 10.71.2.11; do
    probe client rfb $t 5900 --version $v --frame
    ok "RFB $v on $t: greeted with 003.008" same "$(field greeting)" "RFB 003.008"
    ok "RFB $v on $t: no authentication asked" same "$(field types)" "[1]"
    [ $t = 10.71.2.10 ] && want=480000 || want=307200
    ok "RFB $v on $t: the whole screen" same "$(field pixels)" $want
  done
done
ok "the picture does not depend on the way" same "$(field sha256)" "$(probe client rfb 10.71.2.11 5900 --frame; field sha256)"
x_start client
viewer_start viewer client 10.71.2.10
picture() { x_tool xwd -root -silent -out "$T/shot.xwd" && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/frame.ppm" --lossy; }
ok "gvncviewer shows the machine's picture" within 20 picture
ok "sessions shows it" same "$(ask sessions | python3 -c 'import json, sys; print([s["service"] for s in json.load(sys.stdin)["data"]])')" "['vnc']"
stop viewer
ok "no session is left" within 5 no_sessions
probe client rfb 10.71.2.10 5900
ok "the machine is free again" same "$(field result)" 0
