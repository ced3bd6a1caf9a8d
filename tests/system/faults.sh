#!/usr/bin/env bash
# The machine fails at each stage of a session: the client is told at once and nothing hangs; afterwards all works.
. "$(dirname "$0")/lib.sh"
lab router
gateway_conf() { printf '[defaults]\npassword = %s\nallow = 10.71.1.0/24\n[target pc1]\naddress = 10.71.2.10\n' "$password"; }
gateway < <(gateway_conf)
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=amt -keyout "$T/amt.key" -out "$T/amt.pem" 2>/dev/null
machine() { stop pc1; sim pc1 10.71.2.10 --cert "$T/amt.pem" --key "$T/amt.key" "$@"; }
one() { # FAULT SERVICE
  machine --fault "$1"
  local from=$SECONDS
  if [ "$2" = rfb ]; then probe client rfb 10.71.2.10 5900 --timeout 45; else probe client redir 10.71.2.10 16994 "$2" --timeout 45; fi
  took=$((SECONDS - from))
}
machine
ok "without a fault" serial client 10.71.2.10
for service in sol kvm rfb; do
  for fault in connect:close connect:reset tls:close tls:reset start:close start:reset start:garbage auth:close auth:reset auth:garbage open:close open:reset open:garbage; do
    case $service:$fault in sol:open*) continue ;; esac
    one $fault $service
    ok "$fault, $service: not opened" not test "$(field open)" = True
    ok "$fault, $service: within 5 s" test $took -le 5
    [ $service != rfb ] || ok "$fault, rfb: with a reason" has <(echo "$answer") '"reason": ".{10}'
    case $fault in connect*) where='connect|tls' ;; tls*) where='connect|tls' ;; start*) where='session start' ;; auth*) where='authentication|challenge|response' ;; open*) where='KVM|RFB|rfb|kvm' ;; esac
    ok "$fault, $service: one log line says so" has <(tail -n 1 "$T/gateway.log") "session.failed.*pc1.*stage=\"?($where)"
  done
done
one stream:reset:2000 sol
ok "reset in mid-stream: seen by the client" not test "$(field end)" = time
machine --one-byte
ok "one byte a segment works" serial client 10.71.2.10
machine --glue
ok "everything in one segment works" serial client 10.71.2.10
probe client rfb 10.71.2.10 5900 --frame
ok "everything in one segment: the screen" same "$(field pixels)" 786432
machine
ok "all is well afterwards" serial client 10.71.2.10
ok "no session is left" within 5 no_sessions
