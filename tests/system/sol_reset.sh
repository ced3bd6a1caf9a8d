#!/usr/bin/env bash
# Serial consoles through the gateway's 16994 and 16995: they outlive the machine's restarts and its being switched off,
# nothing of a paste is lost, and what was said before one looked is there.
. "$(dirname "$0")/lib.sh"
need amtterm expect python3
lab router
sim pc1 10.71.2.10 --profile 12 --name pc1
sim pc2 10.71.2.11 --profile 16.1 --name pc2 --slow-reader 4000000
sim panics 10.71.2.12 --profile 12 --name panics --panic-after 1500
sim plain 10.71.2.13 --profile 12 --name plain
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24 127.0.0.0/8
[target pc1]
address = 10.71.2.10
[target pc2]
address = 10.71.2.11
sol_listen = tcp:127.0.0.1:7001
[target panics]
address = 10.71.2.12
sol_listen = tcp:127.0.0.1:7002
[target plain]
address = 10.71.2.13
reconnect = no
INI

# --- amtterm stays through a restart
on client env TERM=vt100 expect -c "
  set timeout 60
  spawn -noecho amtterm -p nothing 10.71.2.10
  expect \"serial-over-lan redirection ok\"
  expect {amt> }
  send \"reboot\r\"
  expect {amtgate: pc1 went away} {} timeout { exit 9 } eof { exit 1 }
  expect {amtgate: pc1 is back after 0:} {} timeout { exit 8 } eof { exit 1 }
  expect {amt> }
  send \"echo the same session\r\"
  expect -re {\nthe same session} {} timeout { exit 7 } eof { exit 1 }
  send \"\x1d\"
  expect eof
  exit 0" >"$T/stays.log" 2>&1
ok "amtterm stays through a restart, and is told" same $? 0
ok "in one session" same "$(grep -c 'session.open .*target=pc1' "$T/gateway.log") $(grep -c 'session.end .*target=pc1' "$T/gateway.log")" "1 1"
ok "the log tells of it" has "$T/gateway.log" 'sol.lost target=pc1' && has "$T/gateway.log" 'sol.back target=pc1 .*users=1'
on client env TERM=vt100 expect -c "
  set timeout 30
  spawn -noecho amtterm -p nothing 10.71.2.13
  expect {amt> }
  send \"reboot\r\"
  expect eof {} timeout { exit 9 }
  exit 0" >"$T/leaves.log" 2>&1
ok "with reconnect = no it is disconnected" same $? 0
ok "without a word of ours" hasnt "$T/leaves.log" 'amtgate: plain'

# --- switched off under a client: it is let go of, and comes back
spawn term client expect -c "
  set timeout 90
  spawn -noecho amtterm -p nothing 10.71.2.10
  expect {amt> }
  expect {is being switched off} {} timeout { exit 9 } eof { exit 1 }
  expect {pc1 is back} {} timeout { exit 8 } eof { exit 1 }
  send \"echo back again\r\"
  expect -re {\nback again} {} timeout { exit 7 } eof { exit 1 }
  send \"\x1d\"
  expect eof
  exit 0"
within 15 has "$T/term.log" 'amt>'
ok "power off is not refused for a client's session" on gw timeout 40 "$BUILD/amtgate" -c "$T/amtgate.conf" power off pc1 --wait
ok "power on" on gw timeout 40 "$BUILD/amtgate" -c "$T/amtgate.conf" power on pc1 --wait
wait "${PIDS[term]}"
ok "the client is told, and goes on" same $? 0
unset 'PIDS[term]'

# --- 10 MiB of every byte value each way, at a machine that reads slowly
serialtool() { on gw timeout 150 python3 tests/system/tools/serial.py "$@"; }
ok "10 MiB of every byte value pasted at a door: none is lost" serialtool 127.0.0.1 7001 --sink 10 --timeout 120
ok "10 MiB read at a door: none is lost" serialtool 127.0.0.1 7001 --stream 10 --timeout 120
python3 - >"$T/paste" <<'PY'
import sys
sys.stdout.buffer.write(b"sink 10\r" + bytes(range(256)) * 40960)
PY
want=$(tail -c 10485760 "$T/paste" | sha256sum | cut -d' ' -f1)
on client env AMT_PASSWORD=x timeout 150 "$BUILD/amtgate" sol --state "$T/state-cli" -h 10.71.2.11 --idle 6 <"$T/paste" >"$T/sink.log" 2>&1
ok "and through 16995: none is lost" has "$T/sink.log" "took 10485760 bytes, sha256 $want"
printf 'stream 10 raw\r' | on client env AMT_PASSWORD=x timeout 150 "$BUILD/amtgate" sol --state "$T/state-cli" -h 10.71.2.10 --plain >"$T/stream.bin" 2>"$T/stream.err"
ok "10 MiB through 16994 come whole" python3 -c 'import hashlib, re, sys
d = open(sys.argv[1], "rb").read()
m = re.search(rb"begins --\r\n", d)
n = 10 << 20
sys.exit(hashlib.sha256(d[m.end():m.end() + n]).hexdigest().encode() not in d[m.end() + n:])' "$T/stream.bin"

# --- a reader that stops does not stall the one who types
cat >"$T/idle.py" <<'PY'
import socket, sys, time
first = socket.create_connection(("127.0.0.1", 7001)); first.settimeout(60)
time.sleep(0.3)
idle = socket.socket(); idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
idle.connect(("127.0.0.1", 7001))
first.sendall(b"\x15stream 8\r")
got = b""
end = time.monotonic() + 60
while b"stream ends" not in got[-400:] and time.monotonic() < end:
    part = first.recv(65536)
    if not part: sys.exit("closed")
    got = got[-400:] + part
if b"stream ends" not in got: sys.exit("stalled")
idle.settimeout(10)
seen = b""
while b"missing here" not in seen:
    part = idle.recv(65536)
    if not part: sys.exit("the slow one was closed")
    seen += part
PY
ok "a reader that stops does not stall the one who types, and is told what it lost" on gw timeout 90 python3 "$T/idle.py"

# --- the panic before anybody looked
ok "what the machine said before one looked is shown" serialtool 127.0.0.1 7002 --expect 'Kernel panic - not syncing'

# --- the gateway stops: in the protocol's words
spawn last client expect -c "set timeout 60; spawn -noecho amtterm -p nothing 10.71.2.10; expect {amt> }; expect eof; exit 0"
within 15 has "$T/last.log" 'amt>'
stop gateway
ok "the daemon stops in time" same "$status" 0
ok "and says so to a stock client" within 5 has "$T/last.log" 'the gateway is stopping'
