#!/usr/bin/env bash
# status, sessions, end, reload, metrics; a running session lives through a reload; SIGTERM ends sessions in order.
. "$(dirname "$0")/lib.sh"
need curl
lab router
sim pc1 10.71.2.10
sim pc2 10.71.2.11
config() { printf '[defaults]\npassword = %s\nallow = 10.71.1.0/24\n[target pc1]\naddress = 10.71.2.10\n%s\n' "$password" "${1:-}"; }
METRICS=127.0.0.1:9623
gateway < <(config)
has_state() { ctl status | grep -q "^$1 *$2"; }
hold() { # NAME TARGET SECONDS
  on client python3 tests/system/tools/probe.py redir "$2" 16994 sol --hold "$3" >"$T/$1.log" 2>&1 &
  within 8 has "$T/$1.log" '"open": true'
}
hold one 10.71.2.10 60
ok "status" has <(ctl status) 'pc1'
ok "status --json" python3 -c 'import json, sys; json.load(sys.stdin)' < <(ctl --json status)
ctl --json sessions >"$T/sessions.json"
cat "$T/sessions.json"
ok "sessions --json has every field" python3 - "$T/sessions.json" <<'PY'
import json, sys
s, = json.load(open(sys.argv[1]))
assert set(s) >= {"id", "target", "service", "client", "user", "device", "tls", "state", "started", "rx_bytes", "tx_bytes"}, s
assert s["target"] == "pc1" and s["service"] == "sol" and s["client"].startswith("10.71.1.100:") and s["device"].startswith("10.71.2.10:1699"), s
assert s["state"] == "open" and s["tx_bytes"] > 0, s
PY
ok "sessions in words" has <(ctl sessions) 'pc1.*sol|sol.*pc1'
ok "metrics" has <(on gw curl -s http://127.0.0.1:9623/metrics) '^amtgate_[a-z_]+(\{[^}]*\})? [0-9]'

echo "--- standard output that cannot be written"
full() { "$@" >/dev/full 2>"$T/full.err"; [ $? = 1 ] && has "$T/full.err" '^[a-z-]+: cannot write to standard output(: No space left on device)?$'; }
ok "a table: exit 1, in words" full ctl status
ok "JSON too" full ctl --json sessions
ok "so with help" full amtgate --help
for program in amtgated amtgate-sim; do ok "and $program" full $program --help; done
ok "and amtgate-rules" full rules show
ok "who reads no more is no mistake" same "$({ ctl status 2>"$T/pipe.err"; echo $? >"$T/code"; } | true; cat "$T/code" "$T/pipe.err")" 0
closed() { on gw sh -c "\"\$0\" -c \"\$1\" $1" "$BUILD/amtgate" "$T/amtgate.conf" 2>"$T/closed.err"; }
ok "closed from the beginning: exit 1" not closed 'status >&-'
ok "in words" has "$T/closed.err" 'cannot write to standard output: Bad file descriptor'
ok "without input and errors it answers" eval 'closed "sessions --json <&- 2>&-" | python3 -c "import json, sys; assert len(json.load(sys.stdin)) == 1"'

echo "--- what to do"
other() { on gw setpriv --reuid=12345 --regid=12345 --clear-groups "$BUILD/amtgate" -c "$T/amtgate.conf" "$@" 2>"$T/err"; }
ok "a configuration that one may not read" not other status
ok "says so" has "$T/err" 'amtgate.conf: permission denied; try as root$'
ok "a word is missing: exit 2" same "$(ctl known 2>"$T/err"; echo $?)" 2
ok "says whose help to read" has "$T/err" 'try amtgate known --help$'

configure < <(config 'this is wrong')
ok "a broken file is refused" not ctl reload
ok "and named with its line" has "$T/gateway.log" 'amtgate\.conf:[0-9]+'
configure < <(config $'[target pc2]\naddress = 10.71.2.11')
ok "reload" ctl reload
ok "the new target is served" within 5 serial client 10.71.2.11
ok "the old session lives" gives 1 sessions
kill -HUP "${PIDS[gateway]}"
sleep 1
ok "SIGHUP reloads too, the session lives" gives 1 sessions

echo "--- a login that the machine refuses"
configure < <(config $'[target pc2]\naddress = 10.71.2.11\npassword = wrong')
ctl reload || ok "reload" false
ok "a target that nobody tried is ready" has <(ctl status) '^pc2 +ready'
ok "no target is refused yet" has <(on gw curl -s http://$METRICS/metrics) '^amtgate_targets_login_refused 0$'
refused client redir 10.71.2.11 16994 sol
ctl status >"$T/status.out"
ok "status: it is backing off" has "$T/status.out" '^pc2 +backing off'
ok "status: why, how long, what to do" has "$T/status.out" "^problem: pc2: 10.71.2.11 refused user 'admin'.* 1 time in a row; the next login waits [1-5] s.*amtgate reload"
ctl --json status >"$T/status.json"
ok "status --json: with numbers" python3 - "$T/status.json" <<'PY'
import json, sys
s = json.load(open(sys.argv[1]))
t = {t["name"]: t for t in s["targets"]}
assert t["pc2"]["state"] == "backing off" and t["pc2"]["login_refusals"] == 1 and 1 <= t["pc2"]["login_wait"] <= 5, t
assert t["pc1"]["state"] == "ready" and t["pc1"]["login_refusals"] == 0 and t["pc1"]["login_wait"] == 0, t
PY
page=$(on gw curl -s http://$METRICS/metrics)
ok "metrics: how many" has <(echo "$page") '^amtgate_targets_login_refused 1$'
ok "metrics: how long" has <(echo "$page") '^amtgate_target_login_wait_seconds\{target="pc2"\} [1-5]$'
ok "the others are not held back" probe client rfb 10.71.2.10 5900
ok "the time goes by" within 15 has_state pc2 'login refused'
ok "and status says that the next session tries" has <(ctl status) '^problem: pc2: .*the next session tries again'
refused client redir 10.71.2.11 16994 sol
ok "a second refusal waits longer" has <(ctl status) '^problem: pc2: .* 2 times in a row; the next login waits ([6-9]|10) s'
ctl --json doctor pc2 >"$T/doctor.json"
ok "doctor: the same credentials are refused, and the daemon waits" has "$T/doctor.json" "refused user 'admin'.*the daemon: .*waits [0-9]+ s"
configure < <(config $'[target pc2]\naddress = 10.71.2.11')
ctl --json doctor pc2 >"$T/doctor.json"
ok "doctor: good ones in the file, and the daemon has not read them" has "$T/doctor.json" "is let in .*but the daemon was not"
ok "doctor: what to do" has "$T/doctor.json" '"remedy": ?"amtgate reload'
ok "doctor: JSON in one line" same "$(wc -l <"$T/doctor.json")" 1
ctl reload || ok "reload" false
ok "status: ready again" has <(ctl status) '^pc2 +ready'
ok "served at once" serial client 10.71.2.11
ok "doctor is content" eval 'ctl doctor pc2 | grep -q " 0 failed"'
id=$(python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])' < <(ctl --json sessions))
ok "end ID" ctl end "$id"
ok "the client notices" within 5 has "$T/one.log" '"end": "(eof|reset)"'
ok "an unknown id: exit 1" same "$(ctl end 99999 >/dev/null 2>&1; echo $?)" 1
hold two 10.71.2.10 60
before=$SECONDS
stop gateway
ok "SIGTERM: exit 0" same "$status" 0
ok "SIGTERM: within 10 s" test $((SECONDS - before)) -le 10
ok "SIGTERM: the client's session is ended in order" within 3 has "$T/two.log" '"end": "eof"'
ok "no daemon: exit 3" same "$(ctl status >/dev/null 2>&1; echo $?)" 3
