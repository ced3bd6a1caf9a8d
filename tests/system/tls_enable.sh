#!/usr/bin/env bash
# Certificates, keys and TLS in machines: `amtgate pki`, `cert` and `tls enable` on every generation; interrupted at every
# request the machine can still be reached, goes on and is undone; and what openssl and curl find on its ports then.
. "$(dirname "$0")/lib.sh"
need curl openssl python3
lab router
profiles=(8 9 11 12 15 16.1 19)
declare -A at=()
targets=
start() { # PROFILE [OPTION...]: without TLS, where the firmware can be so
  local p=$1 tls=
  shift
  case $p in 16.1 | 19 | 21 | ism) ;; *) tls='--tls no' ;; esac
  # shellcheck disable=SC2086
  sim "p$p" "${at[$p]}" --profile "$p" --network-restart 200 $tls "$@"
}
for i in "${!profiles[@]}"; do
  p=${profiles[$i]}
  at[$p]=10.71.2.1$i
  start "$p"
  targets+="[target p$p]"$'\n'"address = ${at[$p]}"$'\n'"tags = rack"$'\n'
done
pki=$T/pki
ok "an authority" amtgate pki init "$pki" --name "Test CA"
ok "a second one in its place is refused" not amtgate pki init "$pki" 2>/dev/null
ok "its key is the owner's alone" same "$(stat -c %a "$pki/ca.key")" 600
ok "a certificate for a console" amtgate pki issue --pki "$pki" --client gate.example.org
ok "it has AMT's use" has <(openssl x509 -in "$pki/clients/gate.example.org.pem" -noout -ext extendedKeyUsage 2>&1) '2\.16\.840\.1\.113741\.1\.2\.1'
configure <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
tls_min = 1.0
tls_cert = $pki/clients/gate.example.org.pem
tls_key = $pki/clients/gate.example.org.key
$targets
[target many]
address = 10.72.0.0/24
INI
export XDG_STATE_HOME=$T AMT_PASSWORD=$password
code_of() { "$@" >"$T/code.log" 2>"$T/err.log"; echo $?; }
answers() { ctl info "$1" >"$T/info.log" 2>&1 || { cat "$T/info.log"; return 1; }; } # TARGET
shown() { echo | on gw timeout 20 openssl s_client -connect "$1:16993" -legacy_renegotiation -tls1_2 -cipher ALL:@SECLEVEL=0 2>/dev/null | openssl x509 -noout "${@:2}" 2>/dev/null; } # ADDRESS what of its certificate
shown_old() { echo | on gw timeout 20 openssl s_client -connect "$1:16993" -legacy_renegotiation -min_protocol TLSv1 -cipher ALL:@SECLEVEL=0 2>/dev/null | openssl x509 -noout "${@:2}" 2>/dev/null; }
closed() { not on gw timeout 2 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null; } # ADDRESS PORT

# --- a dry run, then all of them at once
ok "a dry run says what would be done" has <(ctl tls enable --tag rack --pki "$pki" --dry-run) 'p12 .*key put in, certificate put in, certificate chosen, TLS on'
ok "and does nothing" closed "${at[12]}" 16993
ok "TLS on all of them is one command" ctl tls enable --tag rack --pki "$pki" --no-plaintext >"$T/enable.log" || cat "$T/enable.log"
for p in "${profiles[@]}"; do
  ok "$p: it answers" answers "p$p"
  ok "$p: it shows the authority's certificate" has <(shown_old "${at[$p]}" -issuer -subject) 'issuer=CN = Test CA'
  ok "$p: no port without TLS is open" eval "closed ${at[$p]} 16992 && closed ${at[$p]} 16994 && closed ${at[$p]} 623"
