#!/usr/bin/env bash
# LIMIT=600
# What viewers see is recorded: who, when, where from; the film shown to a stock viewer, made into a video that ffmpeg
# reads, and held to its limits. Nothing is recorded where it is not asked for, nor what is typed.
. "$(dirname "$0")/lib.sh"
need gvncviewer ffmpeg ffprobe Xvfb xwd xdotool setpriv
lab router
sim p12 10.71.2.10 --profile 12 --still --size 800x600 --frame-file "$T/p12.ppm" --boot-time 1
sim p16 10.71.2.11 --profile 16.1 --size 640x480
sim quiet 10.71.2.12 --profile 12 --still
conf() {
  cat <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target p12]
address = 10.71.2.10
record = vnc
[target p16]
address = 10.71.2.11
record = vnc
[target quiet]
address = 10.71.2.12
INI
}
conf | gateway
x_start client
films=$T/state/recordings
shows() { x_tool xwd -root -silent -out "$T/shot.xwd" && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/$1.ppm"; }
recorded() { ctl --json record list "$@" >"$T/list.json" 2>"$T/err" && python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' "$T/list.json"; }
of_list() { python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$T/list.json" "$1"; } # EXPRESSION of r

ok "no recordings at first" same "$(recorded)" 0
viewer_start viewer client 10.71.2.10
ok "a viewer looks on" within 20 shows p12
ok "it is being recorded" gives 1 recorded p12
ok "not at an end yet" same "$(of_list 'r[0]["ended"]')" False
x_tool xdotool key --delay 100 s e c r e t k e y s 2>/dev/null
ctl power reset p12 >/dev/null
lost() { grep -q '"event":"away"' "$films"/p12-*.json; }
back() { grep -q '"event":"back"' "$films"/p12-*.json; }
ok "the machine restarts, and it goes on" within 20 lost
ok "until it is back" within 30 back
ok "and shown again" within 20 shows p12
stop viewer
ended() { recorded p12 >/dev/null && [ "$(of_list 'r[0]["ended"]')" = True ]; }
ok "it ends with the viewer" within 10 ended
id=$(of_list 'r[0]["id"]')
ok "who, when, where from" same "$(of_list 'r[0]["target"], r[0]["service"], len(r[0]["who"]), r[0]["who"][0]["client"].split(":")[0], r[0]["started"][:3]')" "('p12', 'vnc', 1, '10.71.1.100', '202')"
ok "the table says the same" has <(ctl record list) "^$id +p12 +vnc .*10\.71\.1\.100"
ok "only the daemon's account may read it" same "$(stat -c '%a %U' "$films") $(stat -c %a "$films"/* | sort -u)" "700 nobody 600"
ok "nobody else can" same "$(on gw setpriv --reuid=65533 --regid=65533 --clear-groups "$BUILD/amtgate" record list --folder "$films" 2>&1 | grep -c 'try as root')" 1

# --- out of it
away=$(python3 -c 'import json, sys; print(next(json.loads(l)["at"] for l in open(sys.argv[1]) if "\"away\"" in l) / 1000 - 0.1)' "$films/$id.json")
ok "the picture before it went away" ctl record export "$id" "$T/first.png" --at "$away"
ok "is the machine's own, pixel by pixel" python3 - "$T/first.png" "$T/p12.ppm" <<'PY'
import subprocess, sys
def rgb(path): return subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], stdout=subprocess.PIPE, check=True).stdout
def level(v, bits): n = (1 << bits) - 1; return (v * n + 127) // 255
a, b = rgb(sys.argv[1]), rgb(sys.argv[2])
assert len(a) == len(b) == 800 * 600 * 3, (len(a), len(b))
wrong = sum(level(x, 6 if i % 3 == 1 else 5) != level(y, 6 if i % 3 == 1 else 5) for i, (x, y) in enumerate(zip(a, b)))
assert wrong == 0, wrong
PY
ok "a video" ctl record export "$id" "$T/film.mp4"
ok "ffprobe knows it" same "$(ffprobe -v error -select_streams v -show_entries stream=codec_name,width,height -of csv=p=0 "$T/film.mp4")" h264,800,600
ok "it is as long as the session" python3 - "$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$T/film.mp4")" "$(of_list 'r[0]["length_ms"] / 1000')" <<'PY'
import sys
video, session = map(float, sys.argv[1:])
assert session - 4 < video < session + 1, (video, session)
PY
ok "ffmpeg plays it to the end" ffmpeg -v error -xerror -i "$T/film.mp4" -f null -
ok "another format" ctl record export "$id" "$T/film.mkv" --idle-limit 0.5 --fps 5
ok "shorter, where nothing happens is cut" python3 - "$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$T/film.mkv")" "$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$T/film.mp4")" <<'PY'
import sys
short, long = map(float, sys.argv[1:])
assert 0 < short < long, (short, long)
PY
ok "the file as it is" ctl record export "$id" "$T/film.fbs"
ok "begins as FBS does" has <(head -c 11 "$T/film.fbs") 'FBS 001\.000'
ok "another kind ffmpeg refuses, in words" not ctl record export "$id" "$T/film.nosuch"
ok "without a suffix: wrong usage" same "$(ctl record export "$id" "$T/film" >/dev/null 2>&1; echo $?)" 2
ok "one that is not there" same "$(ctl record export nothing "$T/x.mp4" >/dev/null 2>&1; echo $?)" 1

