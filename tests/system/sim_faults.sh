#!/usr/bin/env bash
# The simulator's faults, certificates and limits on real sockets: what a client sees of each, and that nothing leaks.
. "$(dirname "$0")/lib.sh"
need python3 openssl
lab router
t=10.71.2.11
# saw FIELD VALUE ARGS...: a probe of $t ends so
saw() {
  local f=$1 want=$2
  shift 2
  probe client redir $t "$@" --user admin --password "$password"
  same "$(field "$f")" "$want" || { echo "  $answer"; return 1; }
}

console() { serial client $t "${1:-16994}" "${@:2}" --user admin --password "$password"; }

sim fault $t --profile 15 --fault connect:reset
ok "fault connect:reset" eval 'saw end reset 16994 sol || has <(echo "$answer") "reset by peer"'
stop fault
for f in connect:close connect:stall start:close start:reset start:stall auth:close auth:stall open:close open:reset; do
  case $f in *stall) want=time ;; *reset) want=reset ;; *) want=eof ;; esac
  sim fault $t --profile 15 --fault $f
  ok "fault $f" saw end $want 16994 sol --timeout 1
  stop fault
done
sim once $t --profile 15 --fault start:close:0:1
ok "a fault for one connection" saw end eof 16994 sol
ok "and the next is served" console
stop once
for f in tls:close tls:stall tls:garbage; do
  sim fault $t --profile 16.1 --fault $f
  ok "fault $f" refused client redir $t 16995 sol --tls --timeout 1
  ok "fault $f in the log" has "$T/fault.json" "\"fault\":\"$f\""
  stop fault
done
sim split $t --profile 8 --one-byte
ok "one byte a segment" console
stop split
sim glued $t --profile 8 --glue
ok "everything in one segment" console
stop glued

# --- certificates
hello() { on client openssl s_client -connect $t:16995 "$@" </dev/null 2>&1; }
fingerprint() { hello | openssl x509 -noout -fingerprint; }
sim wrong $t --profile 16.1 --wrong-cert
ok "another certificate on each connection" test "$(fingerprint)" != "$(fingerprint)"
stop wrong
sim steady $t --profile 19
ok "otherwise the same one" same "$(fingerprint)" "$(fingerprint)"
hello | openssl x509 -noout -text >"$T/cert.txt"
ok "an EC key" has "$T/cert.txt" secp384r1
hello -tls1_3 >"$T/tls13.txt"
ok "TLS 1.3" has "$T/tls13.txt" 'New, TLSv1.3'
hello -tls1_1 -cipher ALL@SECLEVEL=0 >"$T/tls11.txt"
ok "no TLS 1.1" has "$T/tls11.txt" 'Cipher is \(NONE\)'
ok "16994 and 5900 are closed" not eval 'listens amt 16994 || listens amt 5900'
ok "no client certificate is needed" console 16995 --tls
stop steady
sim ancient $t --profile 8
hello -tls1 -cipher ALL@SECLEVEL=0 >"$T/tls10.txt"
ok "TLS 1.0 of AMT 8" has "$T/tls10.txt" 'Protocol *: TLSv1$|New, TLSv1.0'
hello >"$T/tls12.txt"
ok "and nothing newer" has "$T/tls12.txt" 'Cipher is \(NONE\)'
stop ancient
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -subj /CN=clients -days 2 2>/dev/null
sim mutual $t --profile 16.1 --client-ca "$T/ca.pem" --cert "$T/ca.pem" --key "$T/ca.key"
ok "no client certificate, no session" refused client redir $t 16995 sol --tls
hello -cert "$T/ca.pem" -key "$T/ca.key" >"$T/mutual.txt"
ok "the log names who has one" within 5 has "$T/mutual.json" '"certificate":"CN=clients"'
stop mutual

# --- limits
sim many $t --profile 8
ok "5900 asks for the password" eval 'probe client rfb $t 5900 --rfbpassword P@ssw0rd; same "$(field name)" "Intel(r) AMT KVM"'
ok "a wrong one is told" eval 'probe client rfb $t 5900 --rfbpassword wrong; same "$(field result)" 1'
spawn holder client python3 tests/system/tools/probe.py redir $t 16994 sol --user admin --password "$password" --hold 20
within 5 has "$T/holder.log" '"open": true'
ok "the second is busy" saw start 2 16994 sol
ok "other kinds are not" saw start 0 16994 ider
stop holder
ok "and the first frees it" within 5 console
before=$(fds many)
for _ in $(seq 100); do echo probe; done | on client python3 -c '
import socket, sys
for line in sys.stdin:
    for data in (b"", b"\x10", b"\x10\0\0\0SOL ", b"GET /", b"\x10\0\0\0SOL \x13\0\0\0\1\xff\xff\xff\x7f"):
        s = socket.create_connection((sys.argv[1], 16994)); s.sendall(data); s.close()' $t
calm() { [ "$(fds many)" -le "$before" ]; }
ok "five hundred broken connections leave nothing" within 5 calm
ok "it still serves" console
stop many
ok "SIGTERM ends it with 0" same "$status" 0
sim slow $t --profile 8 --slow-reader 50000
on client python3 -c '
import socket, sys, time
s = socket.create_connection((sys.argv[1], 16994)); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
s.sendall(b"\x10\0\0\0SOL " ); s.recv(13); s.sendall(b"\x13\0\0\0\1\x11\0\0\0\5admin\nP@ssw0rd1!"); s.recv(9)
s.sendall(bytes.fromhex("2000000000000000e80364000000000000000000") + bytes(4)); time.sleep(.5)
t = time.time()
for i in range(1000): s.sendall(b"\x28\0\0\0\0\0\0\0\xc8\0" + b"x" * 200)
sys.exit(0 if time.time() - t > 0.5 else 1)' $t
ok "a slow reader is slow" same $? 0
stop slow
"$BUILD/amtgate-sim" --nonsense 2>/dev/null
ok "wrong usage is 2" same $? 2
