#!/usr/bin/env bash
# The Debian package under a real systemd (tools/systemd-box): installed by dpkg, started by its units with their sandbox,
# reloaded, killed, stopped, removed.
# LIMIT=600
. "$(dirname "$0")/lib.sh"
need dpkg dpkg-deb dpkg-shlibdeps unshare nsenter iptables
[ -x /lib/systemd/systemd ] || skip "systemd is not here"
ldd "$BUILD/amtgated" | grep -qE 'lib(a|t)san' && skip "a sanitizer does not run in the unit's sandbox"
grep -q cgroup2 /proc/filesystems && grep -q overlay /proc/filesystems || skip "the kernel has no cgroup2 or no overlay file system"
lab router
sim pc1 10.71.2.10
VERSION=$(amtgated --version | awk '{ print $2 }')
VERSION=$VERSION scripts/deb >"$T/deb.log" 2>&1 || { cat "$T/deb.log"; exit 1; }
cp "$BUILD/amtgate_${VERSION}_$(dpkg --print-architecture).deb" "$T/amtgate.deb"
ok "the package holds no file of this machine's user" same "$(dpkg-deb -c "$T/amtgate.deb" | awk '$2 != "root/root"')" ""

spawn box gw tests/system/tools/systemd-box "$T"
inside() { nsenter -at "$(cat "$T/pid")" "$@"; }
systemd_up() { inside systemctl is-system-running 2>&1 | grep -qE '^(running|degraded)$'; }
within 30 systemd_up || { cat "$T/box.log"; skip "systemd does not start in namespaces here"; }
inside systemctl stop systemd-firstboot.service 2>/dev/null
property() { inside systemctl show -P "$2" "$1"; } # UNIT PROPERTY
journal() { inside journalctl -q --no-pager -o cat -u "$1" >"$T/journal.log"; } # UNIT
proc() { inside awk -v k="$1:" '$1 == k { print $2 }' "/proc/$(property amtgated MainPID)/status"; } # KEY
running() { inside pgrep -x amtgated; }
settle() { inside systemctl is-active -q amtgated; }

echo "--- installed"
inside dpkg -i /mnt/amtgate.deb >"$T/dpkg.log" 2>&1
ok "dpkg installs it" same $? 0 || cat "$T/dpkg.log"
ok "the account is made" inside getent passwd amtgate
ok "nothing runs that nobody started" same "$(property amtgated ActiveState) $(property amtgate-rules ActiveState)" "inactive inactive"
ok "systemd finds no fault with the units" same "$(inside systemd-analyze verify amtgated.service amtgate-rules.service 2>&1 | grep -i amtgate)" ""
ok "the default configuration is whole" inside amtgated --check
ok "and not for everybody" same "$(inside stat -c '%U %a' /etc/amtgate/amtgate.conf)" "root 640"
configuration() { # LINE...: root's alone, with root's secret
  inside bash -c 'umask 077; echo "$1" >/etc/amtgate/secrets/pc1; cat >/etc/amtgate/targets.d/pc1.conf' sh "$password" <<INI
[target pc1]
address = 10.71.2.10
allow = 10.71.1.0/24
password_file = /etc/amtgate/secrets/pc1
$(printf '%s\n' "$@")
INI
}
configuration

echo "--- started"
inside systemctl start amtgated
ok "systemctl start waits until it is ready" same $? 0 || { journal amtgated; cat "$T/journal.log"; }
ok "ready was said, and how many targets" same "$(property amtgated StatusText)" "1 targets"
ok "the rules came with it" same "$(property amtgate-rules ActiveState)" active
ok "they are in place" has <(on gw iptables-save) AMTGATE_
ok "it runs as its account" same "$(proc Uid)" "$(inside id -u amtgate)"
ok "with CAP_NET_ADMIN and CAP_NET_BIND_SERVICE alone" same "$(proc CapEff)" 0000000000001400
ok "and can gain nothing" same "$(proc NoNewPrivs)" 1
ok "system calls are filtered" same "$(proc Seccomp)" 2
ok "the control socket is its group's" same "$(inside stat -c '%U %G %a' /run/amtgate/control.sock)" "root amtgate 660"
ok "the state folder is its own" same "$(inside stat -c '%U %a' /var/lib/amtgate)" "amtgate 750"
ok "amtgate status" has <(inside amtgate status) '^pc1 +ready'
ok "a client is served" serial client 10.71.2.10
inside amtgate --json doctor >"$T/doctor.json"
ok "doctor is content" same $? 0 || cat "$T/doctor.json"
ok "the sandbox is a tight one" test "$(inside systemd-analyze security --no-pager amtgated.service 2>/dev/null | awk '/Overall exposure/ { sub(/.*: /, ""); print int($1 * 10) }')" -le 50
as_member() { inside setpriv --reuid nobody --regid amtgate --clear-groups "$@"; }
ok "who is in its group may ask" as_member amtgate status

