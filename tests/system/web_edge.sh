#!/usr/bin/env bash
# The web ports at their edges: IPv6, machines that want a certificate of the gateway, clients that are slow, too many,
# or leave half of a request behind, while another is served.
. "$(dirname "$0")/lib.sh"
need curl python3 openssl
WORKERS=1
lab router
openssl req -x509 -newkey rsa:2048 -nodes -days 3 -subj /CN=authority -addext basicConstraints=critical,CA:TRUE -keyout "$T/ca.key" -out "$T/ca.pem" 2>/dev/null
for n in machine gate; do
  openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$n" -keyout "$T/$n.key" -out "$T/$n.csr" 2>/dev/null
  openssl x509 -req -in "$T/$n.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -days 3 -out "$T/$n.pem" 2>/dev/null
done
chmod 600 "$T/gate.key"
chown nobody "$T/gate.key"
sim p12 10.71.2.10 --profile 12
sim six fd71:2::11 --profile 16.1
sim mutual 10.71.2.12 --profile 16.1 --cert "$T/machine.pem" --key "$T/machine.key" --client-ca "$T/ca.pem"
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24 fd71:1::/64
[target p12]
address = 10.71.2.10
[target six]
address = fd71:2::11
[target mutual]
address = 10.71.2.12
tls = yes
tls_ca = $T/ca.pem
tls_cert = $T/gate.pem
tls_key = $T/gate.key
[target mutual_without]
address = 10.71.2.13
amt = 10.71.2.12
tls = yes
tls_ca = $T/ca.pem
INI
body='<E:Envelope xmlns:E="http://www.w3.org/2003/05/soap-envelope" xmlns:A="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:W="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><E:Header><A:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</A:Action><A:To>/wsman</A:To><W:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings</W:ResourceURI><A:MessageID>7</A:MessageID></E:Header><E:Body/></E:Envelope>'
get() { on client curl -gsk --max-time 30 -o "$T/reply" -w '%{http_code}' --data-binary "$body" "$@"; }

# --- IPv6
for url in 'http://[fd71:2::11]:16992' 'http://[fd71:2::11]:623' 'https://[fd71:2::11]:16993' 'https://[fd71:2::11]:664'; do
  ok "$url" same "$(get "$url/wsman")" 200
  ok "$url: the machine's answer" has "$T/reply" '<g:HostName>amtgate-sim</g:HostName>'
done
ok "the session names both" has "$T/gateway.log" 'session.open.*kind=wsman.*client=.*fd71:1::100.*target=six'
ok "the page behind it leads to the same address" same "$(on client curl -gsk -o /dev/null -w '%{redirect_url}' 'http://[fd71:2::11]:16992/')" 'http://[fd71:2::11]:16992/logon.htm'

# --- a certificate of the gateway
ok "mutual TLS" same "$(get http://10.71.2.12:16992/wsman)" 200
ok "mutual TLS, with TLS from the client" same "$(get https://10.71.2.12:16993/wsman)" 200
ok "without one: no" same "$(get http://10.71.2.13:16992/wsman)" 502
ok "in words" has "$T/reply" '^amtgate: mutual_without .*certificate'

# --- the end of a chunked body in pieces, nothing before it
cat >"$T/pieces.py" <<'PY'
import socket, time
s = socket.create_connection(("10.71.2.10", 16992), 10)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for piece in (b"POST /wsman HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n", b"\r", b"\n"):
    s.sendall(piece)
    time.sleep(0.2)
s.settimeout(60)
print(s.recv(4096).split(b"\r\n")[0].decode())
PY
on client python3 "$T/pieces.py" >"$T/pieces.log" 2>&1
ok "an empty body whose end comes in pieces is a request" has "$T/pieces.log" '^HTTP/1.1 [2-5]'
ok "and the next one is answered" same "$(get http://10.71.2.10:16992/wsman)" 200

# --- clients that do not come to the end, beside one that does
cat >"$T/slow.py" <<'PY'
# 100 that stop in the middle of the head, of the body, or do not read the answer.
import socket, time
held = []
for i in range(100):
    s = socket.create_connection(("10.71.2.10", 16992), 10, ("10.71.1.101", 0))
    s.sendall((b"POST /wsman HTTP/1.1\r\nHos", b"POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc",
               b"GET /logon.htm HTTP/1.1\r\nHost: x\r\n\r\n" * 40)[i % 3])
    held.append(s)
print("held", flush=True)
time.sleep(120)
PY
spawn slow client python3 "$T/slow.py"
ok "100 clients that do not go on" within 30 has "$T/slow.log" held
begin=$(date +%s%N)
ok "another is served" same "$(get http://10.71.2.10:16992/wsman)" 200
ok "soon" test $((($(date +%s%N) - begin) / 1000000)) -lt $((5000 * ${SLOW:-1}))
cat >"$T/more.py" <<'PY'
import socket, time
held, refused = [], 0
for i in range(150):
    s = socket.create_connection(("10.71.2.10", 16992), 10, ("10.71.1.101", 0))
    s.sendall(b"GET /logon.htm HTTP/1.1\r\nHost: x\r\n\r\n")
    got = s.recv(4096)
    refused += got.startswith(b"HTTP/1.1 503 ") and b"too many connections of yours" in got
    held.append(s)
print("refused", refused, flush=True)
time.sleep(120)
PY
spawn more client python3 "$T/more.py"
ok "more of one client than a worker takes" within 30 has "$T/more.log" 'refused [0-9]'
ok "are refused, in words: 122 of 150" has "$T/more.log" 'refused 122$'
ok "another client is served" same "$(get http://10.71.2.10:16992/wsman)" 200
stop slow
stop more
ok "when they are gone there is room" gives 200 get http://10.71.2.10:16992/wsman
ok "and nothing is kept of them" within 20 no_sessions
cat >"$T/drip.py" <<'PY'
# One byte of the head every half second.
import socket, time
s = socket.create_connection(("10.71.2.10", 16992), 10)
begin, got = time.time(), b""
s.setblocking(False)
for c in b"GET /logon.htm HTTP/1.1\r\nX-" + b"y" * 200:
    try: s.send(bytes([c]))
    except OSError: break
    time.sleep(0.5)
    try: got += s.recv(4096)
    except BlockingIOError: continue
    except OSError: break
    break
print("ended after", int(time.time() - begin), got[:20], flush=True)
PY
spawn drip client python3 "$T/drip.py"
ok "a head that drips in is not waited for" within 60 has "$T/drip.log" "ended after (2[5-9]|3[0-9]|4[0-9]) b'HTTP/1.1 408"
ok "the gateway is well" same "$(get http://10.71.2.10:16992/wsman)" 200
