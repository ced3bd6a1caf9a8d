#!/usr/bin/env bash
# 2,000 sessions at once, plain and with TLS to the machine, in little memory; one more works beside them.
. "$(dirname "$0")/lib.sh"
lab router
LOAD=$BUILD/bench/load
[ -x "$LOAD" ] || skip "make build/bench/load first"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=amt -keyout "$T/k.pem" -out "$T/c.pem" 2>/dev/null
spawn machine amt "$LOAD" serve 16994 16995 "$T/c.pem" "$T/k.pem"
within 5 listens amt 16995
LOG_LEVEL=warn
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target plain]
address = 10.71.2.10
tls = no
[target tls]
address = 10.71.2.11
tls = yes
INI
crowd() { # TARGET KIB
  local before after each
  before=$(memory gateway)
  spawn crowd client "$LOAD" run "$1" 16994 hold 2000 60
  ok "2,000 sessions to $1" within 50 has "$T/crowd.log" '^begin'
  same_count() { [ "$(sessions)" = 2000 ]; }
  ok "the gateway counts them" within 5 same_count
  sleep 1
  after=$(memory gateway)
  each=$(((after - before) * 1024 / 2000))
  ok "$each bytes of memory each, $2 KiB at most" test $each -le $(($2 * 1024))
  probe client redir "$1" 16994 ider --timeout 5 --user admin --password "$password"
  ok "one more is served beside them" same "$(field start)" 0
  stop crowd KILL; : >"$T/crowd.log"
  ok "all of them end" within 15 no_sessions
}
crowd 10.71.2.10 16
crowd 10.71.2.11 64
