#!/usr/bin/env bash
# vnc_security = tls: viewers that are built on gtk-vnc come in by VeNCrypt X509None, once their system trusts the gateway's
# certificate and it names the machine; without that trust they refuse it. vnc.sh has xtigervncviewer with a password.
. "$(dirname "$0")/lib.sh"
need gvncviewer openssl Xvfb xwd dbus-run-session
lab router
sim pc 10.71.2.10 --profile 16.1 --still --frame-file "$T/pc.ppm" --size 800x600
certificate_for 10.71.2.10
gateway <<INI
cert = $T/gateway.pem
key = $T/gateway.key
[defaults]
password = $password
allow = 10.71.1.0/24
vnc_security = tls
[target pc]
address = 10.71.2.10
INI
shows() { x_tool xwd -root -silent -out "$T/shot.xwd" && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/pc.ppm" --lossy >"$T/shot.json"; }
view() { spawn viewer client env -i PATH="$PATH" HOME="$T" DISPLAY="$screen" NO_AT_BRIDGE=1 LC_ALL=C GSETTINGS_BACKEND=memory dbus-run-session -- "$@"; }
x_start client
view gvncviewer 10.71.2.10
ok "gvncviewer does not trust a certificate that nobody vouches for" within 20 grep -q 'certificate is not trusted' "$T/viewer.log"
stop viewer
ok "the machine was not touched" hasnt "$T/pc.json" '"event":"auth"'
stop xvfb-client
system=/etc/netns/amtgate-$LAB-client/ssl/certs # what /etc/ssl is for programs on that host
mkdir -p "$system" && cp "$T/gateway.pem" "$system/ca-certificates.crt"
x_start client
for command in 'gvncviewer 10.71.2.10' 'remote-viewer vnc://10.71.2.10:5900' 'vinagre 10.71.2.10::5900'; do
  name=${command%% *}
  command -v "$name" >/dev/null || { echo "$name is left out: it is not here"; continue; }
  # shellcheck disable=SC2086
  view $command
  ok "$name shows the picture, with TLS" within 20 shows
  stop viewer
  within 10 no_sessions
done
ok "the log says how they came in" has "$T/gateway.log" 'session.open .*target=pc .*method=tls-none .*client_tls=TLSv1.3'
