#!/usr/bin/env bash
# WS-Management: `amtgate info` and `amtgate power` on machines of every generation, and the simulator's own side with clients
# that this project did not write: curl with digest, the modules of the npm package meshcentral.
. "$(dirname "$0")/lib.sh"
need curl python3
lab router
every_generation --boot-time 1
configure <<INI
[defaults]
password = $password
tls_min = 1.0
$targets
[target gone]
address = 10.71.2.99
[target network]
address = 10.72.0.0/24
INI
export XDG_STATE_HOME=$T AMT_PASSWORD=$password
value() { python3 -c 'import json, sys; v = {m["target"]: m for m in json.load(open(sys.argv[1]))}[sys.argv[2]]; print(eval(sys.argv[3], {"m": v}))' "$T/out.json" "$1" "$2"; } # TARGET EXPRESSION over m
asked() { ctl --json "$@" >"$T/out.json" 2>"$T/err.log"; }
code_of() { "$@"; echo $?; }

# --- info
ok "info --tag reaches all nine" asked info --tag rack || cat "$T/err.log"
for p in "${profiles[@]}"; do
  ok "$p: its version, host name and UUID" same "$(value "p$p" '(m["version"].split(".")[0], m["host_name"], m["uuid"])')" \
    "('$([ $p = ism ] && echo 16 || echo ${p%.*})', 'amtgate-sim.example.org', '55e3ae13-bfd2-61bb-17a0-88aedd7037ea')"
  ok "$p: on, and its clock is right" same "$(value "p$p" '(m["power"], abs(m["clock_ahead_seconds"]) <= 2)')" "('on', True)"
  ok "$p: over TLS" same "$(value "p$p" 'm["device"].split(":")[1] + m["connection"][:3]')" 16993TLS
done
ok "ism has no KVM, the others have" same "$(value pism 'm["kvm"]') $(value p12 'm["kvm"]')" "None True"
ok "16.1 does without plain text" same "$(value p16.1 'm["plain_too"]') $(value p12 'm["plain_too"]')" "False True"
ok "the table has a line for each" same "$(ctl info --tag rack | wc -l)" 10
ok "--all passes networks over, and names who is not there" same "$(code_of asked info --all)" 3
ok "and says whom it passes over" has "$T/err.log" '^amtgate: left out.* network; name their machines by address'
ok "the sentence tells ports and reason" has "$T/err.log" '^amtgate: gone.* 16993, 664, 16992, 623'
ok "the others are in the list" same "$(value p21 'm["power"]')" on
ok "without a machine it is wrong usage" same "$(code_of asked info)" 2
ok "a tag that no target has is, too" same "$(code_of asked info --tag nosuch)" 2
ok "in words" has "$T/err.log" "no target has the tag 'nosuch'"
ok "a machine that is meant twice" asked info p12 10.71.2.13 p12
ok "is asked once" same "$(python3 -c 'import json, sys; print([m["target"] for m in json.load(open(sys.argv[1]))])' "$T/out.json")" "['p12']"
ok "an unknown target too" same "$(code_of asked info nobody)" 2
ok "so is a network" same "$(code_of asked info network)" 2

# --- a machine that no configuration knows
ok "by address, with the password from the environment" asked info -h 10.71.2.13
ok "IPv6 in brackets is an address" same "$(code_of asked info -h '[::1]')" 3
ok "in words" has "$T/err.log" '^amtgate: ::1 .*cannot be reached'
ok "a wrong password is said so" same "$(AMT_PASSWORD=wrong code_of asked power state -h 10.71.2.14)" 4
ok "in words" has "$T/err.log" "user 'admin' was refused"
ok "old firmware needs leave" same "$(code_of asked info -h 10.71.2.10)" 1
ok "and the sentence says it" has "$T/err.log" 'tls_min = 1.0'
ok "with leave it is talked to" asked info -h 10.71.2.10 --tls-min 1.0
stop p12
sim stranger 10.71.2.13 --profile 12 --boot-time 1 # another certificate
ok "another certificate is not trusted" same "$(code_of asked info p12)" 5
ok "in clear neither" hasnt "$T/stranger.json" '"event":"wsman"'

# --- power
for p in 8 11 16.1 21; do
  ok "$p: off, and seen to be" asked power off "p$p" --wait || cat "$T/err.log"
  ok "$p: it is off" same "$(value "p$p" 'm["power"]')" off
  ok "$p: off again is done already" asked power off "p$p"
  ok "$p: nothing to reset" same "$(code_of asked power reset "p$p")" 1
  ok "$p: on" asked power on "p$p" --wait || cat "$T/err.log"
  ok "$p: reset, and back" asked power reset "p$p" --wait || cat "$T/err.log"