# --- played to a stock viewer
spawn player client "$BUILD/amtgate" record play "$id" --folder "$films" --listen 127.0.0.1:5907
within 10 listens client 5907
viewer_start viewer client 127.0.0.1:7
ok "gvncviewer shows the film" within 20 shows p12
stop viewer
gone() { ! alive player; }
ok "it ends with its viewer" within 10 gone

# --- broken and cut off ones
cp "$films/$id.fbs" "$T/whole.fbs"
mkdir "$T/broken"
head -c $(($(stat -c %s "$T/whole.fbs") - 20)) "$T/whole.fbs" >"$T/broken/cut.fbs"
{ head -c 5000 "$T/whole.fbs"; head -c 5000 /dev/urandom; } >"$T/broken/junk.fbs"
echo "not JSON" >"$T/broken/junk.json"
echo "something else" >"$T/broken/other.fbs"
ok "the list has them" same "$(recorded --folder "$T/broken")" 3
ok "one that was cut off has what it has" ctl record export cut "$T/cut.png" --folder "$T/broken"
ok "what is none is refused in words" has <(ctl record export other "$T/x.png" --folder "$T/broken" 2>&1) 'other.fbs: it does not begin as an FBS'
ok "junk ends nothing but itself" eval 'ctl record export junk "$T/x.mp4" --folder "$T/broken" >/dev/null 2>&1; [ $? -le 1 ]'

# --- only where it is asked for
probe client rfb 10.71.2.12 5900 --frame
ok "a target without record" same "$(recorded quiet)" 0
ok "what was typed is nowhere" hasnt <(cat "$films"/*.json "$T/gateway.log") 'secretkeys|keysym|"key"'

# --- limits
{ echo "record_limit = 300k"; conf; } | configure
ctl reload >/dev/null
film() { probe client rfb 10.71.2.11 5900 --frame; }
for _ in 1 2 3 4 5 6; do film; done
settled() { [ "$(du -cb "$films"/* | tail -n 1 | cut -f1)" -le 450000 ]; }
ok "all together stay below the limit" within 10 settled
ok "the oldest one went first" same "$(ls "$films/$id".* 2>/dev/null)" ""
ok "which the log tells" has "$T/gateway.log" "recording.removed recording=$id .*why=limit"
ok "the newest is there" test "$(recorded p16)" -ge 1
ok "the daemon is well" ctl status
