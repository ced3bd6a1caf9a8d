#!/usr/bin/env bash
# amtgate ider: CD and floppy to a machine, over TLS and plain, straight and through the gateway; its exit codes.
. "$(dirname "$0")/lib.sh"
lab router
head -c 2500000 /dev/urandom >"$T/cd.img"
head -c 1474560 /dev/urandom >"$T/floppy.img"
head -c 2500608 <(cat "$T/cd.img" /dev/zero) >"$T/cd.whole" # the last block is filled up with zeros
sum() { sha256sum "$1" | cut -d' ' -f1; }
sim pc1 10.71.2.10 --profile 15 --ider-sha256 "$(sum "$T/cd.whole")" --ider-sha256-floppy "$(sum "$T/floppy.img")"
sim pc2 10.71.2.11 --profile 16.1 --wrong-cert
echo "$password" >"$T/password"
read_twice() { [ "$(grep -c '"match":true' "$T/pc1.json")" -ge "$want" ]; }
want=0
serve() { # WHAT HOST ARGS
  local what=$1 h=$2
  shift 2
  want=$((want + 2))
  : >"$T/ider.log"
  spawn ider "$h" "$BUILD/amtgate" ider --state "$T/seen" --cd "$T/cd.img" --floppy "$T/floppy.img" "$@" 10.71.2.10
  ok "$what: CD and floppy are read in whole" within 40 read_twice
  stop ider INT
  ok "$what: ends in order, exit 0" same "$status" 0
  ok "$what: says how much it served" has "$T/ider.log" 'MB served in .* commands'
}
serve "TLS, straight" client --password-file "$T/password"
ok "straight: the machine saw an end in order" has "$T/pc1.json" 'client ended the session'
serve "plain, straight" client --password-file "$T/password" --plain
gateway <<INI
[target pc1]
address = 10.71.2.10
password = $password
allow = 10.71.1.101
INI
on client ip route replace 10.71.2.10/32 via 10.71.1.1 src 10.71.1.101
serve "plain, through the gateway" client --plain
code() { on client "$BUILD/amtgate" ider --state "$T/seen" "$@" >"$T/code.log" 2>&1; same $? "$want_code"; }
on client ip route replace 10.71.2.10/32 via 10.71.1.1 src 10.71.1.100
want_code=2; ok "no image: exit 2" code 10.71.2.10
want_code=2; ok "an image that is not there: exit 2" code --cd /nowhere 10.71.2.10
ok "and its name" has "$T/code.log" '/nowhere'
openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=another" -days 9 -keyout "$T/ca.key" -out "$T/ca.pem" 2>/dev/null
want_code=5; ok "a certificate of another CA: exit 5" code --ca "$T/ca.pem" --password-file "$T/password" --cd "$T/cd.img" 10.71.2.10
want_code=2; ok "a CA that is not there: exit 2" code --ca /nowhere --cd "$T/cd.img" 10.71.2.10
want_code=3; ok "nobody there: exit 3" code --cd "$T/cd.img" 10.71.2.99
want_code=3; ok "no such name: exit 3" code --cd "$T/cd.img" nobody.invalid
want_code=1; ok "not allowed at the gateway: exit 1" code --plain --cd "$T/cd.img" 10.71.2.10
stop gateway; rules down
want_code=4; ok "wrong password: exit 4" code --plain --cd "$T/cd.img" 10.71.2.10
ok "in our words, without a log's" hasnt "$T/code.log" device.login_refused
spawn first client "$BUILD/amtgate" ider --state "$T/seen" --password-file "$T/password" --cd "$T/cd.img" 10.71.2.11
within 20 has "$T/first.log" 'the drives are attached' # and the certificate is remembered
stop first INT
want_code=5; ok "another certificate: exit 5" code --password-file "$T/password" --cd "$T/cd.img" 10.71.2.11
ok "and says so" has "$T/code.log" 'certificate.*changed'