done
ok "what is impossible is named with what is possible" same "$(ctl power off p15 --wait >/dev/null; ctl power reset p15 2>&1)" \
  "amtgate: p15: it is off and allows on"
ctl power on p15 --wait >/dev/null
ok "an action that does not exist" same "$(code_of asked power explode p15)" 2

# --- boot
ok "pxe for the next boot" asked boot pxe p11 p16.1
ok "then reset" asked power reset p11 p16.1 --wait
for p in 11 16.1; do ok "$p: it booted from the network" gives "Force PXE Boot" json_event "$T/p$p.json" boot 'e["from"]'; done
ok "once only" asked power reset p11 --wait && ok "then from its disk as ever" gives default json_event "$T/p11.json" boot 'e["from"]'
ok "into the set-up with the serial console" asked boot bios-sol p11 && ok "it says so" same "$(ctl boot state p11 | tail -n 1 | xargs)" "p11 bios sol"
ok "what it cannot do" same "$(code_of asked boot diag p11)" 1

# --- set-up
stop p9
sim off 10.71.2.11 --profile 12 --off kvm,sol,ider
set_up() { asked setup "$@" -h 10.71.2.11; }
changes() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["changes"])' "$T/out.json"; }
ok "a dry run" set_up all --dry-run && ok "says what would be done" same "$(changes)" "['serial console and drives: off -> on', 'KVM: off -> on']"
ok "and does nothing" same "$(asked info -h 10.71.2.11; value 10.71.2.11 '(m["kvm"], m["sol"])')" "(False, False)"
ok "done" set_up all && ok "all is on" same "$(asked info -h 10.71.2.11; value 10.71.2.11 '(m["kvm"], m["sol"], m["ider"])')" "(True, True, True)"
ok "once more there is nothing to do" set_up all && ok "and that is said" same "$(changes)" "[]"
ok "a session finds it on" probe gw redir 10.71.2.11 16994 sol --user admin --password "$password" --say 'echo hello\r' --expect hello --times 2
ok "KVM where the firmware has none" same "$(code_of asked setup kvm pism)" 1

# --- clients of others, straight at the simulator
envelope() { # CLASS
  printf '<E:Envelope xmlns:E="http://www.w3.org/2003/05/soap-envelope" xmlns:A="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:W="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><E:Header><A:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</A:Action><A:To>/wsman</A:To><W:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/%s</W:ResourceURI><A:MessageID>7</A:MessageID></E:Header><E:Body/></E:Envelope>' "$1"
}
get() { envelope "$1" | on gw curl -sSk --digest -u "admin:$password" --data-binary @- "${@:2}" -o "$T/reply.xml" -w '%{http_code}'; }
for url in http://10.71.2.12:16992 http://10.71.2.12:623 https://10.71.2.14:16993 https://10.71.2.14:664 https://10.71.2.17:16993; do
  ok "curl at $url" same "$(get AMT_GeneralSettings "$url/wsman")" 200
  ok "$url: the host name is in it" has "$T/reply.xml" '<g:HostName>amtgate-sim</g:HostName>'
done
ok "curl: a class that is not there" same "$(get AMT_Nothing http://10.71.2.12:16992/wsman)" 400
ok "curl: the fault" has "$T/reply.xml" 'b:DestinationUnreachable'
ok "curl: a wrong password" same "$(envelope AMT_GeneralSettings | on gw curl -s --digest -u admin:no --data-binary @- -o /dev/null -w '%{http_code}' http://10.71.2.12:16992/wsman)" 401
if mesh_ready; then
  mesh_wsman() { on gw node tests/system/clients/mesh_wsman.js "$MESH" "$@" >"$T/mesh.log" 2>&1 || { cat "$T/mesh.log"; return 1; }; }
  for where in "10.71.2.12 16992" "10.71.2.14 16993 --tls" "10.71.2.15 16993 --tls" "10.71.2.17 16993 --tls"; do
    # shellcheck disable=SC2086
    ok "meshcentral at $where" mesh_wsman $where --power 10 '*AMT_GeneralSettings' CIM_SoftwareIdentity '*AMT_RedirectionService' \
      AMT_TLSSettingData CIM_ServiceNobodyHas && ok "meshcentral at $where: what it read" has "$T/mesh.log" \
      '"CIM_SoftwareIdentity":200.*"CIM_ServiceNobodyHas":400.*"hostname":"amtgate-sim","power":"?0'
  done
else
  echo "meshcentral is left out: npm could not fetch it"
fi
