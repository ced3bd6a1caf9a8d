#!/usr/bin/env bash
# Stock programs at the doors of a serial console (sol_listen): every byte value both ways, pastes of 10 MiB, breaks; and a
# terminal that one program leaves behind is as the next one wants it.
. "$(dirname "$0")/lib.sh"
need socat plink inetutils-telnet conserver console picocom cu minicom screen expect setpriv
lab router
sim pc1 10.71.2.10 --profile 12 --name pc1 --log "$T/pc1.json"
mkdir "$T/tty" "$T/home"
chown nobody "$T/tty"
gateway <<INI
[target pc1]
address = 10.71.2.10
password = $password
allow = 127.0.0.0/8
sol_buffer = 0
sol_listen = tcp:127.0.0.1:7001 telnet:127.0.0.1:7002 pty:$T/tty/pc1
INI
export HOME=$T/home TERM=vt100 LC_ALL=C SCREENDIR=$T/screen
install -d -m 700 -o games "$T/home" "$T/screen"
free() { not has <(ctl sessions) 'pc1'; }
type_in() { # NAME ARGUMENTS of tools/terminal.py: at a console of its own
  local n=$1
  shift
  within 30 free || { echo "the console is not free"; return 1; }
  on gw /usr/bin/python3 tests/system/tools/terminal.py --timeout 100 "$@" >"$T/$n.log" 2>&1 || { tail -c 600 "$T/$n.log"; return 1; }
}
all="--sink 10 --stream 10 --bytes"
# In the daemon's group, and no more than that: root opens what others may not.
person="setpriv --reuid games --regid $(id -gn nobody) --clear-groups"

# --- plain TCP
ok "socat over TCP: 10 MiB each way, all pairs of bytes" type_in socat $all -- socat - TCP:127.0.0.1:7001
ok "plink -raw" type_in plink-raw $all -- plink -raw -P 7001 127.0.0.1

# --- telnet
ok "plink -telnet" type_in plink-telnet $all -- plink -telnet -P 7002 127.0.0.1
ok "telnet -8" type_in telnet8 --pty --ready 'amt> ' $all -- inetutils-telnet -8 -E 127.0.0.1 7002
ok "telnet, asked for nothing: BINARY all the same" type_in telnet --pty --ready 'amt> ' $all -- inetutils-telnet -E 127.0.0.1 7002
no_break='a break cannot be sent'
on gw expect -c "
  set timeout 30
  spawn -noecho inetutils-telnet 127.0.0.1 7002
  expect {amt> }
  send \"\x1d\"
  expect {telnet> }
  send \"send brk\r\"
  expect {$no_break} {} timeout { exit 9 } eof { exit 1 }
  send \"\x1d\"
  expect {telnet> }
  send \"quit\r\"
  expect eof
  exit 0" >"$T/brk.log" 2>&1
ok "its break: it is said that there is none" same $? 0
cat >"$T/rfc2217.py" <<'PY'
import os, sys, threading, serial
s = serial.serial_for_url("rfc2217://127.0.0.1:7002", baudrate=115200, timeout=0.1)
def typed():
    while part := os.read(0, 65536):
        s.write(part)
threading.Thread(target=typed, daemon=True).start()
while True:
    got = s.read(max(1, s.in_waiting))
    if got: os.write(1, got)
PY
ok "pyserial as an RFC 2217 client" type_in pyserial $all -- /usr/bin/python3 "$T/rfc2217.py"
cat >"$T/break.py" <<'PY'
import sys, serial
s = serial.serial_for_url("rfc2217://127.0.0.1:7002", timeout=30)
s.break_condition = True  # returns when the server has answered, raises when it has not
s.break_condition = False
if not s.read_until(sys.argv[1].encode()).endswith(sys.argv[1].encode()): sys.exit("nothing was said")
s.write(b"echo behind it\r")
if not s.read_until(b"\nbehind it").endswith(b"\nbehind it"): sys.exit("it does not go on")
PY
within 30 free
ok "its SET-CONTROL for a break is answered, and it is said that there is none" on gw timeout 60 /usr/bin/python3 "$T/break.py" "$no_break"

# --- conserver. Its escape is ^Ec. It refuses BINARY and sends a CR without the NUL of RFC 854: of CR NUL and CR LF, which
# are one key then, the second byte cannot come through.
cat >"$T/conserver.cf" <<CF
config * { sslrequired no; defaultaccess trusted; }
access * { trusted 127.0.0.1; }
default all { master localhost; type host; host 127.0.0.1; rw *; options ondemand, !ixon, !ixoff; }
console raw { include all; port 7001; protocol raw; }
console telnet { include all; port 7002; protocol telnet; }
CF
spawn conserver gw conserver -C "$T/conserver.cf" -P /dev/null -M 127.0.0.1 -p 7782 -b 7800 -L "$T/conserver.out" -n
within 15 listens gw 7782
cons="console -M 127.0.0.1 -p 7782 -l root -E"
ok "conserver over TCP" type_in conserver-raw --pty --ready 'for help' $all --not 0563 -- $cons raw
ok "conserver over telnet" type_in conserver-telnet --pty --ready 'for help' $all --not 0563,0d00,0d0a -- $cons telnet
ok "its break: it is said that there is none" type_in conserver-break --pty --ready 'for help' --say '\x05cl0' --expect "$no_break" -- $cons telnet
stop conserver

# --- the pseudo-terminal
tty=$T/tty/pc1
ok "socat at the terminal" type_in pty $all -- $person socat - "FILE:$tty,rawer"
ok "picocom" type_in picocom --pty --ready 'Terminal ready' $all -- $person picocom -l -n -b 115200 "$tty"
# Its escape is ~ behind what ends a line, which is ^C, ^D, ^O, ^Q, ^R, ^S, ^U and NUL too; it takes a minute for 10 MiB.
ok "cu" type_in cu --pty --ready Connected --sink 1 --stream 1 --bytes --not 007e,0d7e,157e,037e,0f7e,047e,137e,117e,127e -- $person cu -l "$tty" -s 115200 --nostop
# These two draw a screen of their own: what they show is looked at, not each byte.
ok "minicom" type_in minicom --pty --ready 'amt> ' --say 'echo by minicom\r' --expect 'echo by minicom\s.*by minicom' -- $person minicom -o -D "$tty" -b 115200
ok "screen" type_in screen --pty --ready 'amt> ' --say 'echo by screen\r' --expect 'echo by screen\s.*by screen' -- $person screen -S amtgate -c /dev/null "$tty" 115200
on gw $person screen -S amtgate -X quit >/dev/null
ok "behind screen, which wants a terminal to itself, another one opens it" type_in again --say 'echo again\r' --expect '\nagain' -- $person socat - "FILE:$tty,rawer"
# It opens the terminal, sets it, and types a command whose output the terminal types again, for ever; it reads nothing.
cat >"$T/cooked.sh" <<'SH'
exec 3<>"$1"
stty sane <&3
printf 'help\r' >&3
sleep 3
stty -a <&3
SH
on gw $person sh "$T/cooked.sh" "$tty" >"$T/cooked.log" 2>&1
ok "one leaves it in lines, with an echo, and the machine talking to itself" has "$T/cooked.log" ' echo '
ok "it is raw again for the next one" type_in raw --say '\recho raw\r' --expect '\nraw' --bytes -- $person socat - "FILE:$tty"

# A script types and is gone before the session with the machine stands.
within 30 free
on gw $person sh -c "printf 'reboot\r' >$tty"
ok "what a script types at the terminal and leaves arrives" has "$T/pc1.json" '"event":"reboot"'
