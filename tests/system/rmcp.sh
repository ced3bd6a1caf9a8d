#!/usr/bin/env bash
# Presence pings (RMCP, UDP 623): passed on to targets and nobody else, the pong comes from the address that was asked; for
# forwarded clients, for the gateway's own programs, and where the AMT is elsewhere. Limits, refusals, what is no ping.
. "$(dirname "$0")/lib.sh"
need curl rmcpping
METRICS=127.0.0.1:9623
ping() { # HOST TARGET [ping.py options]: what came back, as one line of JSON, into $answer
  local h=$1 t=$2
  shift 2
  answer=$(on "$h" python3 tests/system/tools/ping.py "$t" "$@" 2>&1)
}
answers() { ping "$@" && same "$(field from)" "$2" || { echo "  $answer"; return 1; }; } # and from the address that was asked
silent() { ping "$@" && { echo "  $answer"; return 1; }; return 0; }
count() { on gw curl -s http://$METRICS/metrics | sed -n "s/^amtgate_rmcp_total{what=\"$1\"} //p"; }
more() { [ "$(count "$1")" -gt "$2" ]; }

echo "--- router, and the gateway's own programs"
lab router
sim pc1 10.71.2.10 --profile 16.1
sim pc2 10.71.2.11 --profile 11
sim elsewhere 10.71.2.12 --profile 9
sim quiet 10.71.2.13 --no-rmcp
sim stranger 10.71.2.14
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24 10.71.1.1 10.71.2.1
[target pc1]
address = 10.71.2.10
[target pc2]
address = 10.71.2.11
services = sol
[target moved]
address = 10.71.2.50
amt = 10.71.2.12
[target quiet]
address = 10.71.2.13
[target closed]
address = 10.71.2.15
amt = 10.71.2.10
allow = 10.71.1.200
INI
for h in client gw; do
  before=$(count relayed)
  ok "$h: pc1 answers" answers $h 10.71.2.10
  ok "$h: AMT, 16.1, set up" same "$(field version) $(field provisioning)" "16.1 2"
  ok "$h: the gateway passed it on" more relayed "$before"
  ok "$h: where the AMT is elsewhere" answers $h 10.71.2.50
  ok "$h: it is that machine" same "$(field version)" 9.1
done
ok "the machine sees the gateway, as with everything" has "$T/pc1.json" '"event":"ping","client":"10\.71\.2\.1:'
ok "it never sees the client" hasnt "$T/pc1.json" '"event":"ping","client":"10\.71\.1\.'
before=$(count relayed)
ok "services without rmcp: passes untouched" answers client 10.71.2.11
ok "that machine sees the client itself" has "$T/pc2.json" '"event":"ping","client":"10\.71\.1\.100:'
ok "a stranger passes untouched" answers client 10.71.2.14
ok "and sees the client" has "$T/stranger.json" '"event":"ping","client":"10\.71\.1\.100:'
ok "none of that was the gateway's" same "$(count relayed)" "$before"
ok "a machine that is silent stays silent" silent client 10.71.2.13
ok "who may not is not answered" silent client 10.71.2.15
ok "and counted" test "$(count denied)" -ge 1
ok "and logged" has "$T/gateway.log" 'rmcp\.denied client=10\.71\.1\.100:.* target=closed'
hits=$(count relayed)
silent client 10.71.2.50 --hex 0600ff07000000000000000000092018c88100388e04b5 # an IPMI request
silent client 10.71.2.50 --hex 060000060000 11be 8007000000
ok "what is no ping is not passed on" same "$(count relayed)" "$hits"
ok "no sessions come of it" no_sessions
before=$(count limited)
ping client 10.71.2.10 --flood 1000
ok "a flood is limited" more limited "$before"
n=$(field answers)
ok "to the burst and a little more ($n of 1000)" test "$n" -ge 50 -a "$n" -le 400
sleep 3
ok "and later pings are answered again" answers client 10.71.2.10
on client timeout 10 rmcpping -c 2 10.71.2.10 >"$T/rmcpping.log" 2>&1
ok "rmcpping hears it" has "$T/rmcpping.log" 'pong received from 10\.71\.2\.10'
stop gateway
ok "with the daemon down, pings pass as if it were not there" answers client 10.71.2.10
rules down
ok "and without the rules" answers client 10.71.2.10
