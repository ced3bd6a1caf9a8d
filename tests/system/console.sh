#!/usr/bin/env bash
# console: to the firmware's set-up, an image, the network or what is there; each step failing; Ctrl-C in each.
# LIMIT=700
. "$(dirname "$0")/lib.sh"
need gvncviewer Xvfb xdotool xwd expect
lab router
export XDG_STATE_HOME=$T/state-of-root # what programs without a gateway remember
head -c 2500608 /dev/urandom >"$T/cd.iso"
head -c 1474560 /dev/urandom >"$T/floppy.img"
sim pc1 10.71.2.10 --profile 12 --still --power-time 300 --boot-time 1 --closing 300 --ider sequential --size 800x600 --frame-file "$T/pc1.ppm"
sim pc2 10.71.2.11 --profile 12 --still --off ider --power-time 300
sim slow 10.71.2.12 --profile 12 --still --power-time 600000
sim modern 10.71.2.14 --profile 16.1 --still --power-time 300 --boot-time 1
for n in 20 21 22 23 24; do on amt ip address add "10.71.2.$n/24" dev eth0; done
# What changes something is counted: 1 off, 4 for a boot source, 1 on; or 4 and a reset.
sim no-on 10.71.2.15 --profile 12 --still --power-time 300 --fault wsman:refuse:5:1
sim no-reset 10.71.2.16 --profile 12 --still --power-time 300 --fault wsman:refuse:4:1
sim no-boot 10.71.2.17 --profile 12 --still --power-time 300 --fault wsman:refuse:1:1
sim silent 10.71.2.18 --profile 12 --still --power-time 300 --fault wsman:stall:5:1
sim never-back 10.71.2.19 --profile 12 --still --boot-time 3600
sim broken-off 10.71.2.20 --profile 12 --still --boot-time 3600
sim asks 10.71.2.21 --profile 12 --still --power-time 300 --consent
sim stalls 10.71.2.22 --profile 12 --still --power-time 300 --fault open:stall
sim idles 10.71.2.23 --profile 12 --still --latency 700
sim dawdles 10.71.2.24 --profile 12 --still --power-time 8000
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24 10.71.2.1
$(n=15; for t in no-on no-reset no-boot silent never-back broken-off asks stalls idles dawdles; do printf '[target %s]\naddress = 10.71.2.%s\n' "$t" "$((n++))"; done)
[target pc1]
address = 10.71.2.10
tags = lab
[target pc2]
address = 10.71.2.11
[target slow]
address = 10.71.2.12
[target modern]
address = 10.71.2.14
[target lost]
address = 10.71.2.99
[target wrong]
address = 10.71.2.13
password = Wr0ng!wrong
INI
sim pc3 10.71.2.13 --profile 12 --still

