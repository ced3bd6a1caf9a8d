#!/usr/bin/env bash
# `amtgate sol`: in a terminal (tmux), as a pipe, straight to a machine and through the daemon; keys, characters, the
# log, a machine that restarts, and the terminal given back whatever happens.
. "$(dirname "$0")/lib.sh"
need tmux socat python3
lab router
sim pc1 10.71.2.10 --profile 12 --name pc1
sim pc2 10.71.2.11 --profile 16.1 --name pc2
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target pc1]
address = 10.71.2.10
sol_listen = tcp:127.0.0.1:7001
[target pc2]
address = 10.71.2.11
[target away]
address = 10.71.2.19
INI
export AMT_PASSWORD=$password
direct() { # ARGS...: from the machines' own network, where no gateway is in between; no configuration
  on amt "$BUILD/amtgate" sol --state "$T/state-cli" "$@"
}

# --- a pipe
printf 'echo through a pipe\r' | direct -h 10.71.2.11 >"$T/pipe.log" 2>"$T/pipe.err"
ok "a pipe: exit 0" same $? 0
ok "what is typed comes back" has "$T/pipe.log" '^through a pipe'
ok "nothing of ours is in it" hasnt "$T/pipe.log" 'amtgate:'
ok "the session was ended in order" within 5 has "$T/pc2.json" 'client ended the session'
printf 'echo for json\r' | on amt "$BUILD/amtgate" --json sol --state "$T/state-cli" -h 10.71.2.11 2>"$T/json.err" >"$T/json.log"
ok "--json: a summary on standard error" python3 -c 'import json, sys
d = json.loads(open(sys.argv[1]).read().splitlines()[-1])
sys.exit(not (d["tx_bytes"] == 14 and d["rx_bytes"] > 100 and d["device"] == "10.71.2.11:16995" and d["tls"] and d["status"] == 0))' "$T/json.err"

# Every byte value, 4 MiB of each way, and back-pressure: the console says the hash.
python3 - >"$T/paste" <<'PY'
import sys
sys.stdout.buffer.write(b"sink 4\r" + bytes(range(256)) * 16384)
PY
want=$(tail -c 4194304 "$T/paste" | sha256sum | cut -d' ' -f1)
direct -h 10.71.2.11 <"$T/paste" >"$T/sink.log" 2>&1
ok "a paste of 4 MiB of every byte value arrives whole" has "$T/sink.log" "took 4194304 bytes, sha256 $want"
printf 'stream 4 raw\r' | direct -h 10.71.2.11 >"$T/stream.bin" 2>"$T/stream.err"
ok "4 MiB of every byte value come whole" python3 -c 'import hashlib, re, sys
d = open(sys.argv[1], "rb").read()
m = re.search(rb"begins --\r\n", d)
body = d[m.end():m.end() + (4 << 20)]
sys.exit(hashlib.sha256(body).hexdigest().encode() not in d[m.end() + (4 << 20):])' "$T/stream.bin"

# --- the log
printf 'echo logged\r' | direct -h 10.71.2.11 --log "$T/console.log" --timestamps >/dev/null 2>&1
ok "--log and --timestamps" has "$T/console.log" '^20[0-9-]{8}T[0-9:.]{12}Z logged'
ok "the log is its owner's alone" same "$(stat -c %a "$T/console.log")" 600

# --- mistakes and exit codes
code() { local want=$1; shift; "$@" >"$T/code.log" 2>&1 </dev/null; same $? "$want"; }
ok "no machine: 2" code 2 on amt "$BUILD/amtgate" sol
ok "a wrong escape: 2" code 2 direct -h 10.71.2.11 --escape abc
ok "a wrong key style: 2" code 2 direct -h 10.71.2.11 --keys vt52
ok "nobody there: 3" code 3 direct -h 10.71.2.18
ok "in one line" same "$(grep -c . "$T/code.log")" 1
ok "wrong password: 4" code 4 on amt env AMT_PASSWORD=wrong "$BUILD/amtgate" sol --state "$T/state-cli" -h 10.71.2.11
ok "a certificate that is not the pinned one: 5" code 5 direct -h 10.71.2.11 --pin "$(printf 'ab%.0s' {1..32})"
mkfifo "$T/fifo"
exec 7<>"$T/fifo"
for _ in 1 2 3 4 5; do # a loaded machine may still be closing the session before
  ip netns exec "amtgate-$LAB-amt" "$BUILD/amtgate" sol --state "$T/state-cli" -h 10.71.2.11 <"$T/fifo" >"$T/holds.log" 2>&1 &
  PIDS[holds]=$!
  within 10 grep -qE 'simulated Intel|busy' "$T/holds.log"
  grep -q 'simulated Intel' "$T/holds.log" && break
  sleep 1
done
ok "a machine whose session is taken: 1" code 1 direct -h 10.71.2.11
stop holds
exec 7>&-
ok "through the daemon, no such target: 1 or 2" sh -c "! ip netns exec amtgate-$LAB-gw '$BUILD/amtgate' -c '$T/amtgate.conf' sol nothere </dev/null 2>'$T/nothere.log'"

