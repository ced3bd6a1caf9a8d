#!/usr/bin/env bash
# Stock viewers with a German and a US keyboard type on a PC with a German and a French one: what its operating system gets
# is what was typed. gvncviewer and TigerVNC send key positions (QEMU's key events), xtightvncviewer sends keysyms.
. "$(dirname "$0")/lib.sh"
need gvncviewer xtigervncviewer xtightvncviewer Xvfb xdotool setxkbmap xprop
lab router
sim de 10.71.2.10 --profile 16.1 --still --size 800x600 --keyboard de
sim fr 10.71.2.11 --profile 16.1 --still --size 800x600 --keyboard fr
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target de]
address = 10.71.2.10
keyboard = de
[target fr]
address = 10.71.2.11
keyboard = fr
INI
x_start client
x() { on client env DISPLAY="$screen" "$@"; }
# Xvfb forgets its layout when the last client goes.
spawn stay client env DISPLAY="$screen" xprop -root -spy
within 10 grep -q us "$T/stay.log"
layout() { x setxkbmap -layout "$1"; }

text() { # SIM: all that its operating system got since the mark
  python3 - "$T/$1.json" "$(cat "$T/$1.mark" 2>/dev/null || echo 0)" <<'PY'
import json, sys
lines = open(sys.argv[1]).readlines()[int(sys.argv[2]):]
print("".join(json.loads(l)["text"] for l in lines if '"event":"text"' in l))
PY
}
mark() { wc -l <"$T/$1.json" >"$T/$1.mark"; }
got() { [ "$(text "$1")" = "$2" ]; }
arrives() { # SIM TEXT: that very text
  within 20 got "$1" "$2" || { echo "  '$2' came as '$(text "$1")'"; return 1; }
}
view() { # NAME SIM COMMAND...
  local n=$1 s=$2
  shift 2
  mark "$s"
  spawn "$n" client env DISPLAY="$screen" NO_AT_BRIDGE=1 LC_ALL=C.UTF-8 "$@"
  within 20 drawn "$s"
  # No window manager: the keyboard is where the pointer is.
  within 20 pointed "$s" || { echo "the viewer has no keyboard"; return 1; }
  mark "$s"
}
since() { tail -n +"$(($(cat "$T/$1.mark") + 1))" "$T/$1.json"; } # SIM: what happened since the mark
drawn() { since "$1" | grep -q '"event":"update"'; }
pointed() {
  x xdotool mousemove $((650 + RANDOM % 100)) 450
  x xdotool windowfocus "$(x xdotool getmouselocation --shell | sed -n 's/WINDOW=//p')"
  sleep 0.2
  since "$1" | grep -q '"event":"pointer"'
}
closed() { since "$1" | grep -q '"event":"close"'; }
types() { x xdotool type --delay 40 "$1"; }
left() { since "$1" | grep -q keys_left; }
leave() { # NAME SIM
  stop "$1"
  within 15 closed "$2" || echo "  the machine's session goes on"
  ok "$1: no key is left down" not left "$2"
}
# Only what the viewer's keyboard has: for others xdotool changes the layout while it types, and viewers are late.
german='zyZY öäüß "§/()=?+*#<>|@€{[]}~µ²'
for v in gvncviewer xtigervncviewer xtightvncviewer; do
  layout de
  view $v-de de $v 10.71.2.10
  types "$german"
  ok "$v, German, to a German PC" arrives de "$german"
  mark de
  x xdotool key dead_acute e dead_circumflex space
  ok "$v, German, dead keys" arrives de 'é^'
  leave $v-de de
done
layout de
view tight-fr fr xtightvncviewer 10.71.2.11
types 'azerty AQWM 1290 @{}[]|~ € $ <> äöü'
ok "keysyms from Germany to France" arrives fr 'azerty AQWM 1290 @{}[]|~ € $ <> äöü'
leave tight-fr fr
layout us
view tight-us de xtightvncviewer 10.71.2.10
types 'The {quick} [brown] fox@example.org: 50% ~/|<>\ "x" = y^z'
ok "keysyms from the USA to Germany" arrives de 'The {quick} [brown] fox@example.org: 50% ~/|<>\ "x" = y^z'
leave tight-us de
