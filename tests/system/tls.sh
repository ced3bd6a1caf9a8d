#!/usr/bin/env bash
# TLS towards the machine: pins, a CA, trust on first use and what happens when the certificate changes, a client
# certificate, old versions only where written. Refusals are said in words.
. "$(dirname "$0")/lib.sh"
need openssl
lab router
certificate() { # NAME ISSUER|-
  printf '[v]\n%s\n' "${SAN:+subjectAltName=$SAN}" >"$T/san"
  openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$T/$1.key" -out "$T/$1.csr" 2>/dev/null
  if [ "$2" = - ]; then openssl x509 -req -in "$T/$1.csr" -signkey "$T/$1.key" -days 3 -out "$T/$1.pem" 2>/dev/null
  else openssl x509 -req -in "$T/$1.csr" -CA "$T/$2.pem" -CAkey "$T/$2.key" -CAcreateserial -days 3 -extfile "$T/san" -extensions v -out "$T/$1.pem" 2>/dev/null; fi
}
openssl req -x509 -newkey rsa:2048 -nodes -days 3 -subj /CN=authority -addext basicConstraints=critical,CA:TRUE -keyout "$T/ca.key" -out "$T/ca.pem" 2>/dev/null
certificate one -
certificate two -
certificate signed ca
certificate gate ca
SAN=IP:10.71.2.18 certificate other ca
chmod 644 "$T"/*.key
pin=$(openssl x509 -in "$T/one.pem" -outform DER | sha256sum | cut -d' ' -f1)
keypin=$(openssl x509 -in "$T/one.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
own() { echo --cert "$T/$1.pem" --key "$T/$1.key"; }
sim p0 10.71.2.10 --profile 16.1 $(own one)
sim p2 10.71.2.12 --profile 16.1 $(own signed)
sim p4 10.71.2.14 --profile 16.1 $(own one)
sim p5 10.71.2.15 --profile 16.1 $(own signed) --client-ca "$T/ca.pem"
sim p7 10.71.2.17 --profile 9 --plain no --tls-max 1.0
sim p8 10.71.2.18 --profile 16.1 $(own other)
sim p9 10.71.2.19 --profile 16.1 --wrong-cert
cp "$T/gate.key" "$T/gate-private.key"; chmod 600 "$T/gate-private.key"; chown nobody "$T/gate-private.key"
echo "$password" >"$T/password"
code_of() { "$@" >"$T/out" 2>"$T/err"; echo $?; }
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
tls = yes
[target pinned]
address = 10.71.2.10
tls_pin = sha256:$pin
[target keypinned]
address = 10.71.1.201
amt = 10.71.2.10
tls_pin = sha256:$keypin
[target wrongpin]
address = 10.71.2.11
amt = 10.71.2.10
tls_pin = sha256:$(printf '%064d' 7)
[target signed]
address = 10.71.2.12
tls_ca = $T/ca.pem
[target unsigned]
address = 10.71.2.13
amt = 10.71.2.10
tls_ca = $T/ca.pem
[target named]
address = 10.71.1.202
amt = 10.71.2.12
tls_ca = $T/ca.pem
tls_name = signed
[target misnamed]
address = 10.71.1.203
amt = 10.71.2.12
tls_ca = $T/ca.pem
tls_name = other
[target by_address]
address = 10.71.2.18
tls_ca = $T/ca.pem
tls_name = address
[target wrong_address]
address = 10.71.1.204
amt = 10.71.2.12
tls_ca = $T/ca.pem
tls_name = address
[target first]
address = 10.71.2.14
[target mutual]
address = 10.71.2.15
tls_cert = $T/gate.pem
tls_key = $T/gate-private.key
[target mutual_without]
address = 10.71.2.16
amt = 10.71.2.15
[target old]
address = 10.71.2.17
tls_min = 1.0
[target old_refused]
address = 10.71.1.205
amt = 10.71.2.17
[target changing]
address = 10.71.2.19
INI
for i in 201 202 203 204 205; do on client ip route add "10.71.1.$i/32" via 10.71.1.1; done
ok "pinned certificate" serial client 10.71.2.10
ok "pinned public key" serial client 10.71.1.201
ok "wrong pin: refused" refused client redir 10.71.2.11 16994 sol
ok "wrong pin: said in words" has "$T/gateway.log" 'wrongpin.*(pin|certificate)'
ok "signed by the CA" serial client 10.71.2.12
ok "signed by the CA, for that name" serial client 10.71.1.202
ok "for another name: refused" refused client redir 10.71.1.203 16994 sol
ok "the name is said" has "$T/gateway.log" 'misnamed.*is for CN=signed, not for other'
ok "for the address that is dialled" serial client 10.71.2.18
ok "for another address: refused" refused client redir 10.71.1.204 16994 sol
ok "the address is said" has "$T/gateway.log" 'wrong_address.*not for 10.71.2.12'
ok "a command: the right name" ctl info -h 10.71.2.12 --ca "$T/ca.pem" --tls-name signed --password-file "$T/password" --state "$T/own"
ok "a command: another name" same "$(code_of ctl info -h 10.71.2.12 --ca "$T/ca.pem" --tls-name other --password-file "$T/password" --state "$T/own")" 5
ok "-h asks the machine itself, not the gateway that would log in" same "$(AMT_PASSWORD=wrong code_of ctl info -h 10.71.2.12 --ca "$T/ca.pem" --state "$T/own")" 4
head -c 4096 /dev/zero >"$T/cd.iso"
ok "nor does ider -h" same "$(AMT_PASSWORD=wrong code_of ctl ider -h 10.71.2.12 --once --cd "$T/cd.iso" --ca "$T/ca.pem" --state "$T/own")" 4
ok "nor sol -h" same "$(AMT_PASSWORD=wrong code_of ctl sol -h 10.71.2.12 --ca "$T/ca.pem" --state "$T/own" </dev/null)" 4
ok "nor screenshot --host" same "$(AMT_PASSWORD=wrong code_of ctl screenshot --host 10.71.2.12 "$T/x.png" --ca "$T/ca.pem" --state "$T/own")" 4
ok "web: another name" same "$(on client curl -s -o "$T/web.html" -w '%{http_code}' http://10.71.1.203:16992/wsman)" 502
ok "web: it says so" has "$T/web.html" 'not for other'
ok "not signed by the CA: refused" refused client redir 10.71.2.13 16994 sol
ok "not signed: said in words" has "$T/gateway.log" 'unsigned.*(certificate|CA)'
ok "first use" serial client 10.71.2.14
ok "known again" serial client 10.71.2.14
stop p4; sim p4 10.71.2.14 --profile 16.1 $(own two)
ok "changed certificate: refused" refused client redir 10.71.2.14 16994 sol
ok "changed certificate: said in words" has "$T/gateway.log" 'first.*chang'
probe client rfb 10.71.2.14 5900
ok "a viewer is told so" has <(echo "$answer") '"reason": ".*certificate'
stop gateway; daemon_start
ok "still refused after a restart" refused client redir 10.71.2.14 16994 sol
stop p4; sim p4 10.71.2.14 --profile 16.1 $(own one)
ok "the first certificate is still known" serial client 10.71.2.14
stop p4; sim p4 10.71.2.14 --profile 16.1 --tls-max 1.2 $(own one)
ok "a machine of TLS 1.2" serial client 10.71.2.14
ok "its session is resumed" serial client 10.71.2.14
ok "resumed, as the machine says" has "$T/p4.json" '"resumed": ?true'
stop p4; sim p4 10.71.2.14 --profile 16.1 --tls-min 1.3 --tls-max 1.3 $(own one)
ok "its new firmware has TLS 1.3 alone" serial client 10.71.2.14
ok "and is talked to with it" has "$T/gateway.log" 'session.open.*target=first.*tls=TLSv1.3'
ok "client certificate" serial client 10.71.2.15
ok "no client certificate: refused" refused client redir 10.71.2.16 16994 sol
ok "TLS 1.0 where written" serial client 10.71.2.17
ok "TLS 1.0 elsewhere: refused" refused client redir 10.71.1.205 16994 sol
ok "another certificate each time: once" serial client 10.71.2.19
ok "another certificate each time: then refused" refused client redir 10.71.2.19 16994 sol
