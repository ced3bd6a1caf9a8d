#!/usr/bin/env bash
# Who may: allow, denied = refuse | pass, nobody but the gateway itself when nothing is written; the audit lines.
. "$(dirname "$0")/lib.sh"
lab router
for n in 0 1 2 3; do sim "pc$n" "10.71.2.1$n"; done
gateway <<INI
[defaults]
password = $password
[target own]
address = 10.71.2.10
[target one]
address = 10.71.2.11
allow = 10.71.1.101
[target passed]
address = 10.71.2.12
allow = 10.71.1.101
denied = pass
[target some]
address = 10.71.2.13
services = sol
allow = 10.71.1.0/24
INI
ok "nothing written: the gateway itself" serial gw 10.71.2.10
probe client redir 10.71.2.10 16994 sol
ok "nothing written: nobody else" not test "$(field start)" = 0
probe client rfb 10.71.2.10 5900
ok "refused viewers get a reason" has <(echo "$answer") '"reason": ".*(allow|permitted|may not|not)'
ok "the machine was never asked" hasnt "$T/pc0.json" '"event":"start".*KVM'
from() { on client ip route replace "$1" via 10.71.1.1 src "$2"; }
from 10.71.2.11/32 10.71.1.101
ok "the address that is allowed" serial client 10.71.2.11
from 10.71.2.11/32 10.71.1.102
ok "another is not" refused client redir 10.71.2.11 16994 sol
ok "refusals are audited" has "$T/gateway.log" 'client\.denied.*10\.71\.1\.102.*target=one'
ok "denied = pass: as if amtgate were not there" serial client 10.71.2.12 16994 --user admin --password "$password"
ok "denied = pass: the machine sees the client" has "$T/pc2.json" '10\.71\.1\.100'
ok "services: sol is served" serial client 10.71.2.13
probe client redir 10.71.2.13 16994 kvm
ok "services: kvm is not" not test "$(field start)" = 0
line=$(grep -aE 'session\.(open|end) .*target=own' "$T/gateway.log" | tail -n 2 | tr '\n' ' ')
echo "  $line"
for f in 'client=10\.71\.' 'target=own' 'kind=sol|service=sol' 'device=10\.71\.2\.10:1699' 'tls=TLSv1\.' 'rx_bytes=[1-9]' 'tx_bytes=[1-9]' 'ms=[0-9]' 'reason=|why='; do
  ok "the audit line has $f" has <(echo "$line") "$f"
done
ok "no password in the log" hasnt "$T/gateway.log" 'P@ssw0rd'
