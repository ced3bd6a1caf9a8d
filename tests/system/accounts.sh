#!/usr/bin/env bash
# AMT's own accounts with `amtgate users`, on machines of every generation: the simulator honours them and their realms over HTTP
# and at the redirection ports, and a client that this project did not write (curl) sees the same.
. "$(dirname "$0")/lib.sh"
need curl python3
lab router
every_generation --boot-time 1
configure <<INI
[defaults]
password = $password
tls_min = 1.0
$targets
INI
export XDG_STATE_HOME=$T
umask 077
echo 'N3w-word!' >"$T/new"
echo 'weak' >"$T/weak"
value() { python3 -c 'import json, sys; v = {m["target"]: m for m in json.load(open(sys.argv[1]))}[sys.argv[2]]; print(eval(sys.argv[3], {"m": v, "user": lambda n: [u for u in v["users"] if u["user"] == n][0]}))' "$T/out.json" "$1" "$2"; } # TARGET EXPRESSION over m, user(NAME)
asked() { ctl --json "$@" >"$T/out.json" 2>"$T/err.log"; }
code_of() { "$@"; echo $?; }
as() { # USER PASSWORD COMMAND...: at the address of a machine, without configuration
  AMT_PASSWORD=$2 asked "${@:3}" -u "$1" --tls-min 1.0
}

# --- add, list
ok "add to all nine" asked users add oper --realms redirection,GeneralInfo --tag rack --new-password-file "$T/new" || cat "$T/err.log"
ok "list" asked users list --tag rack || cat "$T/err.log"
for p in "${profiles[@]}"; do
  ok "$p: it is there with its realms" same "$(value "p$p" '(user("oper")["enabled"], user("oper")["access"], [r["name"] for r in user("oper")["realms"]])')" \
    "(True, 'any', ['Redirection', 'GeneralInfo'])"
  ok "$p: the administrator is first" same "$(value "p$p" '(m["users"][0]["user"], m["users"][0]["kind"])')" "('admin', 'administrator')"
done
ok "the table has a line for each account" same "$(ctl users list p12 | tail -n +2 | awk '{ print $2 "/" $3 }' | xargs)" 'admin/administrator $$OsAdmin/system oper/digest'
ok "the password is nowhere in the logs" hasnt "$T/p12.json" 'N3w-word'

# --- what the account may do, machine by machine
for i in "${!profiles[@]}"; do
  at="10.71.2.1$i" p=${profiles[$i]}
  ok "$p: it reads" as oper 'N3w-word!' info -h "$at" || cat "$T/err.log"
  ok "$p: it does not switch: exit 1" same "$(code_of as oper 'N3w-word!' power reset -h "$at")" 1
  ok "$p: and is told why" has "$T/err.log" 'the account lacks the realm'
