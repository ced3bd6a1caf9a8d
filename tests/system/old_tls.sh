#!/usr/bin/env bash
# Firmware before AMT 12 renegotiates in the old, unsafe way (no RFC 5746), which OpenSSL refuses: it is talked to only where
# the target says `tls_min = 1.0`, and the others are told why not. OpenSSL cannot play such a machine; GnuTLS can, up to the end
# of TLS: behind that it just echoes.
. "$(dirname "$0")/lib.sh"
need gnutls-serv openssl python3
lab router
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=amt -keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
old_firmware() { # NAME PRIORITY: on port 16995 of host amt, all addresses
  spawn "$1" amt gnutls-serv --echo --port 16995 --x509certfile "$T/cert.pem" --x509keyfile "$T/key.pem" --priority "$2"
  within 10 listens amt 16995
}
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
tls = yes
[target today]
address = 10.71.2.10
[target old]
address = 10.71.2.11
tls_min = 1.0
INI
old_firmware unsafe 'NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION'
ok "no RFC 5746: refused" refused client redir 10.71.2.10 16994 sol
ok "said in words, with what to write" has "$T/gateway.log" 'target=today .*stage=tls .*renegotiation.*tls_min'
ok "where tls_min = 1.0 is written" refused client redir 10.71.2.11 16994 sol
ok "TLS came about: it failed behind it, at an echo" has "$T/gateway.log" 'target=old .*stage="?session start'
stop unsafe
old_firmware ten 'NORMAL:-VERS-ALL:+VERS-TLS1.0:+SHA1:+SIGN-ALL:%DISABLE_SAFE_RENEGOTIATION'
ok "TLS 1.0: refused" refused client redir 10.71.2.10 16994 sol
ok "TLS 1.0 where it is written" refused client redir 10.71.2.11 16994 sol
ok "both times behind TLS" gives 2 grep -c 'target=old .*stage="\?session start' "$T/gateway.log"