# --- through the daemon
printf 'echo by the daemon\r' | ctl sol pc1 >"$T/daemon.log" 2>&1
ok "through the daemon, which holds the session" has "$T/daemon.log" '^by the daemon'
printf 'echo own session\r' | ctl sol pc2 >"$T/own.log" 2>&1
ok "and to a machine whose session it does not hold" has "$T/own.log" '^own session'

# --- in a terminal
TM() { tmux -S "$T/tmux" -f /dev/null "$@"; }
screen() { TM capture-pane -p -t "$1" 2>/dev/null; }
shows() { screen "$1" | grep -qE -- "$2"; } # WINDOW REGEX
CLEAN+=("tmux -S $T/tmux kill-server 2>/dev/null")
window() { # NAME COMMAND...: a shell in it, which says when the command has ended, and with what
  local n=$1
  shift
  printf 'sh -c "echo \\$\\$ >%s; exec %s"; echo "status $?"; stty -a | tr ";" "\\n" | grep -qE "^ *-icanon| -icanon" && echo raw || echo cooked; exec cat\n' "$T/$n.pid" "$*" >"$T/$n.sh"
  TM new-session -d -s "$n" -x 100 -y 40 "ip netns exec amtgate-$LAB-amt env LC_ALL=C.UTF-8 AMT_PASSWORD='$password' sh $T/$n.sh"
}
sol="$BUILD/amtgate sol --state $T/state-cli -h 10.71.2.11"
window t1 "$sol"
ok "in a terminal: help is announced" within 15 shows t1 'amtgate: 10.71.2.11: \^\] \? for help'
TM send-keys -t t1 'echo typed here' Enter
ok "typing and reading" within 10 shows t1 '^typed here'
TM send-keys -t t1 C-] '?'
ok "help" within 5 shows t1 'ends.*status.*keys'
TM send-keys -t t1 C-] s
ok "status" within 5 shows t1 'amtgate: 10.71.2.11 at 10.71.2.11:16995, TLS.*bytes read'
TM send-keys -t t1 C-] b
ok "break says that there is none" within 5 shows t1 'a break cannot be sent'
ok "the window has a title" same "$(TM display-message -p -t t1 '#{pane_title}')" "10.71.2.11 serial console"
TM send-keys -t t1 C-] .
ok "ends with 0" within 10 shows t1 'status 0'
ok "and the terminal as it was" within 5 shows t1 'cooked'

# Keys: the console shows what it got; ESC is not printable, so a byte sink tells.
keys() { # NAME STYLE KEY... -> what came, in hex
  local n=$1 style=$2
  shift 2
  window "$n" "$sol --keys '$style'"
  within 15 shows "$n" 'amt>$' || return 1
  TM send-keys -t "$n" 'hex' Enter
  within 5 shows "$n" '^hex:' || return 1
  TM send-keys -t "$n" "$@"
}
quit() { TM send-keys -t "$1" C-] . && within 10 shows "$1" 'status 0'; }
keys k1 vt100+ F1 F10 F12 Home DC PPage Up
ok "F1 F10 F12 Home Del PgUp Up for VT100+ are ESC 1 0 @ h - ? [A" within 5 shows k1 '1b 31 1b 30 1b 40 1b 68 1b 2d 1b 3f 1b 5b 41'
quit k1
keys k2 vt100 F1 F3 End
ok "for VT100" within 5 shows k2 '1b 4f 50 1b 4f 77 1b 5b 4b'
quit k2
keys k3 linux F1 Home BSpace
ok "for a Linux console" within 5 shows k3 '1b 5b 5b 41 1b 5b 31 7e 7f'
quit k3

# Characters: a BIOS's frame in CP437.
window c1 "$sol --charset cp437"
within 15 shows c1 'amt>$'
TM send-keys -t c1 'frame' Enter
ok "CP437 on a UTF-8 terminal" within 5 shows c1 '╔═══╗'
quit c1

# Killed, the terminal is given back.
window x1 "$sol"
within 15 shows x1 'amt>$'
kill -TERM "$(cat "$T/x1.pid")"
ok "terminated: the terminal is as it was" within 10 shows x1 'cooked'
window x2 "$sol"
within 15 shows x2 'amt>$'
kill -SEGV "$(cat "$T/x2.pid")"
ok "crashed: too" within 10 shows x2 'cooked'

# --- a machine that restarts
window h1 "$sol --hold"
within 15 shows h1 'amt>$'
TM send-keys -t h1 'reboot' Enter
ok "--hold: it says that the machine is away" within 20 shows h1 'it is tried again'
ok "and comes back" within 60 shows h1 'amtgate: 10.71.2.11 is back after'
TM send-keys -t h1 'echo still here' Enter
ok "with the console" within 10 shows h1 '^still here'
TM send-keys -t h1 C-] .
ok "without --hold it ends: 1" within 10 shows h1 'status 0'
window h2 "$sol"
within 15 shows h2 'amt>$'
TM send-keys -t h2 'reboot' Enter
ok "without --hold it ends, with 1" within 15 shows h2 'status 1'
ok "and the terminal as it was after that too" within 5 shows h2 'cooked'
