#!/usr/bin/env bash
# amtgated and amtgate: start, privileges, the control socket, metrics, reload, end; what survives what.
. "$(dirname "$0")/lib.sh"
need curl setpriv
METRICS=127.0.0.1:9623
lab router
sim pc1 10.71.2.10
mkdir -m 755 "$T/targets.d"
echo "$password" >"$T/secret" && chmod 600 "$T/secret" # root's: the daemon's account cannot read it
target() { printf '[target pc1]\naddress = 10.71.2.10\nallow = 10.71.1.0/24\npassword_file = %s/secret\n%s\n' "$T" "${1:-}"; }
target >"$T/targets.d/pc1.conf"

# --- --check and a start that must fail
configure <<INI
workres = 2
INI
echo 'nonsense' >>"$T/targets.d/pc1.conf"
amtgated --check -c "$T/amtgate.conf" >"$T/check.out" 2>&1
ok "--check exits 1 on mistakes" same $? 1
ok "--check names the key and the nearest one" has "$T/check.out" "^$T/amtgate.conf:9: unknown key 'workres'.*'workers'"
ok "--check names mistakes of every file" has "$T/check.out" "^$T/targets.d/pc1.conf:[0-9]+: "
on gw timeout 10 amtgated -c "$T/amtgate.conf" >"$T/start.out" 2>&1
ok "a broken configuration is no start" same $? 1
ok "and says why" has "$T/start.out" "^$T/amtgate.conf:9: unknown key"
read_only() { # with a state folder that cannot be written
  on gw unshare -m sh -c 'mount -t tmpfs tmpfs "$1/state" && chown nobody "$1/state" && mount -o remount,ro "$1/state" &&
    exec timeout 10 amtgated -c "$1/amtgate.conf"' sh "$T" >"$T/start.out" 2>&1
  same $? 1
}
ok "wrong usage is 2" same "$(amtgated --chekc >/dev/null 2>&1; echo $?)" 2
target >"$T/targets.d/pc1.conf"
chmod 644 "$T/secret"
configure </dev/null
amtgated --check -c "$T/amtgate.conf" >"$T/check.out" 2>&1
ok "a secret that others may read is refused" same $? 1
ok "and named" has "$T/check.out" "pc1.conf:4: password_file: others may read .*chmod"
chmod 600 "$T/secret"
ok "a state folder that cannot be written is no start" read_only
ok "and says why, without advice that would not help" has "$T/start.out" 'step=state .*Read-only file system"$'
ok "--check exits 0 on a good file" amtgated --check -c "$T/amtgate.conf"

# --- running
gateway </dev/null
pid=${PIDS[gateway]}
state() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/${2:-$pid}/status"; }
ok "runs as its account" same "$(state Uid)" "$(id -u nobody)"
ok "with CAP_NET_ADMIN, CAP_NET_BIND_SERVICE and nothing else" same "$(state CapEff) $(state CapPrm)" "0000000000001400 0000000000001400"
ok "gains nothing from what it starts" same "$(state NoNewPrivs)" 1
ok "leaves no core" same "$(awk '/Max core/ { print $5 $6 }' "/proc/$pid/limits")" 00
reader=$(pgrep -P "$pid")
ok "its reader may read files and nothing else" same "$(state Uid "$reader") $(state CapEff "$reader")" "$(id -u nobody) 0000000000000004"
ok "the gateway's key is the account's alone" same "$(stat -c '%U %a' "$T/state/gateway-key.pem")" "nobody 600"
ok "the control socket is not for others" same "$(stat -c %a "$T/run/control.sock")" 660
as_stranger() { on gw setpriv --reuid 4242 --regid 4242 --clear-groups "$@"; }
chmod 755 "$T/run"
cp "$T/amtgate.conf" "$T/public.conf" && chmod 644 "$T/public.conf"
as_stranger "$BUILD/amtgate" -c "$T/public.conf" status >"$T/stranger.out" 2>&1
ok "others may not ask" same $? 3
ok "and are told so in a line" same "$(wc -l <"$T/stranger.out")" 1
chmod 666 "$T/run/control.sock"
as_stranger "$BUILD/amtgate" -c "$T/public.conf" status >"$T/stranger.out" 2>&1
ok "not even with the socket's mode opened" not test $? = 0
chmod 660 "$T/run/control.sock"
on gw timeout 10 amtgated -c "$T/amtgate.conf" >"$T/second.out" 2>&1
ok "a second daemon is refused" same $? 1
ok "and named as the reason" has "$T/second.out" 'another daemon'

