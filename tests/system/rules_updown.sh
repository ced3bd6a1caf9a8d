#!/usr/bin/env bash
# amtgate-rules up, show, down: twice, halfway, tampered, beside other people's rules, with both iptables back ends. What
# `down` leaves is compared with what was there before, byte for byte.
. "$(dirname "$0")/lib.sh"
need iptables ip6tables iptables-legacy ip unshare
lab router

amtgate_rules() { on gw "$BUILD/amtgate-rules" "$@"; }
# Runs with another choice of iptables: $1 is a folder that takes the place of /etc/alternatives.
with() { local d=$1; shift; on gw unshare -m sh -c 'mount --bind "$0" /etc/alternatives && exec "$@"' "$d" "$@"; }
alternatives() { # NAME: a copy of the system's choices in $T/NAME
  mkdir "$T/$1" && cp -a /etc/alternatives/. "$T/$1/"
}
legacy() { with "$T/legacy" "$BUILD/amtgate-rules" "$@"; }
dump() { # everything that rules and routes are made of; empty legacy tables stay until their module goes
  local c
  for c in iptables-nft-save ip6tables-nft-save; do echo "== $c"; on gw $c 2>/dev/null | grep -v '^#'; done
  for c in iptables-legacy-save ip6tables-legacy-save; do
    echo "== $c"; on gw $c 2>/dev/null | grep -v '^#' | grep -vE '^(\*|COMMIT|:[A-Z]+ ACCEPT )'
  done
  for c in -4 -6; do echo "== ip $c"; on gw ip $c -d rule show; on gw ip $c route show table all | grep -v fe80::; done # those come when the kernel has found nobody else has them
}
dumps_equal() { diff "$1" "$2"; }
conf() { { printf '[gateway]\nuser = nobody\n[intercept]\ninterfaces = lan0\n'; cat; } >"$T/$1.conf"; chmod 600 "$T/$1.conf"; }
conf plain </dev/null
printf 'mode = redirect\n' | conf redirect
printf 'mark = 0x77\ntable = 77\nlocal = no\nfail = closed\n' | conf other
printf 'classify = all\n' | conf all

alternatives legacy
for p in iptables ip6tables; do
  for s in "" -save -restore; do ln -sf "/usr/sbin/$p-legacy$s" "$T/legacy/$p$s"; done
done

echo "--- a clean machine"
dump >"$T/clean"
ok "down on a clean machine" amtgate_rules down
dump >"$T/after" && ok "changes nothing" dumps_equal "$T/clean" "$T/after"
for c in plain redirect other all; do
  amtgate_rules show -c "$T/$c.conf" >"$T/shown"
  ok "$c: up" amtgate_rules up -c "$T/$c.conf"
  dump >"$T/up"
  ok "$c: has its chains" has "$T/up" '^:AMTGATE_PREROUTING'
  ok "$c: up again" amtgate_rules up -c "$T/$c.conf"
  dump >"$T/again" && ok "$c: is the same" dumps_equal "$T/up" "$T/again"
  amtgate_rules show -c "$T/$c.conf" >"$T/nothing" && ok "$c: show has nothing left to do" has "$T/nothing" 'nothing'
  ok "$c: down" amtgate_rules down
  dump >"$T/after" && ok "$c: nothing stays" dumps_equal "$T/clean" "$T/after"
  ok "$c: what show printed works as a script" on gw sh -e "$T/shown"
  dump >"$T/again" && ok "$c: and does the same" dumps_equal "$T/up" "$T/again"
  ok "$c: down after it" amtgate_rules down
  dump >"$T/after" && ok "$c: nothing stays after it" dumps_equal "$T/clean" "$T/after"
done

echo "--- from one configuration to another"
for c in plain redirect other all plain; do
  amtgate_rules up -c "$T/$c.conf" && dump >"$T/moved"
  amtgate_rules down && amtgate_rules up -c "$T/$c.conf" && dump >"$T/fresh"
  # Tables that an earlier mode made stay, empty, until `down`.
  strip() { grep -vE '^(\*|COMMIT|:)' "$1"; }
  ok "to $c" same "$(strip "$T/moved")" "$(strip "$T/fresh")"