done
ok "another password is refused: exit 4" same "$(code_of as oper "$password" info -h 10.71.2.13)" 4
console() { probe gw redir "$1" 16994 sol --user oper --password "$2" --say 'echo hello\r' --expect hello --times 2; }
ok "at the redirection port it comes in" console 10.71.2.13 'N3w-word!'
ok "not with another password" not console 10.71.2.13 wrong
ok "without the realm it does not" asked users change oper --realms 13,5 p12 --new-password-file "$T/new" && ok "there" not console 10.71.2.13 'N3w-word!'
ok "but switches now" as oper 'N3w-word!' power reset -h 10.71.2.13 --wait
curl_as() { on gw curl -s --digest -u "$1" --data-binary '<x/>' -o /dev/null -w '%{http_code}' http://10.71.2.12:16992/wsman; }
ok "curl logs in as it" same "$(curl_as 'oper:N3w-word!')" 400
ok "curl does not with another password" same "$(curl_as oper:wrong)" 401

# --- disable, enable, change, delete
ok "disabled" asked users disable oper p11
ok "it does not come in: exit 4" same "$(code_of as oper 'N3w-word!' info -h 10.71.2.12)" 4
ok "enabled" asked users enable oper p11
ok "it comes in again" as oper 'N3w-word!' info -h 10.71.2.12
ok "from the machine itself only" asked users change oper --access local p11 --new-password-file "$T/new" &&
  ok "it does not come in from afar: exit 4" same "$(code_of as oper 'N3w-word!' info -h 10.71.2.12)" 4
ok "the new password from the environment" same "$(AMT_NEW_PASSWORD='An0ther-w' code_of asked users change oper p15)" 0
ok "it counts" as oper 'An0ther-w' info -h 10.71.2.14
ok "or from standard input" same "$(echo 'Th1rd-word' | code_of asked users change oper p15)" 0
ok "it counts" as oper 'Th1rd-word' info -h 10.71.2.14
ok "the administrator's own" asked users change admin p21 --new-password-file "$T/new"
ok "the old one is refused: exit 4" same "$(code_of asked info p21)" 4
ok "the new one counts" as admin 'N3w-word!' info -h 10.71.2.17
ok "deleted" asked users delete oper p8 p9
ok "gone: exit 1" same "$(code_of asked users delete oper p8)" 1
ok "in a sentence" has "$T/err.log" '^amtgate: p8.*there is no user oper'

# --- refusals
ok "twice: exit 1" same "$(code_of asked users add oper --realms 2 p12 --new-password-file "$T/new")" 1
ok "in a sentence" has "$T/err.log" 'it is there already'
ok "the administrator cannot be deleted" same "$(code_of asked users delete admin p12)" 1
ok "a weak password is wrong usage" same "$(code_of asked users add other --realms 2 p12 --new-password-file "$T/weak")" 2
ok "told without it" hasnt "$T/err.log" weak
ok "so is an unknown realm" same "$(code_of asked users add other --realms everything p12 --new-password-file "$T/new")" 2
ok "and no realm at all" same "$(code_of asked users add other p12 --new-password-file "$T/new")" 2
ok "and no action" same "$(code_of asked users)" 2
for i in $(seq 1 14); do asked users add "user$i" --realms 2 p12 --new-password-file "$T/new" || cat "$T/err.log"; done
ok "several pages of users" asked users list p12 && ok "all are there" same "$(value p12 'len(m["users"])')" 17
ok "one too many: exit 1" same "$(code_of asked users add user15 --realms 2 p12 --new-password-file "$T/new")" 1
ok "limit reached" has "$T/err.log" 'limit reached'

# --- consent: a code accepted by WS-Management lets IDE-R and KVM in
stop p8
stop p9
sim all 10.71.2.10 --profile 12 --consent --boot-time 1
sim kvm 10.71.2.11 --profile 16.1 --still --kvm-consent refuse
shown() { json_event "$T/$1.json" consent 'e["code"]' 2>/dev/null; } # the last digits on its screen
consent() { asked consent "$@" -h "$at"; }
has_consent() { asked consent state -h "$at" && python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["state"])' "$T/out.json"; }
start_of() { probe gw redir "$@" --user admin --password "$password" --timeout 3; field start; }
export AMT_PASSWORD=$password XDG_STATE_HOME=$T/other # other machines, at addresses that were seen before
at=10.71.2.10
ok "IDE-R is refused: status 5" same "$(start_of $at 16994 ider)" 5
ok "boot settings are refused: exit 1" same "$(code_of asked boot pxe -h $at)" 1
ok "start" consent start && ok "displayed" same "$(has_consent)" displayed
ok "the table says what to do" has <(ctl consent start -h $at) 'amtgate consent code DIGITS'
ok "a wrong code: exit 1" same "$(code_of consent code 000000)" 1
ok "in a sentence" has "$T/err.log" 'wrong code; it still shows one'
ok "no six digits: exit 2" same "$(code_of consent code 1234)" 2
ok "the right one" consent code "$(shown all)" || cat "$T/err.log"
ok "given" same "$(has_consent)" given
ok "boot settings are taken" asked boot pxe -h $at
ok "IDE-R is let in" same "$(start_of $at 16994 ider)" 0
ok "taken back" consent cancel && ok "refused again" same "$(code_of asked boot pxe -h $at)" 1
at=10.71.2.11
ok "KVM is refused" same "$(start_of $at 16995 kvm --tls)" 5
consent start && ok "the digits through standard input" same "$(shown kvm | code_of consent code -)" 0
ok "KVM is let in" same "$(start_of $at 16995 kvm --tls)" 0
ok "where nobody is asked there is nothing to start: exit 1" same "$(code_of asked consent start p11)" 1
ok "in a sentence" has "$T/err.log" 'policy none'

# --- time
stop p12
sim late 10.71.2.13 --profile 12
at=10.71.2.13
ok "the clock is right" asked time show -h $at && ok "0 s" same "$(python3 -c 'import json, sys; print(abs(json.load(open(sys.argv[1]))[0]["clock_ahead_seconds"]) < 2)' "$T/out.json")" True
tm() { python3 -c 'import time; print(int(time.time()) - 7200)'; }
set_clock() { # two hours back, by another client
  local t ta0
  t=$(tm) ta0=$(python3 -c 'import time; print(int(time.time()))')
  printf '<E:Envelope xmlns:E="http://www.w3.org/2003/05/soap-envelope" xmlns:A="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:W="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><E:Header><A:Action>http://intel.com/wbem/wscim/1/amt-schema/1/AMT_TimeSynchronizationService/SetHighAccuracyTimeSynch</A:Action><A:To>/wsman</A:To><W:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/AMT_TimeSynchronizationService</W:ResourceURI><A:MessageID>1</A:MessageID></E:Header><E:Body><q:SetHighAccuracyTimeSynch_INPUT xmlns:q="http://intel.com/wbem/wscim/1/amt-schema/1/AMT_TimeSynchronizationService"><q:Ta0>%s</q:Ta0><q:Tm1>%s</q:Tm1><q:Tm2>%s</q:Tm2></q:SetHighAccuracyTimeSynch_INPUT></E:Body></E:Envelope>' "$ta0" "$t" "$t" |
    on gw curl -s --digest -u "admin:$password" --data-binary @- http://$at:16992/wsman
}
ok "set two hours back by curl" has <(set_clock) 'ReturnValue>0<'
ok "seen" has <(ctl time show -h $at) ' -(2h 0m|1h 59m)$'
ok "sync" same "$(ctl time sync -h $at | tail -n 1 | sed 's/.*\(right\)$/\1/')" right
ok "sync of nine at once" asked time sync p11 p15 p16.1 p19 pism

# --- net, inventory
net() { asked net "$@" -h $at; }
first() { python3 -c 'import json, sys; m = json.load(open(sys.argv[1]))[0]; print(eval(sys.argv[2], {"m": m}))' "$T/out.json" "$1"; }
ok "net show of five" asked net show p11 p15 p16.1 p19 pism || cat "$T/err.log"
ok "net show" net show && ok "name, ping, address" same "$(first '(m["host_name"], m["ping"], m["ports"][0]["address"])')" "('amtgate-sim', True, '192.0.2.10')"
ok "a dry run" net set --ping off --idle 30 --ipv6 on --dry-run && ok "says what it would do" same "$(first 'm["changes"]')" \
  "['ping: on -> off', 'idle time-out: 65535 min -> 30 min', 'IPv6: off -> on']"
net show && ok "and does nothing" same "$(first 'm["ping"]')" True
ok "done" net set --ping off --idle 30 --ipv6 on && net show && ok "seen" same "$(first '(m["ping"], m["idle_minutes"], m["ports"][0]["ipv6"])')" "(False, 30, True)"
ok "another address: exit 1" same "$(code_of net set --address 192.0.2.9 --mask 255.255.255.0)" 1
ok "in a sentence" has "$T/err.log" '--force does it all the same'
ok "with --force" net set --address 192.0.2.9 --mask 255.255.255.0 --force && net show && ok "seen" same "$(first '(m["ports"][0]["dhcp"], m["ports"][0]["address"])')" "(False, '192.0.2.9')"
ok "a mask that is none: exit 2" same "$(code_of net set --address 192.0.2.9 --mask 255.0.255.0)" 2
ok "inventory of all" asked inventory p11 p15 p16.1 p19 pism
ok "the table" same "$(ctl inventory -h $at | awk '{ print $2 }' | xargs)" "PART chassis board bios processor memory memory disk disk"
ok "inventory as JSON" asked inventory -h $at && ok "memory" same "$(first 'sum(p["bytes"] for p in m["parts"] if p["kind"] == "memory")')" 17179869184

# --- logs
ok "a wrong login" same "$(AMT_PASSWORD=wrong code_of asked info -h $at)" 4
ok "a console session" probe gw redir $at 16994 sol --user admin --password "$password" --say 'echo hello\r' --expect hello --times 2
ok "a reset" asked power reset -h $at --wait
ok "log" asked log -h $at || cat "$T/err.log"
ok "the first event is the firmware's start" same "$(first 'm["events"][0]["event"]')" "the firmware started"
for event in 'authentication failed [0-9]* times' 'a serial console session was (opened|closed)' 'BIOS: the operating system is started'; do
  ok "log: $event" has "$T/out.json" "$event"
done
ok "every record was readable" same "$(first 'm["unreadable"]')" 0
ok "log: the table" has <(ctl log -h $at) '^[^ ]+ +20[0-9-]+T[0-9:]+Z +info +BIOS +BIOS: the operating system is started$'
ok "audit" asked audit -h $at || cat "$T/err.log"
for event in 'a login with wrong credentials: admin' 'the serial console was opened' '"reset"' 'addresses were changed' 'the clock was set'; do
  ok "audit: $event" has "$T/out.json" "$event"
done
ok "by whom" has <(ctl audit -h $at) ' admin +- +Power +reset$'
ok "--since" asked audit -h $at --since 2099-01-01 && ok "nothing is so young" same "$(first 'm["records"]')" "[]"
ok "--since 1h" asked audit -h $at --since 1h && ok "the reset is" has "$T/out.json" '"reset"'
ok "--since of another kind: exit 2" same "$(code_of asked log -h $at --since yesterday)" 2
for i in $(seq 1 40); do asked boot pxe -h $at; done
ok "several pages of records" asked audit -h $at && ok "all are there" same "$(first 'len([r for r in m["records"] if r["event"] == "boot options were set"])')" 40
ok "without the realm: exit 1" asked users add boss --realms 3 -h $at --new-password-file "$T/new" && ok "it may not audit" same "$(code_of as boss 'N3w-word!' audit -h $at)" 1
ok "--clear" asked log --clear -h $at && ok "then the log is empty" same "$(asked log -h $at; first 'm["events"]')" "[]"
ok "logs of all" asked audit p11 p15 p16.1 p19 pism && ok "also log" asked log p11 p15 p16.1 p19 pism