ok "status for people" has <(ctl status) '^pc1 +ready'
ctl status --json >"$T/status.json"
ok "status for programs" python3 -c 'import json,sys; s=json.load(open(sys.argv[1])); assert s["targets"][0]["name"]=="pc1" and s["workers"]==2' "$T/status.json"
spawn held client python3 tests/system/tools/probe.py redir 10.71.2.10 16994 sol --hold 60
gives 1 sessions
ctl --json sessions >"$T/sessions.json"
ok "sessions has the contract's keys" python3 - "$T/sessions.json" <<'PY'
import json, sys
s = json.load(open(sys.argv[1]))
assert len(s) == 1, s
want = {"id", "target", "service", "client", "user", "device", "tls", "state", "started", "rx_bytes", "tx_bytes"}
assert want <= set(s[0]), s
assert s[0]["target"] == "pc1" and s[0]["service"] == "sol" and s[0]["client"].startswith("10.71.1."), s
PY
page=$(on gw curl -s "http://$METRICS/metrics")
ok "metrics are Prometheus text" has <(echo "$page") '^# TYPE amtgate_sessions gauge$'
ok "and count the session" has <(echo "$page") '^amtgate_sessions\{service="sol"\} 1$'
ok "all names begin with amtgate_" not grep -vE '^(# (HELP|TYPE) )?amtgate_' <<<"$page"
ok "other pages are not found" same "$(on gw curl -s -o /dev/null -w '%{http_code}' "http://$METRICS/")" 404
ok "junk on the metrics port hurts nobody" eval 'head -c 100000 /dev/urandom | on gw timeout 5 socat - "TCP:$METRICS" >/dev/null 2>&1; ctl status >/dev/null'
ok "junk on the control socket hurts nobody" eval 'head -c 100000 /dev/urandom | timeout 5 socat - "UNIX:$T/run/control.sock" >/dev/null 2>&1; ctl status >/dev/null'

# --- reload
target 'keybaord = de' >"$T/targets.d/pc1.conf"
kill -HUP "$pid"
ok "a broken file is refused at SIGHUP" within 5 has "$T/gateway.log" "config.mistake .*pc1.conf:5: unknown key 'keybaord'.*'keyboard'"
ctl reload >"$T/reload.out" 2>&1
ok "and at reload, with 1" same $? 1
ok "which prints the mistake" has "$T/reload.out" "^$T/targets.d/pc1.conf:5: unknown key 'keybaord'"
ok "status names the refused reload" has <(ctl status) '^problem: .*reload'
ok "the old configuration still serves" probe client rfb 10.71.2.10 5900
target 'allow = 10.71.9.9' >"$T/targets.d/pc1.conf"
sed -i '/^allow = 10.71.1/d' "$T/targets.d/pc1.conf"
ok "a good file is taken, root's secret with it" ctl reload
ok "running sessions live on" gives 1 sessions
ok "new ones follow the new file" refused client redir 10.71.2.10 16994 sol
ok "no secret in the log" hasnt "$T/gateway.log" 'P@ssw0rd'

# --- end
id=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[0]["id"])' "$T/sessions.json")
ok "end of an unknown session is 1" same "$(ctl end 999999 2>/dev/null; echo $?)" 1
ok "end of this one is 0" ctl end "$id"
ok "and ends it" within 5 not alive held
target >"$T/targets.d/pc1.conf"
ctl reload || ok "reload back" false
spawn held client python3 tests/system/tools/probe.py redir 10.71.2.10 16994 sol --hold 60
gives 1 sessions
begin=$SECONDS
stop gateway
ok "SIGTERM is exit 0" same "$status" 0
ok "within 10 s, with a session open" test $((SECONDS - begin)) -le 10
ok "which was told" within 5 not alive held
ok "the reader is gone too" within 5 not kill -0 "$reader"
ctl status >"$T/down.out" 2>&1
ok "no daemon is 3" same $? 3

daemon_start
reader=$(pgrep -P "${PIDS[gateway]}")
stop gateway KILL
ok "a killed daemon leaves no reader" within 3 not kill -0 "$reader"
spawn taken gw socat "TCP-LISTEN:${METRICS#*:},bind=${METRICS%:*},reuseaddr" -
within 5 listens gw "${METRICS#*:}"
daemon_start
ok "and its socket does not stop the next" serial client 10.71.2.10
ok "nor does a port for the metrics that somebody else has" has <(ctl status) "^problem: metrics: .*$METRICS.* in use"
stop taken
stop gateway INT
ok "SIGINT ends it too" same "$status" 0
