#!/usr/bin/env bash
# The machine stops answering in the middle of the opening: every wait has an end, and the client is told.
. "$(dirname "$0")/lib.sh"
lab router
conf='[defaults]
password = P@ssw0rd1!
allow = 10.71.1.0/24
'
stages=(connect tls start auth open)
for i in "${!stages[@]}"; do
  sim "s$i" "10.71.2.1$i" --fault "${stages[$i]}:stall"
  conf+="[target s$i]
address = 10.71.2.1$i
"
done
gateway <<<"$conf"
from=$SECONDS
for i in "${!stages[@]}"; do
  on client python3 tests/system/tools/probe.py rfb "10.71.2.1$i" 5900 --timeout 70 >"$T/stall$i.log" 2>&1 &
  jobs[$i]=$!
done
for i in "${!stages[@]}"; do
  wait "${jobs[$i]}"
  ok "stall at ${stages[$i]}: the viewer gets a reason" has "$T/stall$i.log" '"reason": ".{10}'
done
ok "all of it within 60 s" test $((SECONDS - from)) -le 60
ok "no session is left" within 5 no_sessions
