#!/usr/bin/env bash
# The simulator with stock clients at length, directly: Debian's amtterm through streams, a reboot and odd messages, and
# gvncviewer on port 5900. (simulator.sh has the other clients.)
. "$(dirname "$0")/lib.sh"
need amtterm expect python3
lab router
a=10.71.2

# --- amtterm, with its standard output in a file: on a terminal it loses what does not fit at once
sim old $a.10 --profile 8 --boot-time 5
on client env TERM=vt100 expect -c "
  set timeout 40
  spawn -noecho sh -c {amtterm -p '$password' $a.10 >$T/stream.out 2>&1}
  proc wait_for {words} { for {set i 0} {\$i < 300 && [catch {exec grep -aq \$words $T/stream.out}]} {incr i} { after 100 } }
  wait_for amt>; after 300; send \"stream 2\r\"; wait_for {stream ends, sha256}; after 300; send \"\x1d\"; expect eof" >/dev/null 2>&1
python3 - "$T/stream.out" <<'PY'
import hashlib, re, sys
d = open(sys.argv[1], 'rb').read()
m = re.search(rb'-- stream of (\d+) bytes begins --\r\n', d)
n = int(m.group(1))
s = re.search(rb'-- stream ends, sha256 ([0-9a-f]{64})', d[m.end() + n:])
sys.exit(0 if s and hashlib.sha256(d[m.end():m.end() + n]).hexdigest().encode() == s.group(1) else 1)
PY
ok "two megabytes reach amtterm with the right SHA-256" same $? 0
ok "it knows control lines and power" has "$T/stream.out" 'loopback'
ok "the log tells of the session" has "$T/old.json" '"event":"auth","ok":true,"user":"admin","method":1'
ok "and of its end" within 5 has "$T/old.json" 'client ended the session'
ok "no password in the log" hasnt "$T/old.json" 'P@ss'

amtterm_on client reboot 20 $'reboot\r' 'rebooting' -p "$password" $a.10
ok "reboot ends the session" within 5 has "$T/old.json" '"reason":"reboot"'
ok "the ports are closed meanwhile" not listens amt 16994
ok "and it comes back" within 6 has "$T/old.json" '"event":"booted"'
within 10 listens amt 16994 # the ports open behind that line
ok "amtterm works after the reboot" amtterm_on client again 20 $'echo back\r' 'back.*back' -p "$password" $a.10

sim odd $a.11 --profile 8 --fault stream:unknown:30 --heartbeats 300
ok "0x29 and heartbeats in mid-stream disturb nobody" amtterm_on client odd 20 $'echo still\r' 'still.*still' -p "$password" $a.11

# --- a stock viewer on 5900
command -v gvncviewer >/dev/null && command -v Xvfb >/dev/null && command -v import >/dev/null || exit 0
sim vnc $a.15 --profile 11 --still --size 640x480 --frame-file "$T/vnc.ppm"
display=$((2000 + $$ % 20000))
spawn xvfb client Xvfb ":$display" -screen 0 1024x768x24 -nolisten tcp
within 10 test -S "/tmp/.X11-unix/X$display"
spawn viewer client env DISPLAY=":$display" NO_AT_BRIDGE=1 gvncviewer $a.15:0
ok "gvncviewer connects to 5900" within 10 has "$T/vnc.json" '"door":"rfb"'
x() { on client env DISPLAY=":$display" xdotool "$@" >/dev/null 2>&1; }
# There is no window manager: the dialogue gets the keys only when it is given the focus.
focus() { x search --onlyvisible --name "$1" windowfocus --sync; }
within 10 focus 'uthent'
x type --delay 30 'P@ssw0rd'
x key Return
if ok "it logs in with the VNC password" within 10 has "$T/vnc.json" '"event":"rfb".*"security":2'; then
  ok "it asks for the screen" within 10 has "$T/vnc.json" '"event":"update"'
  shown() {
    on client env DISPLAY=":$display" import -window root -depth 8 "$T/viewer.ppm"
    python3 tests/system/tools/picture_match.py "$T/viewer.ppm" "$T/vnc.ppm"
  }
  ok "it shows the simulator's picture" within 10 shown
  focus 10.71.2.15
  x mousemove 300 300
  x key a
  ok "its key is HID 4" within 5 has "$T/vnc.json" '"event":"key","down":true,"keysym":97,"hid":4'
fi
stop viewer
stop xvfb
