#!/usr/bin/env bash
# amtgate ider over a link that drips, stalls and is cut at any place, by a relay between it and the machine; and at a
# machine whose drives somebody else has. What is read is compared in whole.
. "$(dirname "$0")/lib.sh"
need python3
lab router
echo "$password" >"$T/password"
head -c 6000000 /dev/urandom >"$T/cd.img"
head -c 6000640 <(cat "$T/cd.img" /dev/zero) >"$T/cd.whole" # the last block is filled up with zeros
sum=$(sha256sum "$T/cd.whole" | cut -d' ' -f1)
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=amt -keyout "$T/k.pem" -out "$T/c.pem" 2>/dev/null
link() { echo "$*" >"$T/mode.new" && mv "$T/mode.new" "$T/mode"; }
link pass
spawn relay gw python3 tests/system/tools/link_relay.py "$T/mode" 10.71.1.1 10.71.2.10 16994 16995
within 10 listens gw 16995
machine=
fresh() { # NAME SIM-OPTION...
  [ -z "$machine" ] || stop "$machine"
  machine=$1
  shift
  sim "$machine" 10.71.2.10 --profile 15 --cert "$T/c.pem" --key "$T/k.pem" --ider read --ider-drives cd --ider-random 8 --ider-sha256 "$sum" "$@"
}
serve() { : >"$T/ider.log"; spawn ider client "$BUILD/amtgate" ider -h 10.71.1.1 --state "$T/seen" --password-file "$T/password" --cd "$T/cd.img" "$@"; }
matches() { [ "$(grep -c '"match":true' "$T/$machine.json")" -ge "${1:-1}" ]; }
wrong() { grep -qE '"match":false|"random_wrong":[1-9]' "$T/$machine.json"; }
for how in "" --plain; do
  way=${how:-TLS}
  link drip 1400
  fresh "drips${how#--}"
  serve $how
  ok "$way: dripping: attached" within 60 has "$T/ider.log" 'the drives are attached'
  link drip 60000
  ok "$way: dripping: read in whole" within 90 matches
  ok "$way: dripping: the session stays" same "$(grep -c 'trying again' "$T/ider.log")" 0
  stop ider INT
  ok "$way: ends in order" same "$status" 0
  link pass
  fresh "stalls${how#--}" --ider-repeat 0
  serve $how
  ok "$way: before it stalls" within 40 matches
  link stall
  n=$(grep -c '"match":true' "$T/$machine.json")
  sleep 3 # how long it lasts; what it does is looked at behind it
  ok "$way: stalled: nothing comes" eval '[ "$(grep -c "\"match\":true" "$T/$machine.json")" -le $((n + 1)) ]'
  link pass
  ok "$way: goes on" within 60 matches $((n + 2))
  ok "$way: in the same session" same "$(grep -c 'trying again' "$T/ider.log")" 0
  link cut
  ok "$way: cut: said" within 30 has "$T/ider.log" 'trying again in 1 s'
  ok "$way: it tries again, later each time" within 60 has "$T/ider.log" 'trying again in 4 s'
  n=$(grep -c '"match":true' "$T/$machine.json")
  link pass
  ok "$way: back: attached again" within 60 has "$T/ider.log" 'the drives are attached again'
  ok "$way: and read in whole" within 60 matches $((n + 1))
  ok "$way: never another byte" not wrong
  stop ider INT
  ok "$way: ends in order" same "$status" 0
done
# Cut at more and more bytes: in the handshake, in the log-in, in the first commands, in the middle of data.
fresh cuts
link after 100
serve
ok "cut in the very first bytes: it says so and ends" within 30 not alive ider
stop ider
ok "with exit 3 or 1" eval '[ "$status" = 1 ] || [ "$status" = 3 ]'
link pass
serve
ok "attached" within 40 has "$T/ider.log" 'the drives are attached'
for n in 500 2500 4000 100000 900000; do
  lost=$(grep -c 'trying again' "$T/ider.log")
  link cut
  within 30 eval '[ "$(grep -c "trying again" "$T/ider.log")" -gt "$lost" ]'
  link after $n
  lost=$(grep -c 'trying again' "$T/ider.log")
  ok "cut after $n bytes: it goes on trying" within 60 eval '[ "$(grep -c "trying again" "$T/ider.log")" -gt "$lost" ]'
  ok "cut after $n bytes: alive" alive ider
done
fresh cutsend
link pass
ok "read in whole in the end" within 90 matches
ok "never another byte" not wrong
stop ider INT
ok "ends in order" same "$status" 0

# --- somebody else has the drives
fresh busy --ider-repeat 0
serve
ok "one has the drives" within 40 has "$T/ider.log" 'the drives are attached'
second() { on client "$BUILD/amtgate" ider -h 10.71.1.1 --state "$T/seen2" --password-file "$T/password" --cd "$T/cd.img" "$@" >"$T/second.log" 2>&1; same $? 1; }
ok "a second one is refused: exit 1" second
ok "in words" has "$T/second.log" '10\.71\.1\.1 .*busy: another session of this kind is open'
ok "and what to do" has "$T/second.log" 'amtgate images'
ok "the first goes on" same "$(grep -c 'trying again' "$T/ider.log")" 0
n=$(grep -c '"match":true' "$T/$machine.json")
ok "and serves" within 60 matches $((n + 2))
stop ider INT
