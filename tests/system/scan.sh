#!/usr/bin/env bash
# scan: machines of several generations, one that answers no pings, one without TLS, a plain web server, nobody; what the
# gateway itself would answer is not taken for a machine.
. "$(dirname "$0")/lib.sh"
need python3
lab router
sim new 10.71.2.10 --profile 16.1
sim middle 10.71.2.11 --profile 11
sim old 10.71.2.12 --profile 8
sim silent 10.71.2.13 --profile 15 --no-rmcp
sim newest 10.71.2.14 --profile 21
spawn plain amt python3 -m http.server --bind 10.71.2.15 16992
within 10 listens amt 16992
gateway <<INI
[defaults]
password = $password
[target pc1]
address = 10.71.2.10
allow = 10.71.1.0/24
[target ghost]
address = 10.71.2.17
amt = 10.71.2.10
[target lab]
address = 10.71.2.12/31
[target moved]
address = 10.71.2.16
amt = 10.71.2.14
INI
code() { # WANTED ARGUMENTS of amtgate
  local want=$1
  shift
  ctl "$@" >"$T/out" 2>"$T/err"
  same $? "$want" || { cat "$T/err"; return 1; }
}
of() { python3 -c 'import json, sys; print(next((" ".join(str(m[k]) for k in sys.argv[3:]) for m in json.load(open(sys.argv[1])) if m["address"] == sys.argv[2]), "not found"))' "$T/out" "$@"; }
ok "a network" code 0 scan --json 10.71.2.0/27
cat "$T/out"
ok "five machines" same "$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' "$T/out")" 5
ok "16.1" same "$(of 10.71.2.10 version provisioning rmcp target)" "16.1.30 post True pc1"
ok "its ports" has <(of 10.71.2.10 ports) '16993'
ok "11.8" same "$(of 10.71.2.11 version rmcp target)" "11.8.94 True None"
ok "8.1, of a target that is a network" same "$(of 10.71.2.12 version target)" "8.1.71 lab"
ok "one that answers no pings is found by its web server" same "$(of 10.71.2.13 version rmcp)" "15.0.42 False"
ok "21, of a target whose AMT it is" same "$(of 10.71.2.14 version target)" "21.0.1 moved"
ok "a web server that is none of AMT's is none" same "$(of 10.71.2.15 version)" "not found"
ok "what the gateway would answer is no machine" same "$(of 10.71.2.17 version) $(of 10.71.2.16 version)" "not found not found"
ok "no session came of it" no_sessions
hits=$(grep -c '"event":"ping"' "$T/new.json")
ok "a machine that answers is pinged once ($hits)" same "$hits" 1
ok "a range as a table" code 0 scan 10.71.2.9-11
ok "with its lines" has "$T/out" '^10\.71\.2\.11 +11\.8\.94 +post +16992 16993|^10\.71\.2\.11 +11\.8\.94 +post'
ok "and no others" same "$(wc -l <"$T/out")" 3
ok "how many" has "$T/err" '^2 of 3 addresses have AMT'
ok "nobody there: exit 0, an empty list" code 0 scan --json 10.71.2.40-42
ok "an empty list" same "$(cat "$T/out")" "[]"
before=$(date +%s%N)
ok "slowly" code 0 scan --rate 2 10.71.2.20-29
took=$((($(date +%s%N) - before) / 1000000))
ok "--rate is kept ($took ms)" test "$took" -ge 6500
ok "too large a network wants --yes" code 2 scan 10.0.0.0/15
ok "and says why" has "$T/err" '131070 addresses, .* at --rate 50; --yes'
ok "more than that are refused" code 2 scan --yes 10.0.0.0/8
ok "no network" code 2 scan pc1
ok "in words" has "$T/err" "'pc1' is no network"
ok "IPv6" code 0 scan --json fd71:2::50
on other true # the host is there and has no AMT
ok "and nothing found there" same "$(cat "$T/out")" "[]"
ip -n "amtgate-$LAB-gw" route add unreachable 10.99.0.0/24
ok "no way at all: exit 3" code 3 scan 10.99.0.1-3
on client "$BUILD/amtgate" scan --json 10.71.2.10 >"$T/out"
ok "from another host, without a configuration" same $? 0
ok "finds it too" same "$(of 10.71.2.10 version)" 16.1.30 || cat "$T/out"