done
amtgate_rules up -c "$T/redirect.conf" && ok "down without a configuration" amtgate_rules down -c /nonexistent
dump >"$T/after" && ok "takes all of it" dumps_equal "$T/clean" "$T/after"

echo "--- other people's rules"
on gw iptables -t mangle -A PREROUTING -i lan0 -j MARK --set-mark 7
on gw iptables -t raw -A PREROUTING -p udp -j NOTRACK
on gw iptables -t nat -N MINE
on gw iptables -t nat -A POSTROUTING -o amt0 -j MINE
on gw ip6tables -t mangle -P FORWARD DROP
on gw iptables-legacy -A INPUT -p icmp -j ACCEPT
on gw ip rule add pref 100 fwmark 0x5900 lookup 200
on gw ip route add 203.0.113.0/24 via 10.71.2.9 table 200
dump >"$T/theirs"
for c in plain redirect all; do
  amtgate_rules up -c "$T/$c.conf"
  dump >"$T/up" && ok "$c: theirs are still there" same "$(diff "$T/theirs" "$T/up" | grep -c '^< [-:]')" 0
  amtgate_rules down
  dump >"$T/after" && ok "$c: and as they were" dumps_equal "$T/theirs" "$T/after"
done
amtgate_rules up -c "$T/plain.conf"
ok "our mangle jumps come before theirs" same "$(on gw iptables -t mangle -S PREROUTING | grep -n AMTGATE | cut -d: -f1 | xargs)" "2 3"
ok "our raw jump comes after theirs" test "$(on gw iptables -t raw -S PREROUTING | tail -1 | grep -c AMTGATE)" = 1
on gw iptables -t raw -A OUTPUT -p sctp -j ACCEPT # somebody begins to use a table that we made
on gw ip6tables -t raw -A OUTPUT -p sctp -j ACCEPT
amtgate_rules down
ok "a table in use by others stays" same "$(on gw ip6tables -t raw -S OUTPUT | tail -1)" "-A OUTPUT -p sctp -j ACCEPT"
ok "without our note" not grep -q AMTGATE <(on gw ip6tables-save)
on gw iptables -t raw -D OUTPUT -p sctp -j ACCEPT

echo "--- broken states"
amtgate_rules up -c "$T/plain.conf"
dump >"$T/up"
breakage() { # WHAT COMMAND...: breaks something; up must mend it
  local what=$1
  shift
  on gw "$@" || echo "(could not: $*)"
  ok "$what: up" amtgate_rules up -c "$T/plain.conf"
  dump >"$T/mended" && ok "$what: mended" dumps_equal "$T/up" "$T/mended"
}
breakage "a rule deleted" iptables -t mangle -D AMTGATE_PREROUTING 1
breakage "a chain emptied" ip6tables -t raw -F AMTGATE_PREROUTING
breakage "a jump deleted" iptables -t mangle -D OUTPUT 1
breakage "a jump doubled" iptables -t mangle -I OUTPUT -p tcp -m multiport --dports 5900,16994,16995 -j AMTGATE_OUTPUT
breakage "the policy rule gone" ip rule del pref 59
breakage "the route gone" ip -6 route flush table 5900
breakage "a stale policy rule" ip rule add pref 59 fwmark 0x99 lookup 99 protocol 159
breakage "a stale chain" iptables -t mangle -N AMTGATE_OLD
amtgate_rules down
for n in 1 2 3 4 5 6 7; do # `up` killed after each of its steps
  amtgate_rules show -c "$T/plain.conf" | awk -v n=$n '/^# IPv/ { k++ } k <= n' >"$T/part"
  on gw sh -e "$T/part"
  [ $((n % 2)) = 0 ] && ok "half an up ($n): up" amtgate_rules up -c "$T/plain.conf"
  [ $((n % 2)) = 0 ] && dump >"$T/mended" && ok "half an up ($n): whole" dumps_equal "$T/up" "$T/mended"
  ok "half an up ($n): down" amtgate_rules down
  dump >"$T/after" && ok "half an up ($n): nothing stays" not grep -q -e AMTGATE -e 'proto 159' "$T/after"
