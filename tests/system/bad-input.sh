#!/usr/bin/env bash
# Junk, half messages, huge lengths and slow drips from clients end that one session, and nobody else notices.
. "$(dirname "$0")/lib.sh"
lab router
sim pc1 10.71.2.10
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target pc1]
address = 10.71.2.10
INI
ok "first" serial client 10.71.2.10
on client python3 tests/system/tools/probe.py redir 10.71.2.10 16994 sol --hold 170 >"$T/holder.log" 2>&1 &
within 5 has "$T/holder.log" '"open": true'
memory_before=$(memory gateway) fds_before=$(fds gateway)
junk() { # WHAT PORT ARGS
  local what=$1 port=$2
  shift 2
  probe client raw 10.71.2.10 "$port" "$@"
  ok "$what: ended ($(field end), $(field seconds) s)" not test "$(field end)" = time
}
junk "a zero" 16994 --hex 00 --wait 15
junk "HTTP" 16994 --hex 474554202f20485454502f312e310d0a0d0a --wait 15
junk "an unknown service" 16994 --hex 10000000ffffffff --wait 15
junk "a huge length" 16994 --hex 1000000053 --hex 100000004b564d521300000004ffffffff --wait 15
junk "junk in place of TLS" 16995 --hex 00112233445566778899 --wait 15
junk "junk in place of RFB" 5900 --hex 00112233445566778899aabbccddeeff --wait 15
junk "RFB security type 99" 5900 --hex 524642203030332e3030380a63 --wait 15
for p in 16994 16995 5900; do
  on client python3 tests/system/tools/probe.py raw 10.71.2.10 $p --wait 150 >"$T/silent$p.log" 2>&1 &
  on client python3 tests/system/tools/probe.py raw 10.71.2.10 $p --hex "$(printf '10000000%.0s' {1..40})" --drip 2 --wait 5 >"$T/drip$p.log" 2>&1 &
done
for p in 16994 16995 5900; do
  ok "silence on $p ends" within 40 has "$T/silent$p.log" '"end": "(eof|reset|tls)'
  ok "a slow drip on $p ends" within 40 has "$T/drip$p.log" '"end": "(eof|reset|tls)'
done
only_holder() { [ "$(sessions)" = 1 ]; }
ok "only the good session is left" within 5 only_holder
ok "memory did not grow ($memory_before to $(memory gateway) KiB)" test "$(memory gateway)" -le $((memory_before + 4096))
few_fds() { [ "$(fds gateway)" -le $((fds_before + 4)) ]; }
ok "no descriptors left" within 5 few_fds
ok "the log stays short" test "$(wc -l <"$T/gateway.log")" -le 80