# A viewer that says what it was given, and is there until $T/close; it ends with what is in it.
cat >"$T/viewer" <<VIEWER
#!/bin/sh
echo "\$*" >>"$T/viewed"
while [ ! -e "$T/close" ]; do sleep 0.05; done
exit "\$(cat "$T/close")"
VIEWER
chmod +x "$T/viewer"
echo 0 >"$T/close"
run() { # WANTED ARGUMENTS of amtgate console: its exit code, steps and errors in code.err
  local want=$1
  shift
  : >"$T/viewed"
  ctl console --viewer "$T/viewer" "$@" >"$T/code.out" 2>"$T/code.err"
  same $? "$want" || { cat "$T/code.err"; return 1; }
}
steps() { sed -nE 's/^[^:]*: [0-9]+\/[0-9]+ ([a-z]+): .*/\1/p' "$T/${1:-code.err}" | tr '\n' ' '; }
state() { ctl --json power state "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["power"])'; }
armed() { ctl --json boot state "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["boot"])'; }
booted() { json_event "$T/$1.json" boot 'e["from"]' ; } # from what it started last
said() { has "$T/code.err" "^$1"; }
begin() { # NAME ARGUMENTS: in the background, with a viewer that stays
  local n=$1
  shift
  rm -f "$T/close"
  : >"$T/viewed"
  spawn "$n" gw "$BUILD/amtgate" -c "$T/amtgate.conf" console --viewer "$T/viewer" "$@"
}
viewed() { test -s "$T/viewed"; }

# --- what would be done
ok "--dry-run: exit 0" ctl console pc1 --boot "cd=$T/cd.iso" --vnc --dry-run >"$T/plan"
ok "all the steps" same "$(sed -nE 's/^[0-9]\/7 ([a-z]+): .*/\1/p' "$T/plan" | tr '\n' ' ')" "reach off attach boot on view release "
ok "and nothing is done" same "$(state pc1)" on

# --- where it is
ok "what is there: exit 0" run 0 pc1
ok "three steps" same "$(steps)" "reach on view "
ok "it is on already" said 'pc1: 2/3 on: it is on already \([0-9.]+ s\)$'
ok "the viewer gets the PC's address" same "$(cat "$T/viewed")" 10.71.2.10
ok "%h is put in its place" ctl console pc1 --viewer "$T/viewer -x vnc://%h:5900"
ok "so" has "$T/viewed" '^-x vnc://10.71.2.10:5900$'
ctl power off pc1 --wait >/dev/null
ok "a machine that is off: exit 0" run 0 pc1
ok "is switched on" same "$(state pc1)" on
ctl power off pc1 --wait >/dev/null
ok "--leave-power: exit 0" run 0 pc1 --leave-power
ok "it stays off" same "$(state pc1)" off

# --- from where it is meant
ok "the firmware's set-up: exit 0" run 0 pc1 --bios
ok "five steps" same "$(steps)" "reach off boot on view "
ok "it starts there" gives bios booted pc1
ok "once" same "$(armed pc1)" none
ok "the network, from a machine that is on: exit 0" run 0 pc1 --boot pxe
ok "it was switched off" said 'pc1: 2/5 off: it is off \('
ok "and starts there" gives "Force PXE Boot" booted pc1
ok "by a reset: exit 0" run 0 pc1 --boot hdd --reset
ok "no step switches it off" same "$(steps)" "reach boot reset view "
ok "it starts there" gives "Force Hard-drive Boot" booted pc1
ok "a modern machine, over TLS alone: exit 0" run 0 modern --bios --sol
ok "its firmware is on the serial console" gives "bios sol" booted modern
ok "without a viewer named it is amtgate sol" on gw env TERM=xterm expect -c "
  set timeout 60
  spawn -noecho $BUILD/amtgate -c $T/amtgate.conf console modern --bios --sol
  expect -re {simulated Intel AMT} {} timeout { exit 9 } eof { exit 8 }
  send \"\x1d.\"
  expect eof
  lassign [wait] pid spawned os code
  exit \$code" >"$T/terminal.log"
ok "as JSON: exit 0" run 0 pc1 --restart --json
ok "with every step" same "$(python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); print(j["target"], j["ok"], [s["step"] for s in j["steps"]])' "$T/code.out")" "pc1 True ['reach', 'off', 'on', 'view']"

# --- an image
begin image pc1 --boot "cd=$T/cd.iso"
ok "the viewer opens" within 40 viewed
ok "the machine starts from the CD" gives ider-cd booted pc1
ok "the image is attached" has "$T/pc1.json" '"event":"open".*"kind":"ider"'
echo 0 >"$T/close"
within 20 not alive image
wait "${PIDS[image]}"
ok "with the viewer it ends: exit 0" same $? 0
unset 'PIDS[image]'
ok "in its order" same "$(steps image.log)" "reach off attach boot on view release "
ok "the machine saw an end in order" has "$T/pc1.json" 'client ended the session'
ok "nothing is attached any more" within 5 no_sessions
ok "a floppy and a CD: exit 0" run 0 pc1 --boot "floppy=$T/floppy.img" --boot "cd=$T/cd.iso" --boot bios
ok "it starts in the firmware's set-up all the same" gives bios booted pc1

# --- a real viewer, by itself
x_start gw
spawn real gw env DISPLAY="$screen" NO_AT_BRIDGE=1 LC_ALL=C PATH="$T/only:$PATH" "$BUILD/amtgate" -c "$T/amtgate.conf" console pc1 --vnc --viewer gvncviewer
look() { x_tool xwd -root -silent -out "$T/shot.xwd" && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/pc1.ppm"; }
ok "gvncviewer shows the machine" within 30 look
kill "$(pgrep -P "${PIDS[real]}" -x gvncviewer)"
within 20 not alive real
ok "a viewer that fails is said" has "$T/real.log" "^amtgate: pc1: step 'view' failed: gvncviewer ended with "
wait "${PIDS[real]}" 2>/dev/null
unset 'PIDS[real]'

# --- each step failing
ok "no machine: exit 1" run 1 lost --timeout 2
ok "the step, and what to do" has "$T/code.err" "^amtgate: lost: step 'reach' failed: not 'amt' within 2 s .*; .amtgate doctor lost. says"
ok "wrong password: exit 4" run 4 wrong
ok "the step" has "$T/code.err" "^amtgate: wrong: step 'reach' failed"
ok "it does not switch off in time: exit 1" run 1 slow --bios --timeout 2
ok "the step" has "$T/code.err" "^amtgate: slow: step 'off' failed: not 'power=off' within 2 s \\(it is on\\); .*--reset"
ok "and what is left" has "$T/code.err" '^slow: it is off, or on its way there: .amtgate power on slow'
ok "IDE-R is off: exit 1" run 1 pc2 --boot "cd=$T/cd.iso"
ok "the step, and what switches it on" has "$T/code.err" "^amtgate: pc2: step 'attach' failed: .*; .amtgate setup ider pc2"
ok "no boot source is left" same "$(armed pc2)" none
ok "a boot source that it does not have: exit 1" run 1 modern --boot diag
ok "the step" has "$T/code.err" "^amtgate: modern: step 'boot' failed: "
ok "it is said that it is off" has "$T/code.err" '^modern: it is off'
ctl power on modern --wait >/dev/null
failed() { has "$T/code.err" "^amtgate: $1: step '$2' failed: $3"; }
ok "a boot source that it refuses: exit 1" run 1 no-boot --boot pxe --reset
ok "the step, what it said, and what to do" failed no-boot boot '.*; see .amtgate boot state no-boot., and its user.s consent'
ok "it is taken back" said 'no-boot: its next start is as it is set up again$'
ok "so" same "$(armed no-boot)" none
ok "it cannot be switched on: exit 1" run 1 no-on --boot pxe
ok "the step, what it said, and what to do" failed no-on on '.*RequestPowerStateChange: .*ReturnValue 2.*; see .amtgate power state no-on'
ok "it is said that it is off" said 'no-on: it is off'
ok "so" same "$(state no-on)" off
ok "the boot source is taken back" same "$(armed no-on)" none
ok "it cannot be reset: exit 1" run 1 no-reset --boot pxe --reset
ok "the step, what it said, and what to do" failed no-reset reset '.*RequestPowerStateChange: .*ReturnValue 2.*; see .amtgate power state no-reset'
ok "it is on as it was" same "$(state no-reset)" on
ok "the boot source is taken back" same "$(armed no-reset)" none
ok "it starts, and never says so: exit 3" run 3 silent --boot pxe
ok "the step" failed silent on '.*; see .amtgate power state silent'
ok "that it may have heard" said 'silent: it was told to start: .amtgate power state silent'
ok "the boot source is taken back" same "$(armed silent)" none
ok "it never comes back: exit 1" run 1 never-back --boot pxe --reset --timeout 4
ok "the step, for how long, and what to do" failed never-back reset "not 'power=on' within 4 s .*; see .amtgate power state never-back"
ok "what may be left, and what would mend it" said 'never-back: its next start may still be from pxe: .amtgate boot none never-back'
ok "and that it was told to start" said 'never-back: it was told to start: '
ok "images that its user has to allow: exit 1" run 1 asks --boot "cd=$T/cd.iso"
ok "the step, and what to do" failed asks attach '.*consent.*; .*.amtgate consent. asks its user'
ok "it is said that it is off" said 'asks: it is off'
spawn holder gw "$BUILD/amtgate" -c "$T/amtgate.conf" ider --cd "$T/cd.iso" pc1
ok "somebody else's image is attached" within 15 has "$T/holder.log" 'the drives are attached'
ok "a second one cannot be: exit 1" run 1 pc1 --boot "cd=$T/cd.iso" --reset
ok "the step, and what it said" failed pc1 attach '.*(busy|in use|another)'
ok "nothing else is touched" same "$(state pc1) $(armed pc1)" "on none"
ok "the other one's image is there as before" alive holder
stop holder INT
within 10 no_sessions
echo 5 >"$T/close"
ok "a viewer that fails: exit 1" run 1 pc1
ok "the step" has "$T/code.err" "^amtgate: pc1: step 'view' failed: viewer ended with 5; "
ok "images are taken away all the same" run 1 pc1 --boot "cd=$T/cd.iso"
ok "which is said" has "$T/code.err" '^pc1: the images are taken away'
ok "nothing is attached any more" within 5 no_sessions
ctl console pc1 --viewer /nowhere >"$T/code.out" 2>"$T/code.err"
ok "exit 3" same $? 3
ok "its name" has "$T/code.err" "there is no program '/nowhere'"
echo 0 >"$T/close"

# --- Ctrl-C
begin broken pc1 --boot "cd=$T/cd.iso"
ok "while the viewer is open" within 40 viewed
stop broken INT
ok "it ends in order: exit 0" same "$status" 0
ok "with the last step" has "$T/broken.log" '7/7 release: the images are taken away'
ok "nothing is attached any more" within 5 no_sessions
begin late slow --bios --timeout 100
reached() { has "$T/late.log" '1/5 reach: '; }
ok "while it is switched off" within 20 reached
stop late INT
ok "exit 1" same "$status" 1
ok "where it was" has "$T/late.log" "step 'off' failed: interrupted"
ok "and what is left" has "$T/late.log" 'it is off, or on its way there'
begin gone lost --timeout 100
ok "while it is looked for" stays 2 alive gone
stop gone INT
ok "exit 1" same "$status" 1
ok "nothing is left" has "$T/gone.log" '^lost: nothing is left behind'

interrupt() { # TARGET STEP ARGUMENTS: Ctrl-C in that step, which begins when the one before has been said
  local target=$1 step=$2 before
  shift 2
  before=$(ctl console "$target" --viewer "$T/viewer" "$@" --dry-run | sed -nE "s/^([0-9]\/[0-9] [a-z]+): .*/\1/p" | grep -B 1 " $step\$" | head -n 1)
  rm -f "$T/$target-int.log"
  begin "$target-int" "$target" --timeout 100 "$@"
  within 40 has "$T/$target-int.log" "^$target: $before: " || return 1
  stop "$target-int" INT
  same "$status" 1 && has "$T/$target-int.log" "step '$step' failed: interrupted\$"
}
left() { has "$T/$1-int.log" "^$1: $2"; }
ok "while the images are being attached" interrupt stalls attach --boot "cd=$T/cd.iso"
ok "they are not any more" within 10 no_sessions
ok "what is left" left stalls 'it is off, or on its way there'
ok "while the boot source is being set" interrupt idles boot --boot pxe --reset
ok "it is taken back" left idles 'its next start is as it is set up again'
ok "so, and it is on as it was" same "$(state idles) $(armed idles)" "on none"
ok "while it is switched on" interrupt dawdles on --boot pxe
ok "the boot source is taken back" same "$(armed dawdles)" none
ok "what is left" left dawdles 'it was told to start: '
ok "while it is reset" interrupt broken-off reset --boot pxe --reset
ok "what is left" left broken-off 'it was told to start: '
# A terminal's Ctrl-C reaches all that runs in it.
rm -f "$T/close"
on gw env TERM=xterm expect -c "
  set timeout 60
  spawn -noecho $BUILD/amtgate -c $T/amtgate.conf console pc1 --viewer $T/viewer --boot cd=$T/cd.iso
  expect -re {opens viewer} {} timeout { exit 9 } eof { exit 8 }
  after 500
  send \"\x03\"
  expect eof {} timeout { exit 7 }
  lassign [wait] pid spawned os code
  exit \$code" >"$T/ctrl-c.log"
ok "in a terminal, while the viewer is open: exit 0" same $? 0
ok "the images are taken away" has "$T/ctrl-c.log" '7/7 release: the images are taken away'
ok "nothing is attached any more" within 5 no_sessions
begin last pc1 --boot "cd=$T/cd.iso"
within 40 viewed
echo 0 >"$T/close"
within 20 has "$T/last.log" '6/7 view: '
stop last INT
ok "while the images are taken away: exit 0" same "$status" 0
ok "they are" within 5 no_sessions

# --- any machine, and what is wrong
echo 0 >"$T/close"
echo "$password" >"$T/password"
: >"$T/viewed"
on other "$BUILD/amtgate" console -h 10.71.2.11 --password-file "$T/password" --state "$T/own" --boot pxe --viewer "$T/viewer" >"$T/code.out" 2>"$T/code.err"
ok "-h: exit 0" same $? 0
ok "all steps" same "$(steps)" "reach off boot on view "
on other "$BUILD/amtgate" console -h 10.71.2.10 --password-file "$T/password" --state "$T/own" --boot "cd=$T/cd.iso" --viewer "$T/viewer" >"$T/code.out" 2>"$T/code.err"
ok "-h with an image: exit 0" same $? 0
ok "all steps" same "$(steps)" "reach off attach boot on view release "
ok "two machines: exit 2" run 2 pc1 pc2
ok "a tag: exit 2" run 2 --tag lab
ok "no image: exit 2" run 2 pc1 --boot cd=/nowhere
ok "its name" has "$T/code.err" '^amtgate: cannot read the image /nowhere'
ok "from nowhere: exit 2" run 2 pc1 --boot usb
ok "contraries: exit 2" run 2 pc1 --bios --leave-power
ok "--vnc and --sol: exit 2" run 2 pc1 --vnc --sol
