#!/usr/bin/env bash
# TLS in a machine step by step, by single commands: a certificate issued, put in with its key, chosen, committed, and all
# of it taken back; a key that the machine makes; what openssl and curl find on its ports after each commit.
. "$(dirname "$0")/lib.sh"
need curl openssl python3
lab router
sim p12 10.71.2.10 --profile 12 --tls no --network-restart 200
sim p15 10.71.2.11 --profile 15 --tls no --network-restart 200
configure <<INI
[defaults]
password = $password
[target p12]
address = 10.71.2.10
[target p15]
address = 10.71.2.11
INI
export XDG_STATE_HOME=$T AMT_PASSWORD=$password
pki=$T/pki
code_of() { "$@" >"$T/code.log" 2>"$T/err.log"; echo $?; }
open() { on gw timeout 2 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null; } # ADDRESS PORT
shown() { echo | on gw timeout 20 openssl s_client -connect "$1:16993" 2>/dev/null | openssl x509 -noout "${@:2}" 2>/dev/null; }
handle() { # TARGET WORDS: the first number of what `cert list` has with them
  ctl --json cert list "$1" >"$T/list.json"
  python3 - "$T/list.json" "$2" <<'PY'
import json, sys
def things(x):
    if isinstance(x, dict):
        if "handle" in x: yield x
        for v in x.values(): yield from things(v)
    elif isinstance(x, list):
        for v in x: yield from things(v)
print(next((t["handle"] for t in things(json.load(open(sys.argv[1]))) if sys.argv[2] in json.dumps(t)), ""))
PY
}

amtgate pki init "$pki" --name "Step CA" >/dev/null
ok "a certificate for a machine, by what it says of itself" ctl pki issue --pki "$pki" p12
cert=$(ls "$pki"/machines/*.pem | head -n 1) key=${cert%.pem}.key
ok "openssl verifies it" openssl verify -CAfile "$pki/ca.pem" "$cert"
ok "its names" has <(openssl x509 -in "$cert" -noout -ext subjectAltName) '10\.71\.2\.10'
ok "asked for again, it is the same" same "$(ctl pki issue --pki "$pki" p12 >/dev/null; sha256sum <"$cert")" "$(sha256sum <"$cert")"
ok "one for a machine that cannot be asked" ctl pki issue --pki "$pki" --offline --name far.example.org p15
ok "is there" has <(openssl x509 -in "$pki/machines/p15.pem" -noout -subject) 'far\.example\.org'

ok "nothing shown yet" not open 10.71.2.10 16993
ok "a root" ctl cert add-ca "$pki/ca.pem" p12
ok "the same root stays as it is" ctl cert add-ca "$pki/ca.pem" p12
ok "a key" ctl cert add-key "$key" p12
ok "the certificate" ctl cert add "$cert" p12
ok "what is no certificate is not sent" not ctl cert add "$key" p12
ok "the list has them" has <(ctl cert list p12) 'Step CA'
n=$(handle p12 "amtgate-sim")
ok "the certificate has a handle ($n)" test -n "$n"
ok "without a certificate chosen TLS is not switched on" same "$(code_of ctl tls set --enabled yes --plaintext yes p12)" 1
ok "chosen and on, staged" ctl tls set --handle "$n" --enabled yes --plaintext yes p12
ok "that counts not yet" not open 10.71.2.10 16993
ok "commit" ctl tls commit p12
ok "it shows the certificate" has <(shown 10.71.2.10 -issuer) 'Step CA'
ok "curl trusts it" same "$(on gw curl -s --cacert "$pki/ca.pem" -o /dev/null -w '%{http_code}' https://10.71.2.10:16993/)" 303
ok "the port without TLS is open" open 10.71.2.10 16992
ok "what is shown cannot be taken out" same "$(code_of ctl cert delete "cert:$n" p12)" 1
ok "in words" has "$T/err.log" "the one that the machine shows"
ok "the port without TLS off, staged" ctl tls set --plaintext no p12
ok "commit" ctl tls commit p12
ok "it is closed" within 10 not open 10.71.2.10 16992
ok "the commands go on over TLS" ctl info p12
ok "tls show" has <(ctl tls show p12) 'yes'
ok "tls disable" ctl tls disable p12
ok "the port with TLS is closed" within 10 not open 10.71.2.10 16993
ok "the one without answers" same "$(on gw curl -s -o /dev/null -w '%{http_code}' http://10.71.2.10:16992/)" 303
ok "no certificate to show" ctl tls set --handle none p12
ok "now it can be taken out, and its key" ctl cert delete --with-key "cert:$n" p12
ok "the root too" ctl cert delete "$pki/ca.pem" p12
ok "nothing is left" hasnt <(ctl cert list p12) 'Step CA|amtgate-sim'

ok "a key that the machine makes" ctl cert make-key --csr "$T/p15.csr" --name p15.example.org p15
ok "its request is signed with it" openssl req -in "$T/p15.csr" -noout -verify
ok "and names it" has <(openssl req -in "$T/p15.csr" -noout -subject) 'p15\.example\.org'
openssl x509 -req -in "$T/p15.csr" -CA "$pki/ca.pem" -CAkey "$pki/ca.key" -CAcreateserial -days 3 -out "$T/p15.pem" 2>/dev/null
ok "any authority can sign it" ctl cert add "$T/p15.pem" p15
ok "chosen" ctl tls set --handle "$(handle p15 p15.example.org)" --enabled yes --plaintext yes p15
ok "commit" ctl tls commit p15
ok "the machine has the key of it" has <(shown 10.71.2.11 -subject) 'p15\.example\.org'
ok "no secret in what was said" hasnt <(cat "$T"/code.log "$T"/err.log "$T"/list.json) "PRIVATE KEY|$password"
