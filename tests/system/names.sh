#!/usr/bin/env bash
# Names in address = and amt =. The daemon starts and serves the others while no name server answers; a name that
# becomes known is caught after that.
. "$(dirname "$0")/lib.sh"
lab router
sim pc1 10.71.2.10
sim pc2 10.71.2.11
sim pc3 10.71.2.12
sim pc4 10.71.2.13
hosts_file gw "10.71.2.11 pc2.example" "10.71.2.12 pc3-amt.example"
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target pc1]
address = 10.71.2.10
[target pc2]
address = pc2.example
[target pc3]
address = 10.71.2.14
amt = pc3-amt.example
[target pc4]
address = pc4.example
INI
ok "a target given by address is served at once" serial client 10.71.2.10
ok "a name in address = is resolved" within 5 serial client 10.71.2.11
ok "a name in amt = is resolved" within 5 serial client 10.71.2.14
ok "status says which name is missing" has <(ask status) 'pc4.*(unresolved|resolving)|pc4\.example'
ok "the log says it" has "$T/gateway.log" 'pc4\.example'
hosts_file gw "10.71.2.11 pc2.example" "10.71.2.12 pc3-amt.example" "10.71.2.13 pc4.example"
kill -HUP "${PIDS[gateway]}"
ok "caught once the name is known" within 20 serial client 10.71.2.13
ok "the others live on" serial client 10.71.2.10
