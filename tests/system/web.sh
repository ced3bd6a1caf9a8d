#!/usr/bin/env bash
# The web ports through the gateway: 16992 and 623, 16993 and 664, with curl, Python, and the modules of the npm package
# meshcentral. Nobody of them is told of the gateway.
. "$(dirname "$0")/lib.sh"
need curl python3 openssl
lab router
sim p8 10.71.2.10 --profile 8
sim p12 10.71.2.11 --profile 12 --boot-time 1
sim p16 10.71.2.12 --profile 16.1 --boot-time 1
sim p19 10.71.2.13 --profile 19
sim wrong 10.71.2.14 --profile 12
sim users 10.71.2.15 --profile 12
sim through 10.71.2.16 --profile 12
sim look 10.71.2.17 --profile 12
LOG_LEVEL=debug
web_conf() {
  cat <<INI
[defaults]
password = $password
allow = 10.71.1.0/24 10.71.3.1
[target p8]
address = 10.71.2.10
tls_min = 1.0
[target p12]
address = 10.71.2.11
[target p16]
address = 10.71.2.12
[target p19]
address = 10.71.2.13
[target wrong]
address = 10.71.2.14
password = not-that
[target users]
address = 10.71.2.15
client_auth = users
[target through]
address = 10.71.2.16
client_auth = passthrough
[target look]
address = 10.71.2.17
wsman_only = read
[target pinned]
address = 10.71.2.18
amt = 10.71.2.12
tls_pin = sha256:$(printf '0%.0s' {1..64})
[target gone]
address = 10.71.2.19
tls = no
[target screens]
address = 10.71.2.20
amt = 10.71.2.11
services = vnc
[target nobody]
address = 10.71.2.21
amt = 10.71.2.11
allow = 10.9.9.9
INI
}
web_conf | configure
for user in ann:admin vic:view pat:power@users lou:admin@nobody; do
  printf 'user-pw-1\nuser-pw-1\n' | ctl passwd "${user%%:*}" --role "${user#*:}" >"$T/passwd.log" 2>&1 || cat "$T/passwd.log"
done
chown nobody "$T/users"
rules up || exit 1
daemon_start

envelope() { # CLASS
  printf '<E:Envelope xmlns:E="http://www.w3.org/2003/05/soap-envelope" xmlns:A="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:W="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><E:Header><A:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</A:Action><A:To>/wsman</A:To><W:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/%s</W:ResourceURI><A:MessageID>7</A:MessageID></E:Header><E:Body/></E:Envelope>' "$1"
}
power() { # STATE
  printf '<E:Envelope xmlns:E="http://www.w3.org/2003/05/soap-envelope" xmlns:A="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:W="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><E:Header><A:Action>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_PowerManagementService/RequestPowerStateChange</A:Action><A:To>/wsman</A:To><W:ResourceURI>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_PowerManagementService</W:ResourceURI><A:MessageID>8</A:MessageID></E:Header><E:Body><p:RequestPowerStateChange_INPUT xmlns:p="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_PowerManagementService"><p:PowerState>%s</p:PowerState></p:RequestPowerStateChange_INPUT></E:Body></E:Envelope>' "$1"
}
# URL CURL-OPTION...: the status; the answer in $T/reply
ask_web() { on client curl -sk --max-time 20 -o "$T/reply" -D "$T/head" -w '%{http_code}' "$@"; }
get() { envelope AMT_GeneralSettings | ask_web --data-binary @- "$@"; }

# --- nothing is asked of the client
for url in http://10.71.2.11:16992 http://10.71.2.11:623 https://10.71.2.11:16993 https://10.71.2.11:664 http://10.71.2.10:16992 \
  http://10.71.2.12:16992 https://10.71.2.12:16993 http://10.71.2.12:623 http://10.71.2.13:16992 https://10.71.2.13:664; do
  ok "curl at $url" same "$(get "$url/wsman")" 200
  ok "$url: the host name is in it" has "$T/reply" '<g:HostName>amtgate-sim</g:HostName>'
