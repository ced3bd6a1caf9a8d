#!/usr/bin/env bash
# `amtgate power` and `amtgate info` over a thousand machines of which some are down, wait or have another password: time,
# exit codes, the table, progress on a terminal, connections that are bounded.
. "$(dirname "$0")/lib.sh"
need python3 ss
lab router
count=1000
spawn fleet amt "$BUILD/amtgate-sim" --listen 127.10.0.1 --machines $count --profile 12 --latency 5 --power-time 100 --name pc --log "$T/fleet.json"
within 30 has "$T/fleet.log" '^and so on, 1000 machines up to 127\.10\.3\.232$' || { ok "the simulator starts" false; exit 1; }
targets() {
  printf '[defaults]\npassword = %s\ntls = no\n' "$password"
  local n
  for ((n = 1; n <= count + 10; n++)); do
    printf '[target m%d]\naddress = 127.10.%d.%d\n' $n $((n / 256)) $((n % 256))
    [ $n -gt $count ] && echo "tags = down" || echo "tags = up rack$((n % 100))"
    [ $((n % 500)) = 7 ] && echo "password = wrong"
  done
}
configure < <(targets)
amt() { on amt "$BUILD/amtgate" -c "$T/amtgate.conf" "$@" >"$T/out.log" 2>"$T/err.log"; }
code_of() { "$@"; echo $?; }

# --- all at once
begin=$(date +%s%N)
ok "some machines are down, others refuse: 1" same "$(code_of amt power state --all)" 1
took=$((($(date +%s%N) - begin) / 1000000))
echo "  $took ms for $((count + 10)) machines"
ok "it is quick" test $took -lt $((10000 * ${SLOW:-1}))
ok "each that answers has its line" same "$(grep -cE '^m[0-9]+ +on$' "$T/out.log")" $((count - 2))
ok "under a heading" same "$(head -n 1 "$T/out.log" | xargs)" "TARGET POWER"
ok "each that is down its sentence" same "$(grep -cE '^amtgate: m10[0-9]+ .*Connection refused' "$T/err.log")" 10
ok "each that refuses too" same "$(grep -cE "^amtgate: m(7|507) .*user 'admin' was refused" "$T/err.log")" 2
ok "no progress where nobody looks" hasnt "$T/err.log" 'of 1010 machines'
ok "the failures alike: their code" same "$(code_of amt power state --tag down)" 3
ok "a rack of ten" same "$(code_of amt --json info --tag rack42)" 0
ok "each by its own name" same "$(python3 -c 'import json, sys; print(sorted(m["host_name"] for m in json.load(open(sys.argv[1])))[:2])' "$T/out.log")" \
  "['pc142.example.org', 'pc242.example.org']"

# --- each has a state of its own
ok "ten go off" amt power off --tag rack42 --wait
ok "those ten" same "$(amt power state --tag up; grep -cE ' off$' "$T/out.log")" 10
ok "and on" amt power on --tag rack42 --wait

# --- bounded
spawn few amt "$BUILD/amtgate" -c "$T/amtgate.conf" power state --tag up --at-once 8
most=0
while alive few; do
  n=$(on amt ss -Htn state established 'dport = :16992' | wc -l)
  [ "$n" -gt $most ] && most=$n
done
echo "  at most $most connections"
ok "--at-once 8 keeps few connections" test "$most" -gt 0 -a "$most" -le 24
few_files() { on amt bash -c 'ulimit -n 256; exec "$@"' sh "$BUILD/amtgate" -c "$T/amtgate.conf" power state --tag up >"$T/out.log" 2>"$T/err.log"; }
ok "256 descriptors are enough" same "$(few_files; grep -cE ' on$' "$T/out.log")" $((count - 2))

# --- on a terminal
on amt python3 - "$BUILD/amtgate" "$T/amtgate.conf" >"$T/terminal.log" <<'PY'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], ["amtgate", "-c", sys.argv[2], "power", "state", "--tag", "up", "--at-once", "4"])
while True:
    try:
        block = os.read(fd, 4096)
    except OSError:
        break
    if not block:
        break
    os.write(1, block)
PY
ok "a terminal sees how far it is" has "$T/terminal.log" '[0-9]+ of 1000 machines, [0-9] failed'
