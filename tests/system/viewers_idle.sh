#!/usr/bin/env bash
# A machine that ends KVM without keyboard or mouse: a viewer at which nobody types keeps its picture. AMT waits three
# minutes; this one a little more than the minute after which the gateway keeps it awake.
. "$(dirname "$0")/lib.sh"
need gvncviewer xwd
limit=64
lab router
sim pc 10.71.2.10 --profile 16.1 --idle $limit --still --size 800x600 --frame-file "$T/pc.ppm"
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target pc]
address = 10.71.2.10
INI
x_start client
shows() { x_tool xwd -root -silent -out "$T/shot.xwd" && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/pc.ppm" --lossy >"$T/shot.json"; }
viewer_start viewer client 10.71.2.10
ok "the viewer shows the machine's picture" within 30 shows
since=$(ask sessions | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][0]["id"])')
begin=$SECONDS
over_the_limit() { [ $((SECONDS - begin)) -gt $((limit + 6)) ]; }
within $((limit + 20)) over_the_limit
ok "nobody has typed but the gateway, a key's release that does nothing" same "$(json_event "$T/pc.json" key '(e["down"], e["name"])')" "(False, 'Right Shift')"
ok "the machine has not ended the session" hasnt "$T/pc.json" '"reason":"no keyboard'
ok "the viewer is the same" same "$(ask sessions | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][0]["id"])')" "$since"
ok "it has never been without the machine" hasnt "$T/gateway.log" ' screen\.lost '
ok "it shows the picture" within 20 shows
