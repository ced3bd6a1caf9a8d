#!/usr/bin/env bash
# LIMIT=600
# fence_amtgate as Pacemaker and oVirt call it: options on standard input, the exit codes, and power that is looked at
# before success is said; on machines that are slow, refuse, are silent or not there.
. "$(dirname "$0")/lib.sh"
need xmllint python3
lab router
sim new 10.71.2.10 --profile 16.1 --boot-time 1 --power-time 1500
sim old 10.71.2.11 --profile 8 --boot-time 1 --power-time 500
sim slow 10.71.2.12 --profile 12 --boot-time 1 --power-time 60000
sim late 10.71.2.13 --profile 12 --boot-time 1 --latency 1200
sim used 10.71.2.14 --profile 12 --boot-time 1
sim silent 10.71.2.15 --profile 12 --boot-time 1 --fault connect:stall
configure <<INI
[defaults]
password = $password
tls_min = 1.0
[target new]
address = 10.71.2.10
[target old]
address = 10.71.2.11
[target slow]
address = 10.71.2.12
[target late]
address = 10.71.2.13
[target used]
address = 10.71.2.14
[target silent]
address = 10.71.2.15
[target gone]
address = 10.71.2.19
[target network]
address = 10.72.0.0/24
INI
ln -s "$BUILD/amtgate" "$T/fence_amtgate"
export XDG_STATE_HOME=$T
agent() { # NAME=VALUE...: as Pacemaker calls it; exit code in $code
  printf '%s\n' "$@" "nodename=node1" | on gw timeout 100 "$T/fence_amtgate" >"$T/out.log" 2>"$T/err.log"
  code=$?
}
fence() { agent "config=$T/amtgate.conf" "$@"; }
is() { same "$code $(cat "$T/out.log")" "$1"; }
took() { local begin=$SECONDS most=$1; shift; "$@"; [ $((SECONDS - begin)) -le $((most * ${SLOW:-1})) ] || { echo "  took $((SECONDS - begin)) s"; return 1; }; }

# --- what it says of itself
agent action=metadata
ok "metadata" same $code 0
ok "is XML" xmllint --noout "$T/out.log"
cat >"$T/api.py" <<'PY'
# What a cluster manager reads out of it: names and types by the Fence Agent API, each old name with its new one.
import sys, xml.etree.ElementTree as ET
r = ET.parse(sys.argv[1]).getroot()
assert r.tag == "resource-agent" and r.get("name") == "fence_amtgate" and r.get("shortdesc"), r.attrib
assert [c.tag for c in r] == ["longdesc", "vendor-url", "parameters", "actions"], [c.tag for c in r]
names = {}
for p in r.find("parameters"):
    assert set(p.attrib) <= {"name", "unique", "required", "deprecated", "obsoletes"} and p.get("unique") == "0" and p.get("required") in "01", p.attrib
    assert [c.tag for c in p] == ["getopt", "content", "shortdesc"], p.get("name")
    assert p.find("content").get("type") in ("boolean", "string", "second", "integer", "select"), p.get("name")
    assert p.find("getopt").get("mixed") and p.find("shortdesc").get("lang") == "en"
    names[p.get("name")] = p
for new, old in (("ip", "ipaddr"), ("username", "login"), ("password", "passwd"), ("plug", "port"), ("password_script", "passwd_script")):
    assert names[new].get("obsoletes") == old and names[old].get("deprecated") == "1", new
for n in "action ipport method power_timeout power_wait login_timeout shell_timeout delay retry_on ssl verbose quiet".split():
    assert n in names, n
actions = {a.get("name") for a in r.find("actions")}
assert {"on", "off", "reboot", "status", "monitor", "list", "metadata", "validate-all"} <= actions, actions
PY
ok "has what the API wants" python3 "$T/api.py" "$T/out.log"
schema=/usr/share/cluster/relaxng/metadata.rng
if [ -e "$schema" ]; then ok "as the schema of fence-agents has it" xmllint --noout --relaxng "$schema" "$T/out.log"; fi
ok "the same by argument" same "$(on gw "$T/fence_amtgate" -o metadata | md5sum)" "$(md5sum <"$T/out.log")"

# --- targets of the configuration
fence action=list; ok "list" is "0 $(printf '%s,\n' new old slow late used silent gone)"
fence action=status plug=new; ok "on is 0" is "0 Status: ON"
fence action=off plug=new; ok "off" is "0 Success: Powered OFF"
fence action=status plug=new; ok "and it is: 2" is "2 Status: OFF"
ok "the machine says the same" same "$(ctl power state new | tail -n 1 | xargs)" "new off"
fence action=off port=new; ok "off again" is "0 Success: Already OFF"
fence action=on plug=new; ok "on" is "0 Success: Powered ON"
fence action=on plug=new; ok "on again" is "0 Success: Already ON"
fence action=reboot plug=new; ok "reboot" is "0 Success: Rebooted"
ok "it was off and started" gives default json_event "$T/new.json" boot 'e["from"]'
fence plug=old; ok "reboot is what is meant, old firmware too" is "0 Success: Rebooted"
fence plug=old method=cycle; ok "by a power cycle" is "0 Success: Rebooted"
fence action=off plug=new,old; ok "two plugs" is "0 Success: Powered OFF"
fence action=status plug=old; ok "the second as well" is "2 Status: OFF"
fence action=on plug=new,old; ok "both on" is "0 Success: Powered ON"
fence action=monitor plug=new; ok "monitor" is "0 "