done
ok "keys are the owner's alone" same "$(stat -c %a "$pki"/machines/*.key | sort -u)" 600
ok "and different ones" same "$(sha256sum "$pki"/machines/*.key | cut -c1-64 | sort -u | wc -l)" 7
ok "the known certificates are the new ones" same "$(grep -cE '^p[0-9.]+ [0-9.]+ [0-9a-f]{64} [-0-9]+$' "$T/state/known_certificates")" 7
ok "curl trusts it by name" same "$(on gw curl -s --cacert "$pki/ca.pem" --connect-to "amtgate-sim.example.org:16993:${at[15]}:16993" -o /dev/null -w '%{http_code}' https://amtgate-sim.example.org:16993/)" 303
ok "and by address" same "$(on gw curl -s --cacert "$pki/ca.pem" -o /dev/null -w '%{http_code}' "https://${at[15]}:16993/")" 303
ok "no key in a log or list of processes" hasnt <(cat "$T"/*.log "$T"/*.json "$T"/state/tls/*.json) 'PRIVATE KEY'
ok "once more there is nothing to do" has <(ctl tls enable p12 --pki "$pki" --no-plaintext) 'p12'
ok "tls show" has <(ctl tls show p12) 'p12 +yes +no +no .*CN=amtgate-sim.example.org +CN=Test CA'
ok "cert list" has <(ctl cert list p12) 'cert:0 +shown +CN=amtgate-sim.example.org .*key:0'
ok "what is in use is not deleted" same "$(code_of ctl cert delete cert:0 p12)" 1
for p in "${profiles[@]}"; do
  ok "$p: undone" ctl tls undo "p$p" >"$T/undo.log" || cat "$T/undo.log"
  ok "$p: it answers" answers "p$p"
done
ok "12: TLS is off again" closed "${at[12]}" 16993
ok "16.1: the firmware's own certificate is back" has <(shown "${at[16.1]}" -subject) 'AMT RCFG'
ok "nothing is left in it" same "$(ctl --json cert list p12 | python3 -c 'import json, sys; m = json.load(sys.stdin)[0]; print(len(m["certificates"]), len(m["keys"]))')" "0 0"

# --- a key that never leaves the machine, and mutual TLS
ok "the machine makes the key" ctl tls enable p8 p15 --pki "$pki" --device-key --mutual "$pki/ca.pem" --trusted-cn .example.org >"$T/device.log" || cat "$T/device.log"
for p in 8 15; do ok "$p: it answers us" answers "p$p"; done
ok "curl without a certificate gets nowhere" not on gw curl -sk -o /dev/null "https://${at[15]}:16993/"
ok "curl with one gets in" same "$(on gw curl -s --cacert "$pki/ca.pem" --cert "$pki/clients/gate.example.org.pem" --key "$pki/clients/gate.example.org.key" -o /dev/null -w '%{http_code}' "https://${at[15]}:16993/")" 303
amtgate pki issue --pki "$pki" --client gate.example.com >/dev/null
ok "a console of another name does not" not on gw curl -s --cacert "$pki/ca.pem" --cert "$pki/clients/gate.example.com.pem" --key "$pki/clients/gate.example.com.key" -o /dev/null "https://${at[15]}:16993/"
ok "undone too" ctl tls undo p8 p15 >"$T/undo.log" || cat "$T/undo.log"
ok "and reached" eval "answers p8 && answers p15"
ok "16.1: no mutual TLS where there is no way back" same "$(code_of ctl tls enable p16.1 --pki "$pki" --mutual "$pki/ca.pem")" 1
ok "in words" has "$T/err.log" '--force'
ok "16.1: with --force" ctl tls enable p16.1 --pki "$pki" --mutual "$pki/ca.pem" --force
ok "16.1: it answers us" answers p16.1
ok "16.1: and back" ctl tls undo p16.1
ok "a request of the machine's" ctl cert make-key p11 --csr "$T/p11.csr"
ok "that openssl finds good" openssl req -in "$T/p11.csr" -noout -verify 2>/dev/null
ok "and gone again" ctl cert delete key:1 p11 || ctl cert list p11

# --- the gateway goes along
rules up && daemon_start
ok "the gateway knows the firmware's certificate" serial client "${at[16.1]}"
ok "16.1: another one, while it runs" ctl tls enable p16.1 --pki "$pki" >"$T/enable.log" || cat "$T/enable.log"
ok "the gateway takes it" serial client "${at[16.1]}"
ok "over TLS" has "$T/gateway.log" 'session.open.*target=p16.1.*tls=TLS'
ok "and the one from before" ctl tls undo p16.1
ok "again" serial client "${at[16.1]}"
ok "the file is the daemon's still" same "$(stat -c %U "$T/state/known_certificates")" nobody
stop gateway
rules down

# --- certificates that may not be trusted
own() { # NAME COMMON-NAME CA DAYS
  openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$T/$1.key" -out "$T/$1.csr" 2>/dev/null
  openssl x509 -req -in "$T/$1.csr" -CA "$T/$3.pem" -CAkey "$T/$3.key" -CAcreateserial -days "$4" -out "$T/$1.pem" 2>/dev/null
  chmod 600 "$T/$1.key"
}
for ca in one two; do openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$ca" -addext basicConstraints=critical,CA:TRUE -keyout "$T/$ca.key" -out "$T/$ca.pem" 2>/dev/null; done
own good "${at[9]}" one 5
own expired "${at[9]}" one -1
own elsewhere 192.0.2.77 one 5
own stranger "${at[9]}" two 5
direct() { on gw "$BUILD/amtgate" "$@" -h "${at[9]}" --tls-min 1.0; }
refused_certificate() { # NAME REGEX [OPTION...]
  ok "$1: exit status 5" same "$(code_of direct tls enable --cert "$T/$1.pem" --key "$T/$1.key" "${@:3}")" 5
  ok "$1: in words" has "$T/err.log" "$2"
}
refused_certificate expired 'expired on'
refused_certificate elsewhere 'for another host'
ok "a key that others can read is not used" same "$(chmod 644 "$T/good.key"; code_of direct tls enable --cert "$T/good.pem" --key "$T/good.key")" 2
chmod 600 "$T/good.key"
ok "a good one" direct tls enable --cert "$T/good.pem" --key "$T/good.key"
ok "then the CA is enough" direct info --ca "$T/one.pem"
refused_certificate stranger 'not vouched for' --ca "$T/one.pem"
ok "another CA is not: exit status 5" same "$(code_of direct info --ca "$T/two.pem")" 5
ok "in words" has "$T/err.log" 'not vouched for'
stop p9
sim p9 "${at[9]}" --profile 9 --cert "$T/expired.pem" --key "$T/expired.key"
ok "a machine whose certificate has expired: exit status 5" same "$(code_of direct info --ca "$T/one.pem")" 5
ok "in words" has "$T/err.log" 'expired'
stop p9
rm -rf "$T/state/tls"

# --- interrupted at every request
# The simulator does the request or not, and never answers; the command is killed there.
interrupted() { # PROFILE N KIND THEN: enable interrupted at request N; then it answers, and THEN (enable or undo) works
  local p=$1 n=$2 kind=$3 next=$4
  stop "p$p"
  rm -f "$T/state/known_certificates" "$T/p$p.json"
  rm -rf "$T/state/tls"
  start "$p" --fault "wsman:$kind:$n:1"
  ctl info "p$p" >/dev/null 2>&1 # what it shows now is known
  ip netns exec "amtgate-$LAB-gw" "$BUILD/amtgate" -c "$T/amtgate.conf" tls enable "p$p" --pki "$pki" --no-plaintext >"$T/int.log" 2>&1 &
  local pid=$!
  within 20 eval "grep -q '\"event\":\"fault\"' $T/p$p.json || ! kill -0 $pid"
  grep -q '"event":"fault"' "$T/p$p.json" || { wait "$pid"; return 2; } # it came to its end
  kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  within 5 answers "p$p" || { echo "  not reached behind request $n ($kind)"; return 1; }
  local args=()
  [ "$next" = enable ] && args=(--pki "$pki" --no-plaintext)
  ctl tls "$next" "p$p" "${args[@]}" >"$T/next.log" 2>&1 || { cat "$T/next.log"; return 1; }
  within 5 answers "p$p"
}
every_step() { # PROFILE KIND THEN
  local n r
  for ((n = 0; n < 20; n++)); do
    interrupted "$1" "$n" "$2" "$3"
    r=$?
    [ $r = 2 ] && { echo "  $n requests"; [ "$n" -ge 4 ]; return; }
    [ $r = 0 ] || return 1
  done
  return 1
}
ok "12: killed behind any request it answers, and goes on" every_step 12 stall enable
ok "12: killed before any request it answers, and is undone" every_step 12 close undo
ok "16.1: killed behind any request it answers, and is undone" every_step 16.1 stall undo
