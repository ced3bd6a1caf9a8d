#!/usr/bin/env bash
# The consent of the machine's user, at a stock viewer: a caption where the session is refused for it or nothing but black
# comes, AMT's own prompt where it is in the picture; and the machine's screen as soon as it is given.
. "$(dirname "$0")/lib.sh"
need gvncviewer Xvfb xwd xdotool
lab router
# As large as the empty screen before: this viewer keeps its window, and scales.
sim refuses 10.71.2.10 --profile 16.1 --still --size 1024x768 --frame-file "$T/refuses.ppm" --kvm-consent refuse
sim prompts 10.71.2.11 --profile 16.1 --still --size 800x600 --frame-file "$T/prompts.ppm" --kvm-consent prompt
sim dark 10.71.2.12 --profile 16.1 --still --size 800x600 --frame-file "$T/dark.ppm" --kvm-consent black
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target refuses]
address = 10.71.2.10
[target prompts]
address = 10.71.2.11
[target dark]
address = 10.71.2.12
[target ends]
address = 10.71.2.13
amt = 10.71.2.10
reconnect = no
INI
x_start client
look() { x_tool xwd -root -silent -out "$T/shot.xwd"; }
says() { look && tests/system/tools/caption_read.py "$T/shot.xwd" >"$T/said" && tr '\n' ' ' <"$T/said" | grep -qF "$1"; }
shows() { look && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/$1.ppm"; }
told() { within 30 says "$1" || { cat "$T/said"; return 1; }; }
consent() { kill -USR2 "${PIDS[$1]}"; } # of the user at this machine

viewer_start viewer client 10.71.2.10
ok "refused: the viewer is let in, and told" told 'refuses needs the consent of its user, waiting 0:'
ok "and what to do" says 'the PC shows six digits'
ok "it is a session" gives 1 sessions
ok "a script is told, too: exit 1" same "$(ctl screenshot refuses "$T/x.png" 2>"$T/err"; echo $?)" 1
ok "in its words" has "$T/err" 'consent'
probe client rfb 10.71.2.13 5900
ok "with reconnect = no it is refused in words" has <(echo "$answer") '"reason": ".*consent'
consent refuses
ok "given: the machine's picture, in the same window" within 30 shows refuses
ok "one session all the time" gives 1 grep -c 'session.open .*target=refuses' "$T/gateway.log"
stop viewer

viewer_start viewer client 10.71.2.11
code() { json_event "$T/prompts.json" consent 'e["code"]'; }
ok "opened with a prompt: the machine waits for the digits" within 20 code
ok "no caption is in the way" not says ''
x_tool xdotool search --name prompts windowfocus --sync >/dev/null 2>&1
x_tool xdotool type --delay 60 "$(code)"
ok "the digits typed in the viewer: the machine's picture" within 20 shows prompts
stop viewer

viewer_start viewer client 10.71.2.12
ok "opened, and black: a caption" told 'dark shows nothing but black.'
ok "and what to do" says 'type the six digits'
consent dark
ok "given: the machine's picture alone" within 20 shows dark
stop viewer
ok "nothing is left" within 10 no_sessions
