#!/usr/bin/env bash
# The serial console of a machine that the gateway holds: its TCP, telnet and pseudo-terminal doors, the ring, the log,
# one writer and many readers, stock clients beside them, resets, power and reloads.
. "$(dirname "$0")/lib.sh"
need socat telnet picocom amtterm expect tmux
lab router
sim pc1 10.71.2.10 --profile 12 --name pc1
sim pc2 10.71.2.11 --profile 16.1 --name pc2
mkdir -p "$T/log"
chown nobody "$T/log"
conf() { # EXTRA LINE of pc1
  cat <<INI
[defaults]
password = $password
[target pc1]
address = 10.71.2.10
allow = 10.71.1.0/24 127.0.0.0/8 ::1
sol_listen = tcp:127.0.0.1:7001 telnet:[::1]:7002 telnet:127.0.0.1:7004
sol_listen = pty:$T/tty/pc1 tcp:10.71.1.1:7005
sol_log = $T/log/pc1.log
${1:-}
[target pc2]
address = 10.71.2.11
allow = 127.0.0.0/8
sol_listen = tcp:127.0.0.1:7003
sol_buffer = 0
INI
}
gateway < <(conf)
session_of() { ask sessions | python3 -c 'import json, sys
for s in json.load(sys.stdin)["data"]:
    print(s["target"], s["service"], s["client"].split(":")[0], s["state"], s["role"])'; }
listed() { session_of | grep -qxE "$1"; }

# --- held from the beginning
ok "the gateway holds the session of a target with a log" within 10 listed "pc1 sol sol_log open holds"
ok "and none of one whose sol_buffer is 0" not listed "pc2 .*"
ok "the console's greeting is in the log" within 5 has "$T/log/pc1.log" 'pc1: simulated Intel AMT'
ok "each line of it with the time" has "$T/log/pc1.log" '^20[0-9-]{8}T[0-9:.]{12}Z '
ok "the log is its owner's alone" same "$(stat -c %a "$T/log/pc1.log")" 600

# --- a late reader sees the ring; bytes go both ways
talk() { # NAME ADDRESS PORT ARGS...
  local n=$1
  shift
  on gw python3 tests/system/tools/serial.py "$@" >"$T/$n.log" 2>&1
}
ok "who comes late is shown what was said" talk late 127.0.0.1 7001 --expect 'pc1: simulated Intel AMT'
ok "a plain TCP client types and reads" talk tcp 127.0.0.1 7001 --say 'echo by tcp\r' --expect '\nby tcp\r'

# --- telnet
telnet_to() { # NAME ADDRESS PORT TEXT ANSWER
  on gw env TEXT="$4" ANSWER="$5" expect -c "
    set timeout 15
    spawn -noecho telnet $2 $3
    expect -re {Escape character is}
    after 300
    foreach c [split \$env(TEXT) {}] { send -- \$c; after 10 }
    expect -re \$env(ANSWER) {} timeout { exit 9 } eof { exit 1 }
    send \"\x1d\"
    expect -re {telnet>}
    send \"quit\r\"
    expect eof
    exit 0" >"$T/$1.log" 2>&1
}
ok "telnet: character at a time, no echo of its own" telnet_to telnet ::1 7002 $'echo by telnet\r' 'echo by telnet\r\n(\r\n)?by telnet\r'
cat >"$T/rfc2217.py" <<'PY'
import socket, sys
s = socket.create_connection(("::1", 7002), 5)
s.settimeout(5)
IAC, SB, SE, WILL, DO, COM = 255, 250, 240, 251, 253, 44
seen = b""
def want(part):
    global seen
    while part not in seen:
        got = s.recv(4096)
        if not got: sys.exit("closed before %r" % part)
        seen += got
want(bytes([IAC, WILL, 1])); want(bytes([IAC, WILL, 0])); want(bytes([IAC, DO, 0]))
s.sendall(bytes([IAC, DO, 0, IAC, WILL, 0, IAC, WILL, COM]))
want(bytes([IAC, DO, COM]))
s.sendall(bytes([IAC, SB, COM, 1, 0, 0, 0x25, 0x80, IAC, SE]))
want(bytes([IAC, SB, COM, 101, 0, 0, 0x25, 0x80, IAC, SE]))
s.sendall(bytes([IAC, SB, COM, 5, 5, IAC, SE]))
want(bytes([IAC, SB, COM, 105, 5, IAC, SE]))
want(b"a break cannot be sent")
want(bytes([IAC, SB, COM, 107, 0xb0, IAC, SE]))
s.sendall(b"echo rfc2217\r")
want(b"\nrfc2217")
PY
ok "RFC 2217: baud rate, break, modem lines" on gw timeout 20 python3 "$T/rfc2217.py"

cat >"$T/pyserial.py" <<'PY'
import serial, sys
s = serial.serial_for_url("rfc2217://127.0.0.1:7004", baudrate=9600, timeout=5)
s.baudrate = 115200
s.dtr = True
s.rts = False
if not (s.cd and s.dsr and s.cts):
    sys.exit("the modem lines say that the machine is not there")
s.write(b"echo by pyserial\r")
if not s.read_until(b"\nby pyserial\r").endswith(b"\nby pyserial\r"):
    sys.exit("no answer")
s.close()
PY
ok "pyserial as an RFC 2217 client: settings, modem lines, bytes" on gw timeout 30 /usr/bin/python3 "$T/pyserial.py"

# --- a pseudo-terminal
ok "the terminal's link is there" test -c "$T/tty/pc1"
ok "for the daemon's account and group alone" same "$(stat -Lc '%a %U' "$T/tty/pc1")" "660 nobody"
on gw env TERM=vt100 expect -c "
  set timeout 15
  spawn -noecho picocom -l -q -b 115200 $T/tty/pc1
  after 500
  send \"echo by pico\r\"
  expect -re {\nby pico\r} {} timeout { exit 9 } eof { exit 1 }
  exec cp /dev/stdin $T/roles.txt << [exec $BUILD/amtgate -c $T/amtgate.conf sessions]
  send \"\x01\x18\"
  expect eof
  exit 0" >"$T/picocom.log" 2>&1
ok "picocom types and reads" same $? 0
ok "it is listed as a session" has "$T/roles.txt" "pty:$T/tty/pc1"
ok "until it closes the terminal" within 5 not listed "pc1 sol pty .*"
on gw expect -c "set timeout 15; spawn -noecho picocom -l -q $T/tty/pc1; after 300; send \"echo again\r\"
  expect -re {\nagain\r} {} timeout { exit 9 }; send \"\x01\x18\"; expect eof" >"$T/picocom2.log" 2>&1
ok "and opens it again" same $? 0

# --- who may
ok "the door at an address takes whom allow names" on client python3 tests/system/tools/serial.py 10.71.1.1 7005 --expect 'simulated Intel' >"$T/allowed.log"
on other timeout 20 socat -t 2 - TCP:10.71.1.1:7005 </dev/null >"$T/denied.log" 2>&1
ok "others are told that they may not" has "$T/denied.log" 'may not use pc1'
ok "and it is in the log" has "$T/gateway.log" 'client.denied.*target=pc1'

# --- one writer, many readers, a stock client among them
spawn first gw python3 tests/system/tools/serial.py 127.0.0.1 7001 --say 'echo first is here\r' --stay
ok "the first one types" within 10 has "$T/first.log" '^first is here'
ok "it is listed so" within 5 listed "pc1 sol 127.0.0.1 open types"
talk second 127.0.0.1 7001 --say 'echo second\r' --expect 'is dropped\]'
ok "the second is told who types" has "$T/second.log" 'you look on; 127.0.0.1:[0-9]+ types'
ok "and that what it types is dropped" has "$T/second.log" 'what you type is dropped'
ok "which it is" hasnt "$T/first.log" '^second'
amtterm_on client amtterm-reads 20 '' 'simulated Intel' -p nothing 10.71.2.10
ok "amtterm joins while the gateway holds the session" same $? 0
stop first
ok "amtterm types when nobody else does" amtterm_on client amtterm-types 20 $'echo by amtterm\r' 'by amtterm.*by amtterm' -p nothing 10.71.2.10
ok "its output is in the log" within 5 has "$T/log/pc1.log" '^20.*Z by amtterm'

# --- reset while attached
spawn stays gw python3 tests/system/tools/serial.py 127.0.0.1 7001 --say 'reboot\r' --stay
ok "a user stays when the machine restarts, and is told" within 15 has "$T/stays.log" 'amtgate: pc1 went away'
ok "and that it is back" within 40 has "$T/stays.log" 'amtgate: pc1 is back after 0:'
ok "with its output" within 5 has <(sed '1,/is back/d' "$T/stays.log") 'simulated Intel'
stop stays

# --- power off goes through, since the session is let go of for it
spawn looks gw python3 tests/system/tools/serial.py 127.0.0.1 7001 --stay
within 5 listed "pc1 sol 127.0.0.1 open types"
ok "power off is not refused for the gateway's own session" on gw timeout 40 "$BUILD/amtgate" -c "$T/amtgate.conf" power off pc1 --wait
ok "users are told" has "$T/looks.log" 'amtgate: pc1 is being switched off'
ok "and the session comes back" within 20 listed "pc1 sol sol_log open holds"

# --- ended by hand, the gateway's own session begins anew
held() { ctl sessions --json | python3 -c 'import json, sys; print([s["id"] for s in json.load(sys.stdin) if s["role"] == "holds" and s["target"] == "pc1"][0])'; }
ok "the held session can be ended" ctl end "$(held)"
ok "users are told" within 5 has "$T/looks.log" 'pc1 session was ended by hand'
ok "and it comes back" within 10 listed "pc1 sol sol_log open holds"

# --- reload
stop looks
mv "$T/log/pc1.log" "$T/log/pc1.old"
conf "sol_buffer = 64k" | sed 's/tcp:127.0.0.1:7001/tcp:127.0.0.1:7009/' | configure
kill -HUP "${PIDS[gateway]}"
ok "a door that is new is open" within 5 listens gw 7009
ok "one that has gone is closed" within 5 not listens gw 7001
ok "the console goes on" talk reload 127.0.0.1 7009 --say 'echo after the reload\r' --expect '\nafter the reload'
ok "the log is a new file" within 5 has "$T/log/pc1.log" 'after the reload'
ok "and the old one is left alone" hasnt "$T/log/pc1.old" 'after the reload'

# --- not held: opened for who attaches
ok "a session that is not held opens for its user" talk demand 127.0.0.1 7003 --say 'echo on demand\r' --expect '\non demand'
ok "and ends behind it" within 10 not listed "pc2 .*"

# --- what does not work is in the status
problem() { ctl status | grep -qE "^problem: $1"; }
spawn taken gw socat TCP-LISTEN:7010,bind=127.0.0.1 -
mkdir "$T/log/folder"
within 5 listens gw 7010
conf | sed "s|:7003|:7010|; s|sol_log = .*|sol_log = $T/log/folder|" | configure
kill -HUP "${PIDS[gateway]}"
ok "a door that cannot be opened" within 5 problem 'pc2: sol_listen tcp:127.0.0.1:7010: .*in use'
ok "the machine says something for its log" talk unlogged 127.0.0.1 7001 --say 'echo not in the log\r' --expect '\nnot in the log'
ok "a log that cannot be written" within 5 problem "pc1: sol_log $T/log/folder: Is a directory"
ok "as JSON at the targets, which are ready" python3 -c 'import json, sys
t = {t["name"]: t for t in json.load(sys.stdin)["targets"]}
assert t["pc1"]["state"] == t["pc2"]["state"] == "ready", t
assert [p.split()[0] for p in t["pc1"]["problems"]] == ["sol_log"], t
assert [p.split()[0] for p in t["pc2"]["problems"]] == ["sol_listen"], t' < <(ctl --json status)
stop taken
ok "the door opens when its port is free" within 10 listens gw 7010
ok "and is no problem any more" within 5 not problem pc2
conf | configure
kill -HUP "${PIDS[gateway]}"
ok "a log that can be written: none is left" within 5 not problem .

# --- ends
stop gateway
ok "the daemon stops in time" same "$status" 0
ok "the terminal's link is taken away" not test -L "$T/tty/pc1"
ok "the session was ended in order" within 5 has "$T/pc1.json" 'client ended the session'