done
ok "with any credentials" same "$(get --digest -u who:ever http://10.71.2.11:16992/wsman)" 200
ok "the login of the gateway is nobody's business" hasnt "$T/head" '(?i)authenticat'
ok "in chunks as the machine does" has "$T/head" '^Transfer-Encoding: chunked'
ok "HTTP/1.0 too" same "$(get -0 http://10.71.2.11:16992/wsman)" 200
ok "which gets no chunks" hasnt "$T/head" 'Transfer-Encoding'
ok "a body in chunks" same "$(get -H 'Transfer-Encoding: chunked' http://10.71.2.11:16992/wsman)" 200
ok "a client that waits for 100 Continue" same "$(get -H 'Expect: 100-continue' http://10.71.2.11:16992/wsman)" 200
ok "which it gets" has "$T/head" '^HTTP/1.1 100 '
ok "a body of 600 KiB is too much" same "$(bytes 600000 | ask_web --data-binary @- http://10.71.2.11:16992/wsman)" 413
ok "it goes on after a machine's fault" same "$(envelope AMT_Nothing | ask_web --data-binary @- http://10.71.2.11:16992/wsman)" 400
ok "the fault" has "$T/reply" 'DestinationUnreachable'

# --- a browser
ok "the first page leads on" same "$(on client curl -s -o /dev/null -w '%{http_code} %{redirect_url}' http://10.71.2.11:16992/)" \
  "303 http://10.71.2.11:16992/logon.htm"
ok "and behind it is the status" same "$(ask_web -L http://10.71.2.11:16992/)$(ask_web http://10.71.2.11:16992/index.htm)" 200200
ok "of the machine" has "$T/reply" 'System Status'
ok "over TLS" same "$(ask_web https://10.71.2.13:16993/index.htm)" 200
ok "HEAD" same "$(ask_web -I http://10.71.2.11:16992/logon.htm)" 405
ok "what is not there" same "$(ask_web http://10.71.2.11:16992/nothing)" 404
ok "a page of another server may not" same "$(get -H 'Origin: http://evil.example' http://10.71.2.11:16992/wsman)" 403
ok "nor under a name that is made to lead here" same "$(get -H 'Host: evil.example:16992' -H 'Origin: http://evil.example:16992' http://10.71.2.11:16992/wsman)" 403
ok "the machine's own may" same "$(get -H 'Origin: http://10.71.2.11:16992' http://10.71.2.11:16992/wsman)" 200
ok "TRACE" same "$(ask_web -X TRACE http://10.71.2.11:16992/)" 405
ok "a tunnel" same "$(on client curl -s -o /dev/null -w '%{http_connect}' -p -x http://10.71.2.11:16992 http://192.0.2.1/)" 405

# --- one connection to the machine for one of the client
before=$(grep -c '"event":"connect"' "$T/p12.json")
ok "ten requests on one connection" on client python3 - "$(envelope AMT_GeneralSettings)" <<'PY'
import http.client, sys
c = http.client.HTTPConnection("10.71.2.11", 16992, timeout=10)
for _ in range(10):
    c.request("POST", "/wsman", sys.argv[1], {"Content-Type": "application/soap+xml"})
    r = c.getresponse()
    assert r.status == 200 and b"amtgate-sim" in r.read(), r.status
PY
after=$(grep -c '"event":"connect"' "$T/p12.json")
ok "two at the machine: AMT closes after its challenge" same "$((after - before))" 2
ok "python's urllib" on client python3 - "$(envelope AMT_GeneralSettings)" <<'PY'
import sys, urllib.request as u
m = u.HTTPPasswordMgrWithDefaultRealm()
m.add_password(None, "http://10.71.2.11:16992/", "who", "ever")
o = u.build_opener(u.HTTPDigestAuthHandler(m))
assert b"amtgate-sim" in o.open(u.Request("http://10.71.2.11:16992/wsman", sys.argv[1].encode()), timeout=10).read()
PY
ok "a client that only knows digest" on client python3 - "$(envelope AMT_GeneralSettings)" <<'PY'
import socket, sys
def ask(head, body):
    s.sendall(("POST /wsman HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n" % (head, len(body)) + body).encode())
    got = b""
    while b"\r\n\r\n" not in got: got += s.recv(4096)
    return got
s = socket.create_connection(("10.71.2.11", 16992), 10)
first = ask("", "")
assert first.startswith(b"HTTP/1.1 401 ") and b'WWW-Authenticate: Digest realm="Digest:' in first, first
second = ask('Authorization: Digest username="a", realm="b", nonce="c", uri="/wsman", response="d"\r\n', sys.argv[1])
assert second.startswith(b"HTTP/1.1 200 "), second
PY

