#!/usr/bin/env bash
# Port 5900: the handshake of RFB 3.3, 3.7 and 3.8 whatever the machine greets with, every pixel of its picture in two viewers,
# and VeNCrypt.
. "$(dirname "$0")/lib.sh"
need gvncviewer xtigervncviewer openssl Xvfb xwd
lab router
sim new 10.71.2.10 --profile 16.1 --still --frame-file "$T/frame.ppm" --size 800x600
sim old 10.71.2.11 --profile 11 --greeting 4.0 --still --size 640x480
echo pass1234 >"$T/secret" && chmod 600 "$T/secret" && chown nobody "$T/secret"
certificate_for 10.71.2.12
gateway <<INI
cert = $T/gateway.pem
key = $T/gateway.key
[defaults]
password = $password
allow = 10.71.1.0/24
[target new]
address = 10.71.2.10
[target old]
address = 10.71.2.11
tls_min = 1.0
[target safe]
address = 10.71.2.12
amt = 10.71.2.10
vnc_security = tls
vnc_password_file = $T/secret
INI
for v in 3.3 3.7 3.8; do
  for t in 10.71.2.10 10.71.2.11; do
    probe client rfb $t 5900 --version $v --frame
    ok "RFB $v on $t: greeted with 003.008" same "$(field greeting)" "RFB 003.008"
    ok "RFB $v on $t: no authentication asked" same "$(field types)" "[1]"
    [ $t = 10.71.2.10 ] && want=480000 || want=307200
    ok "RFB $v on $t: the whole screen" same "$(field pixels)" $want
  done
done
ok "the picture does not depend on the way" same "$(field sha256)" "$(probe client rfb 10.71.2.11 5900 --frame; field sha256)"
x_start client
viewer_start viewer client 10.71.2.10
picture() { x_tool xwd -root -silent -out "$T/shot.xwd" && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/frame.ppm"; }
ok "gvncviewer shows the machine's picture" within 20 picture
ok "sessions shows it" same "$(ask sessions | python3 -c 'import json, sys; print([s["service"] for s in json.load(sys.stdin)["data"]])')" "['vnc']"
stop viewer
ok "no session is left" within 5 no_sessions
probe client rfb 10.71.2.10 5900
ok "the machine is free again" same "$(field result)" 0

# TLS: VeNCrypt with the gateway's certificate, here one that names the machine: viewers ask a person about others.
spawn safe client env HOME="$T" VNC_PASSWORD=pass1234 VNC_USERNAME= DISPLAY="$screen" LC_ALL=C xtigervncviewer \
  -SecurityTypes=X509Vnc -X509CA="$T/gateway.pem" 10.71.2.12
ok "xtigervncviewer shows the picture, with TLS and a password" within 20 picture
ok "the log says how it came in" has "$T/gateway.log" 'session.open .*target=safe .*method=tls-vnc-password'
stop safe
within 5 no_sessions
probe client rfb 10.71.2.12 5900
ok "a viewer that knows no TLS is offered VeNCrypt only" same "$(field types)" "[19]"