done

echo "--- the older back end"
on gw iptables -t mangle -F PREROUTING; on gw iptables -t nat -F; on gw iptables -t nat -X MINE
dump >"$T/before"
ok "legacy: up" legacy up -c "$T/plain.conf"
ok "legacy: rules are there" same "$(on gw iptables-legacy-save | grep -c '^-A AMTGATE')" 16
ok "legacy: and not in the other" not grep -q AMTGATE <(on gw iptables-nft-save)
dump >"$T/up"
legacy up -c "$T/plain.conf" && dump >"$T/again" && ok "legacy: up again is the same" dumps_equal "$T/up" "$T/again"
ok "after a change of back end: up" amtgate_rules up -c "$T/plain.conf"
ok "moved over" not grep -q AMTGATE <(on gw iptables-legacy-save; on gw ip6tables-legacy-save)
ok "legacy: up, with rules in the other" legacy up -c "$T/plain.conf"
ok "moved back" not grep -q AMTGATE <(on gw iptables-nft-save | grep '^-A')
ok "down finds them wherever they are" amtgate_rules down
dump >"$T/after" && ok "legacy: nothing stays" dumps_equal "$T/before" "$T/after"

echo "--- what cannot be done is said, with the next step, and leaves nothing"
refused() { # WHAT REGEX COMMAND...
  local what=$1 regex=$2
  shift 2
  "$@" >"$T/out" 2>"$T/said"
  ok "$what: exit 1" same $? 1
  ok "$what: says so" has "$T/said" "$regex"
  dump >"$T/after" && ok "$what: leaves nothing" dumps_equal "$T/before" "$T/after"
}
refused "no rights" 'sudo' on gw setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$BUILD/amtgate-rules" up -c "$T/plain.conf"
alternatives none && rm "$T"/none/iptables*
refused "no iptables" 'apt-get install iptables' with "$T/none" "$BUILD/amtgate-rules" up -c "$T/plain.conf"
lacking() { # a kernel without $1: an iptables-restore that refuses it
  alternatives "no$1"
  local f
  for f in iptables-restore ip6tables-restore; do
    rm "$T/no$1/$f"
    printf '#!/bin/sh\ni=$(cat)\ncase $i in *%s*) echo "line 4: RULE_APPEND failed" >&2; exit 4 ;; esac\nexec /usr/sbin/%s "$@" <<END\n$i\nEND\n' \
      "$1" "${f/tables/tables-nft}" >"$T/no$1/$f"
    chmod 755 "$T/no$1/$f"
  done
}
lacking TPROXY
refused "no TPROXY" 'mode = redirect' with "$T/noTPROXY" "$BUILD/amtgate-rules" up -c "$T/plain.conf"
lacking NFQUEUE
refused "no NFQUEUE" 'classify = all' with "$T/noNFQUEUE" "$BUILD/amtgate-rules" up -c "$T/plain.conf"
lacking CONNMARK
refused "no CONNMARK" 'local = no' with "$T/noCONNMARK" "$BUILD/amtgate-rules" up -c "$T/plain.conf"
on gw ip route add 203.0.113.9 via 10.71.2.9 table 5900
dump >"$T/before"
refused "a routing table in use" '\[intercept\] table' amtgate_rules up -c "$T/plain.conf"
printf 'portz = 1\n' | conf bad
refused "a bad configuration" 'bad.conf:5' amtgate_rules up -c "$T/bad.conf"
printf 'ports = 22\n' | conf unserved
refused "no served port" 'ports' amtgate_rules up -c "$T/unserved.conf"
"$BUILD/amtgate-rules" sideways >/dev/null 2>&1
ok "wrong usage: exit 2" same $? 2
on gw ip route del 203.0.113.9 table 5900
ok "--config is -c" amtgate_rules show --config "$T/plain.conf" >/dev/null
ok "-c without a file: exit 2" same "$(amtgate_rules show -c 2>"$T/err"; echo $?)" 2
ok "in words" has "$T/err" '^amtgate-rules: -c needs a file$'