# --- what must not be success
ok "a machine that takes its time" took 8 fence action=off plug=slow power_timeout=3; ok "is no success" is "1 "
ok "it says why" has "$T/err.log" '^fence_amtgate: slow.*not off after 3 s: it is on'
fence action=reboot plug=slow power_timeout=1; ok "nor is its reboot" is "1 "
ok "late answers are answers" took 30 fence action=off plug=late; ok "late: off" is "0 Success: Powered OFF"
ok "answers that come too late" took 30 fence action=status plug=late shell_timeout=1; ok "are none" is "1 "
ok "a machine that says nothing" took 60 fence action=off plug=silent login_timeout=1 shell_timeout=1; ok "is no success" is "1 "
ok "one that is not there" took 60 fence action=off plug=gone login_timeout=1; ok "neither" is "1 "
ok "it says where it looked" has "$T/err.log" '^fence_amtgate: gone.*16993, 664, 16992, 623'
spawn held gw python3 tests/system/tools/probe.py redir 10.71.2.14 16994 sol --user admin --password "$password" --hold 60
ok "a console is open" within 10 has "$T/held.log" '"open": true'
ok "a machine with an open session refuses" not ctl power off used --no-keep-sessions
ok "that keeps nobody from fencing it" took 30 fence action=off plug=used; ok "it goes off" is "0 Success: Powered OFF"
ok "its redirection is on again" same "$(ctl --json info used | grep -c '"redirection": *true')" 1
fence action=on plug=used; ok "and on" is "0 Success: Powered ON"
stop held
fence action=off plug=new,slow power_timeout=3; ok "one of two is not both" is "1 "

# --- several at once
fence action=monitor login_timeout=1 shell_timeout=3; ok "monitor of all: some answer" is "0 "
fence action=list-status login_timeout=1 shell_timeout=5
ok "list-status" same "$(grep -E '^(new|late|gone|silent)' "$T/out.log" | xargs)" "new,,OFF late,,OFF silent,,UNKNOWN gone,,UNKNOWN"

# --- without a configuration
direct() { agent ip=10.71.2.10 "username=admin" "$@"; }
direct "password=$password" action=on plug=node1; ok "by address and password" is "0 Success: Powered ON"
agent ipaddr=10.71.2.10 login=admin "passwd=$password" option=x action=status port=node1; ok "by the old names" is "0 Status: ON"
printf '%s\nrest\n' "$password" >"$T/secret"
direct "password_script=cat $T/secret" action=status; ok "password_script" is "0 Status: ON"
direct password_script=false action=status; ok "password_script that fails" is "1 "
direct "password_file=$T/secret" ssl=1 action=monitor; ok "password_file, TLS" is "0 "
direct password=wrong action=off; ok "a wrong password" is "1 "
ok "in words" has "$T/err.log" "user 'admin' was refused"
ok "without the word itself" hasnt "$T/err.log" wrong.password=
agent ip=10.71.2.12 "password=$password" plain=1 action=status; ok "plain" is "0 Status: ON"
agent ip=10.71.2.11 "password=$password" action=status; ok "old TLS needs leave" is "1 "
agent ip=10.71.2.11 "password=$password" tls_min=1.0 action=status; ok "with leave" is "0 Status: ON"
words() { on gw "$T/fence_amtgate" "$@" >"$T/out.log" 2>"$T/err.log"; code=$?; }
words -a 10.71.2.10 -l admin -p "$password" -o status; ok "by arguments" is "0 Status: ON"
spawn words gw "$T/fence_amtgate" -a 10.71.2.13 -p "$password" -o reboot --delay 30
started() { [ "$(tr '\0' ' ' <"/proc/${PIDS[words]}/cmdline" | grep -c fence_amtgate)" = 1 ]; }
within 10 started
ok "a password is not among the arguments for long" within 5 not grep -qaF "$password" "/proc/${PIDS[words]}/cmdline"
stop words

# --- wrong usage is 1: 2 would say "off"
agent action=explode plug=new; ok "an unknown action" is "1 "
fence action=off; ok "no machine" is "1 "
fence action=off plug=nobody; ok "an unknown target" is "1 "
agent "config=$T/nothing.conf" action=status plug=new; ok "no configuration" is "1 "
fence action=status plug=new power_timeout=soon; ok "a number that is none" is "1 "
fence action=status plug=new something=else; ok "an option of other agents" is "0 Status: ON"
words --nonsense; ok "an unknown argument" is "1 "
fence action=validate-all plug=new; ok "validate-all" is "0 "