echo "--- reloaded"
was=$(property amtgated MainPID)
configuration 'keybaord = de'
inside systemctl reload amtgated 2>/dev/null
ok "a broken file is refused" not test $? = 0
journal amtgated
ok "and named" has "$T/journal.log" "pc1.conf:5: unknown key 'keybaord'"
ok "the daemon runs on" same "$(property amtgated ActiveState) $(property amtgated MainPID)" "active $was"
ok "and serves" serial client 10.71.2.10
configuration 'services = vnc'
ok "a good one is taken, root's secret with it" inside systemctl reload amtgated
ok "and is in force" refused client redir 10.71.2.10 16994 sol
ok "by the same process" same "$(property amtgated MainPID)" "$was"
configuration
inside systemctl reload amtgated
ok "the state stays its own" same "$(inside stat -c %U /var/lib/amtgate /var/lib/amtgate/known_certificates | sort -u)" amtgate

echo "--- killed"
inside systemctl kill -s KILL --kill-who=main amtgated
ok "systemd starts it again" within 10 eval '[ "$(property amtgated MainPID)" != "$was" ] && settle'
ok "and it serves" within 10 serial client 10.71.2.10

echo "--- without its capability"
inside mkdir -p /etc/systemd/system/amtgated.service.d
inside bash -c 'printf "[Service]\nCapabilityBoundingSet=~CAP_NET_ADMIN\nRestart=no\n" >/etc/systemd/system/amtgated.service.d/less.conf'
inside systemctl daemon-reload
inside systemctl restart amtgated 2>/dev/null
ok "it does not start" not test $? = 0
journal amtgated
ok "and says why" has "$T/journal.log" '(CAP_NET_ADMIN|cap_net_admin)'
inside amtgate --json doctor --local >"$T/doctor.json"
ok "doctor names the capability" python3 - "$T/doctor.json" <<'PY'
import json, sys
c = {c["check"]: c for c in json.load(open(sys.argv[1]))}
assert c["daemon"]["state"] == "fail", c["daemon"]
assert c["capabilities"]["state"] == "fail" and "CapabilityBoundingSet" in c["capabilities"]["remedy"], c["capabilities"]
PY
inside rm /etc/systemd/system/amtgated.service.d/less.conf
inside systemctl daemon-reload
inside systemctl reset-failed amtgated
ok "mended, it starts" inside systemctl start amtgated

echo "--- stopped"
spawn held client python3 tests/system/tools/probe.py redir 10.71.2.10 16994 sol --hold 60
within 10 has "$T/held.log" '"open": true' || ok "a session is open" false
begin=$SECONDS
inside systemctl stop amtgated
ok "stopped within 10 s, a session open" test $((SECONDS - begin)) -le 10
ok "nothing of it failed" same "$(property amtgated Result) $(property amtgated ExecMainStatus)" "success 0"
ok "the session was told" within 5 has "$T/held.log" '"end": "eof"'
ok "nothing of it runs" same "$(running)" ""
ok "the socket is gone" not inside test -e /run/amtgate/control.sock
ok "the rules are there still" has <(on gw iptables-save) AMTGATE_
inside systemctl stop amtgate-rules
ok "and gone with their unit" same "$(on gw iptables-save | grep AMTGATE; on gw ip6tables-save | grep AMTGATE; on gw ip rule | grep 5900)" ""

echo "--- removed"
inside systemctl enable -q amtgated amtgate-rules 2>/dev/null
inside systemctl start amtgated
ok "started again" settle
inside dpkg -r amtgate >"$T/dpkg.log" 2>&1
ok "dpkg removes it" same $? 0 || cat "$T/dpkg.log"
ok "nothing runs" same "$(running)" ""
ok "no rules are left" same "$(on gw iptables-save | grep AMTGATE; on gw ip6tables-save | grep AMTGATE; on gw ip rule | grep 5900)" ""
ok "no unit is left" same "$(inside systemctl list-unit-files --no-legend 'amtgate*')" ""
ok "the configuration stays" inside test -s /etc/amtgate/amtgate.conf
inside dpkg -P amtgate >"$T/dpkg.log" 2>&1
ok "dpkg purges it" same $? 0 || cat "$T/dpkg.log"
ok "the state is gone" not inside test -e /var/lib/amtgate
ok "the configuration file is gone" not inside test -e /etc/amtgate/amtgate.conf
stop box
