#!/usr/bin/env bash
# Descriptors and memory of the daemon before and after 1,000 sessions, good ones and such that fail.
. "$(dirname "$0")/lib.sh"
load_lab <<INI
[target nobody]
address = 10.71.2.99
INI
round() { # SESSIONS
  local t
  for t in 10.71.2.10 10.71.2.11; do on client "$LOAD" run $t 16994 rate 4 "$1" | grep sessions; done
  for _ in 1 2 3 4 5; do probe client redir 10.71.2.99 16994 sol --timeout 8; probe client raw 10.71.2.10 16994 --hex 10000000ffff --wait 0.1; done
}
round 1; within 10 no_sessions; sleep 1
memory_1=$(memory gateway) fds_1=$(fds gateway)
count=0
while read -r line; do count=$((count + $(sed 's/.*"sessions": \([0-9]*\).*/\1/' <<<"$line"))); done < <(round 4)
within 10 no_sessions; sleep 1
memory_2=$(memory gateway) fds_2=$(fds gateway)
echo "  $count sessions; memory $memory_1 to $memory_2 KiB, descriptors $fds_1 to $fds_2"
ok "1,000 sessions at least" test "$count" -ge 1000
ok "no descriptor more" test "$fds_2" -le "$fds_1"
ok "memory grows by less than 1 KiB a session" test $((memory_2 - memory_1)) -le $((count > 4096 ? 4096 : count))
