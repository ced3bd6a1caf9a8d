# Sourced behind lib.sh by the tests of viewers: a simulated machine whose picture is known, a screen of its own for the
# viewer, and what a person would do with it.
need Xvfb xdotool xwd xwininfo setxkbmap dbus-daemon python3
machine=pc address=10.71.2.10
base=1024x768 # the machine's screen when a viewer comes; gnome-connections cannot have a window that is much smaller
word='zyü@<A' # on a German keyboard: other places than on the US one, AltGr, the 102nd key, Shift

viewers_lab() { # OPTION of the simulator...
  lab router
  still_machine "$@"
  gateway_for_machines
  german_screen 4200x2400
}
still_machine() { # OPTION of the simulator...: $machine at $address
  sim $machine $address --still --size $base --frame-file "$T/$machine.ppm" --keyboard de "$@"
  machines+="[target $machine]"$'\n'"address = $address"$'\n'
}
machines=
gateway_for_machines() { # for all that still_machine has made
  gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
keyboard = de
tls_min = 1.0
$machines
INI
}
german_screen() { # SIZE [NAME]
  x_start client "$1" "${2:-client}" && x_tool setxkbmap de
  [ -n "${PIDS[bus]:-}" ] || spawn bus client dbus-daemon --session --nofork --address="unix:path=$T/bus"
}
# With default settings, in an empty home: view NAME COMMAND...
view() {
  local n=$1
  shift
  local home=$T/home-$n
  mkdir -p "$home/run" "$home/.config" "$home/.cache" "$home/.local/share"
  chmod 700 "$home/run"
  spawn "$n" client env -i PATH="$PATH" HOME="$home" XDG_RUNTIME_DIR="$home/run" DISPLAY="$screen" LC_ALL=C.UTF-8 \
    DBUS_SESSION_BUS_ADDRESS="unix:path=$T/bus" NO_AT_BRIDGE=1 GSETTINGS_BACKEND=memory "$@"
}
# One look; what was found is in $T/shot.json. shows OPTION of shot_match.py...
shows() { x_tool xwd -root -silent -out "$T/shot.xwd" && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/$machine.ppm" "$@" >"$T/shot.json"; }
soon() { within 40 "$@" || { sed 's/^/  /' "$T/shot.json"; return 1; }; }
place() { python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); print(s["x"], s["y"])' "$T/shot.json"; }
# On the machine's serial console: console TEXT ANSWER
console() { probe client redir $address 16994 sol --say "$1\\r" --expect "$2"; }
mode() { within 30 console "mode $1" "screen $1" && within 20 frame_is "$1"; } # WxH
frame_is() { [ "$(sed -n 2p "$T/$machine.ppm" | tr ' ' x)" = "$1" ]; } # the picture last sent is so large
largest_window() { # its number, width and height
  x_tool xwininfo -root -tree | awk '/^     0x/ && match($0, / [0-9]+x[0-9]+\+/) {
    split(substr($0, RSTART + 1, RLENGTH - 2), s, "x"); if (s[1] * s[2] > most) { most = s[1] * s[2]; line = $1 " " s[1] " " s[2] } }
    END { print line; exit line == "" }'
}
resize_window() { x_tool xdotool windowsize "${window[0]}" "$1" "$2"; }
type_word() { # into the viewer, where it shows the machine: keys of the keyboard, by number where the name has two
  local at
  at=$(place) || return 1
  x_tool xdotool mousemove $((${at% *} + 40)) $((${at#* } + 40)) windowfocus "${window[0]}" click 1 || return 1
  x_tool xdotool key --delay 50 z y udiaeresis keydown 108 key --delay 50 q keyup 108 key --delay 50 less Shift+a
}
texts() { # all text that the machine's operating system has understood
  python3 - "$T/$machine.json" <<'PY'
import json, sys
print("".join(e["text"] for e in map(json.loads, open(sys.argv[1])) if e.get("event") == "text"))
PY
}
text_is() { [ "$(texts)" = "$1" ]; }
vnc_session() { # on the machine
  ask sessions | python3 -c 'import json, sys; print([s["id"] for s in json.load(sys.stdin)["data"] if s["service"] == "vnc" and s["target"] == sys.argv[1]])' $machine
}
screen_backs() { grep -c ' screen.back ' "$T/gateway.log"; }
been_back() { [ "$(screen_backs)" -gt "$1" ]; } # more often than N times

# A viewer's window, as large as it takes to see the picture. opened NAME WAYS COMMAND...; WAYS are words:
#   lossy   asks for JPEG          keeps   cannot follow a change of size
#   fit     scales to its window   large   shows pixels as they are in a window that is large enough
#   over X Y  its window is so much larger than the picture; a word of welcome covers it
opened() {
  local n=$1 ways=" $2 " over
  shift 2
  look=()
  view "$n" "$@"
  case $ways in *' lossy '*) look=(--lossy) ;; esac
  case $ways in
  *' large '*) within 30 wide_window 200 && resize_window $large ;;
  *' over '*) within 30 wide_window 200 && over=(${ways##* over }) && greeted && wide_window 200 && resize_window $((${base%x*} + over[0])) $((${base#*x} + over[1])) ;;
  esac
  ok "$n shows the machine's picture" soon shows "${look[@]}"
}
large="4150 2380"
# All that a viewer must stand: try NAME WAYS COMMAND...
try() {
  local n=$1 ways=" $2 " size back before session
  command -v "$3" >/dev/null || { echo "$n is left out: no $3 here"; return; }
  ok "$n: the machine is ready" within 30 console "mode $base" "screen $base"
  opened "$@" || { stop "$n"; return; }
  window=($(largest_window))
  before=$(texts) session=$(vnc_session)
  ok "$n: what is typed arrives" typed_now "$before" || echo "  '$(texts)'"
  back=$(screen_backs)
  within 20 console reboot rebooting
  ok "$n stays while the machine restarts" within 40 been_back "$back"
  ok "$n shows the picture again after it" soon shows "${look[@]}"
  for size in 1280x960 3840x2160; do
    mode $size || ok "$n: the machine changes to $size" false
    case $ways in
    *' keeps '*) ok "$n shows $size inside of what it knows" soon shows --inside $base ;;
    *)
      case $ways in
      *' fit '*) resize_window $((window[1] + ${size%x*} - ${base%x*})) $((window[2] + ${size#*x} - ${base#*x})) ;;
      *' large '*) resize_window $large ;; # again: some choose their size when they are connected
      esac
      ok "$n shows $size" soon shows "${look[@]}"
      ;;
    esac
  done
  ok "$n has lived through all of it" alive "$n"
  ok "$n: it was one session" gives "$session" vnc_session
  stop "$n"
  within 10 no_sessions
}
greeted() { # gnome-connections explains itself at its first start, in a window that keeps keys from the other; its button says No Thanks
  within 20 welcome && within 20 dismissed
}
welcome() { x_tool xwininfo -root -tree | awk '/ 710x600/ { print $1; n = 1 } END { exit !n }'; }
dismissed() { ! welcome >/dev/null || { x_tool xdotool mousemove 353 526 click 1 && false; }; }
wide_window() { window=($(largest_window)) && [ "${window[1]}" -gt "$1" ]; }
typed_now() { type_word && within 10 text_is "$1$word"; } # BEFORE