# --- the gateway's users
ok "users: without a login" same "$(get http://10.71.2.15:16992/wsman)" 401
ok "users: a wrong one" same "$(get --digest -u ann:no http://10.71.2.15:16992/wsman)" 401
ok "users: the machine's own is not it" same "$(get --digest -u "admin:$password" http://10.71.2.15:16992/wsman)" 401
ok "users: the right one" same "$(get --digest -u ann:user-pw-1 http://10.71.2.15:16992/wsman)" 200
ok "users: over TLS" same "$(get --digest -u ann:user-pw-1 https://10.71.2.15:16993/wsman)" 200
ok "users: basic is not taken" same "$(get --basic -u ann:user-pw-1 https://10.71.2.15:16993/wsman)" 401
ok "users: the session knows who" has "$T/gateway.log" 'session.open.*kind=wsman.*target=users.*user=ann method=digest'
as() { power 10 | ask_web --data-binary @- --digest -u "$1:user-pw-1" http://10.71.2.15:16992/wsman; } # USER: its try to reset
ok "roles: view looks" same "$(get --digest -u vic:user-pw-1 http://10.71.2.15:16992/wsman)" 200
ok "roles: and switches nothing" same "$(as vic)" 400
ok "roles: it is told why" has "$T/reply" 'vic may not use wsman at users: that takes the role power, and vic has view there'
ok "roles: power switches" same "$(as pat)" 200
ok "roles: and changes nothing" same "$(envelope AMT_GeneralSettings | sed 's|transfer/Get|transfer/Put|' | ask_web --data-binary @- --digest -u pat:user-pw-1 http://10.71.2.15:16992/wsman)" 400
ok "roles: it is told why" has "$T/reply" 'that takes the role admin, and pat has power there'
ok "roles: those of another target do not count" same "$(get --digest -u lou:user-pw-1 http://10.71.2.15:16992/wsman)" 400
for _ in {1..12}; do get --digest -u ann:guess http://10.71.2.15:16992/wsman >/dev/null; done
ok "users: who guesses waits" same "$(get --digest -u ann:user-pw-1 http://10.71.2.15:16992/wsman)" 429

# --- the client's own credentials at the machine
ok "passthrough: without" same "$(get http://10.71.2.16:16992/wsman)" 401
ok "passthrough: the machine's challenge" has "$T/head" "realm=\"$(on amt curl -si http://10.71.2.16:16992/index.htm | sed -n 's/.*realm="\([^"]*\)".*/\1/p')\""
ok "passthrough: the right one" same "$(get --digest -u "admin:$password" http://10.71.2.16:16992/wsman)" 200
ok "passthrough: over TLS" same "$(get --digest -u "admin:$password" https://10.71.2.16:16993/wsman)" 200
ok "passthrough: a wrong one" same "$(get --digest -u admin:no http://10.71.2.16:16992/wsman)" 401

# --- what may only be looked at
ok "read: a look" same "$(get http://10.71.2.17:16992/wsman)" 200
ok "read: no switching" same "$(power 8 | ask_web --data-binary @- http://10.71.2.17:16992/wsman)" 400
ok "read: and why" has "$T/reply" 'look may be looked at only .*wsman_only = read'
ok "read: no form" same "$(ask_web -X POST -d x=y http://10.71.2.17:16992/remoteform)" 403
ok "read: the machine has heard nothing of it" hasnt "$T/look.json" 'RequestPowerStateChange'
ok "read: it is in the log" has "$T/gateway.log" 'web.request.*target=look.*kind=power what=CIM_PowerManagementService.RequestPowerStateChange status=400 by=gateway'
mkdir -p "$T/client/state"
cli() { on client env XDG_STATE_HOME="$T/client" AMT_PASSWORD=what-ever "$BUILD/amtgate" "$@" >"$T/cli.log" 2>&1; }
ok "read: amtgate info through it" cli info -h 10.71.2.17
ok "read: amtgate power is told why not" not cli power off -h 10.71.2.17
ok "in the gateway's words" has "$T/cli.log" 'may be looked at only'
ok "where all is allowed it switches" cli power reset -h 10.71.2.11 && ok "seen" has "$T/p12.json" 'RequestPowerStateChange'
within 20 on amt curl -sk --max-time 2 -o /dev/null https://10.71.2.11:16993/
ok "and it is on record" has "$T/gateway.log" 'web.request.*target=p12.*kind=power .*status=200 by=device'

# --- what goes wrong is said in a sentence
told() { # WHAT URL STATUS REGEX
  ok "$1" same "$(get "$2")" "$3"
  ok "$1: in words" has "$T/reply" "$4"
}
told "a machine that is not there" http://10.71.2.19:16992/wsman 502 '^amtgate: gone cannot be reached: '
ok "the log says the same" has "$T/gateway.log" 'session.failed .*target=gone .*why="gone cannot be reached'
told "another certificate than the pinned" http://10.71.2.18:16992/wsman 502 '^amtgate: pinned .*pin'
told "wrong credentials in the configuration" http://10.71.2.14:16992/wsman 502 "refused user 'admin'"
told "they are not tried again at once" http://10.71.2.14:16992/wsman 502 'the next login waits'
ok "the machine has seen one attempt" gives 1 grep -c '"event":"http.auth".*"ok":false' "$T/wrong.json"
told "a target without wsman" http://10.71.2.20:16992/wsman 403 'wsman is not among'
told "who is not allowed" http://10.71.2.21:16992/wsman 403 'does not name it'
told "over TLS too" https://10.71.2.21:16993/wsman 403 'does not name it'

# --- clients that mean harm
ok "what could be read as two requests is none" on client python3 - <<'PY'
import socket
for head in ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: x, chunked",
             "Content-Length: +5", "Content-Length : 5", "Host: y", "X: " + "x" * 20000]:
    s = socket.create_connection(("10.71.2.11", 16992), 10)
    s.sendall(b"POST /wsman HTTP/1.1\r\nHost: x\r\n" + head.encode() + b"\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
    got = b""
    while True:
        d = s.recv(65536)
        if not d: break
        got += d
    assert got[9:12] in (b"400", b"413", b"501") and got.count(b"HTTP/1.1 ") == 1, (head[:40], got)
PY
ok "nothing of it has reached the machine" hasnt "$T/p12.json" smuggled
ok "requests one behind the other" on client python3 - <<'PY'
import socket
s = socket.create_connection(("10.71.2.11", 16992), 10)
s.sendall(b"GET /logon.htm HTTP/1.1\r\nHost: x\r\n\r\n" * 49 + b"GET /logon.htm HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
got = b""
while True:
    d = s.recv(65536)
    if not d: break
    got += d
assert got.count(b"HTTP/1.1 200 OK") == 50, got.count(b"HTTP/1.1")
PY
ok "a client that vanishes in the middle" on client python3 - "$(envelope AMT_GeneralSettings)" <<'PY'
import socket, struct, sys
for _ in range(50):
    s = socket.create_connection(("10.71.2.11", 16992), 10)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.sendall(("POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(sys.argv[1]), sys.argv[1])).encode())
    s.close()
PY
ok "the gateway is well" same "$(get http://10.71.2.11:16992/wsman)" 200
ok "and keeps no sessions of theirs" within 5 no_sessions

# --- sessions
spawn holder client python3 -c '
import http.client, time
c = http.client.HTTPConnection("10.71.2.11", 16992, timeout=10)
c.request("GET", "/logon.htm"); print(c.getresponse().read(), flush=True); time.sleep(60)'
listed() { ask sessions | python3 -c 'import json, sys; s = json.load(sys.stdin)["data"]; sys.exit(not any((x["target"], x["service"], x["state"]) == ("p12", "wsman", "open") for x in s))'; }
ok "a session is in the list" within 5 listed
ok "it can be ended" ctl end "$(ask sessions | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][0]["id"])')"
ok "then it is over" within 5 no_sessions

# --- the modules of meshcentral
if mesh_ready; then
  mesh_wsman() { on client node tests/system/clients/mesh_wsman.js "$MESH" "$@" >"$T/mesh.log" 2>&1 || { cat "$T/mesh.log"; return 1; }; }
  web_up() { on amt curl -sk --max-time 2 -o /dev/null "https://$1:16993/"; }
  for where in "10.71.2.11 16992" "10.71.2.12 16992" "10.71.2.12 16993 --tls" "10.71.2.13 16993 --tls"; do
    # shellcheck disable=SC2086
    within 10 web_up "${where%% *}"
    ok "meshcentral at $where" mesh_wsman $where --power 10 '*AMT_GeneralSettings' CIM_SoftwareIdentity CIM_ServiceNobodyHas &&
      ok "meshcentral at $where: what it read" has "$T/mesh.log" '"CIM_SoftwareIdentity":200.*"CIM_ServiceNobodyHas":400'
  done
else
  echo "meshcentral is left out: npm could not fetch it"
fi

# --- the end
alive holder && stop holder
spawn holder client python3 -c '
import http.client, time
c = http.client.HTTPConnection("10.71.2.11", 16992, timeout=10)
c.request("GET", "/logon.htm"); print(c.getresponse().read(), flush=True); time.sleep(60)'
within 5 listed
stop gateway
ok "SIGTERM ends the daemon with sessions open" same "$status" 0
ok "no secret in the log" hasnt "$T/gateway.log" "$password|user-pw-1|not-that|Authorization|response="
