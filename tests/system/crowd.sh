#!/usr/bin/env bash
# 2,000 sessions at once, plain and with TLS to the machine, in little memory; one more works beside them.
. "$(dirname "$0")/lib.sh"
load_lab </dev/null
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
  probe client redir "$1" 16994 ider --timeout 20 --user admin --password "$password"
  ok "one more is served beside them" same "$(field start)" 0
  stop crowd KILL; : >"$T/crowd.log"
  ok "all of them end" within 15 no_sessions
}
crowd 10.71.2.10 16
crowd 10.71.2.11 64
