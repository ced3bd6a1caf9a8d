#!/usr/bin/env bash
# The SOAP interface from before WS-Management, straight at the simulator, with the programs that still speak it: amttool, and
# the fence agent fence_amt on top of it, as Debian packages them.
. "$(dirname "$0")/lib.sh"
need amttool perl python3
perl -MSOAP::Lite -e 1 2>/dev/null || skip "libsoap-lite-perl is not here"
lab router
sim old 10.71.2.10 --profile 8 --boot-time 1 --name pc1
sim new 10.71.2.11 --profile 11 --boot-time 1
tool() { # ANSWER HOST COMMAND...
  local answer=$1
  shift
  echo "$answer" | on gw env AMT_PASSWORD="${PASS:-$password}" timeout 60 amttool "$@" >"$T/tool.out" 2>&1
}
said() { has "$T/tool.out" "$1"; }

# --- amttool
ok "info" tool "" 10.71.2.10 info || cat "$T/tool.out"
ok "the version" said '^AMT version:  8\.1\.71$'
ok "the name" said '^Hostname:     pc1\.example\.org$'
ok "the power" said '^Powerstate:   S0$'
ok "what it can" said '^    OemDefinedCapabilities +IDER SOL BiosSetup BiosPause'
ok "its number" said '^    IanaOemNumber +157$'
ok "powerdown" tool y 10.71.2.10 powerdown && ok "is taken" said '^result: pt_status: success$'
off() { tool "" 10.71.2.10 info && said '^Powerstate:   S5 \(soft-off\)$'; }
ok "and it goes off" within 10 off
ok "reset" tool y 10.71.2.10 reset && ok "is refused then" said '^result: pt_status: not permitted$'
ok "powerup" tool y 10.71.2.10 powerup && ok "is taken" said 'pt_status: success$'
up() { tool "" 10.71.2.10 info && said '^Powerstate:   S0$'; }
ok "and it goes on" within 10 up
ok "powerup without yes" tool n 10.71.2.10 powerup && ok "is not done" said 'canceled$'
ok "powercycle" tool y 10.71.2.10 powercycle && ok "is taken" said 'pt_status: success$'
ok "and it comes back" within 20 up
ok "reset into pxe" tool y 10.71.2.10 reset pxe && ok "is taken" said 'pt_status: success$'
ok "it boots from there" gives "Force PXE Boot" json_event "$T/old.json" boot 'e["from"]'
ok "and comes back" within 20 up
PASS=wrong tool "" 10.71.2.10 info
ok "a wrong password" said '401 Unauthorized'
tool "" 10.71.2.11 info
ok "firmware that has it no more" said '404 Not Found'

# --- fence_amt
agents=$T/agents
mkdir "$agents"
if (cd "$agents" && timeout 60 apt-get -qq download fence-agents && dpkg-deb -x fence-agents_*.deb .) >"$T/apt.log" 2>&1 && /usr/bin/python3 -c 'import pexpect, pycurl' 2>/dev/null; then
  agent() { # WHAT IT SAYS, EXIT CODE, OPTIONS of fence_amt
    local say=$1 want=$2
    shift 2
    on gw env PYTHONPATH="$agents/usr/share/fence" timeout 90 /usr/bin/python3 "$agents/usr/sbin/fence_amt" -a 10.71.2.10 -p "$password" "$@" >"$T/agent.out" 2>&1
    same "$? $(grep -E '^(Success|Status)' "$T/agent.out")" "$want $say" || tail -n 3 "$T/agent.out"
  }
  ok "fence_amt: status" agent "Status: ON" 0 -o status
  ok "fence_amt: off" agent "Success: Powered OFF" 0 -o off
  ok "fence_amt: status" agent "Status: OFF" 2 -o status
  ok "fence_amt: on" agent "Success: Powered ON" 0 -o on
  ok "fence_amt: reboot" agent "Success: Rebooted" 0 -o reboot
  ok "fence_amt: it is on" agent "Status: ON" 0 -o status
  ok "fence_amt: monitor" agent "" 0 -o monitor
else
  echo "fence_amt is left out: no package fence-agents to be had, or no python3-pexpect, python3-pycurl"
fi

# --- through the gateway, which has the password
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
tls_min = 1.0
[target old]
address = 10.71.2.10
[target new]
address = 10.71.2.11
INI
client_tool() { # ANSWER PASSWORD HOST COMMAND...
  echo "$1" | on client env AMT_PASSWORD="$2" timeout 60 amttool "${@:3}" >"$T/tool.out" 2>&1
}
ok "gateway: info" client_tool "" "any" 10.71.2.10 info && ok "the machine's" said '^Hostname:     pc1\.example\.org$'
ok "gateway: powercycle" client_tool y "any" 10.71.2.10 powercycle && ok "is taken" said 'pt_status: success$'
back() { client_tool "" "any" 10.71.2.10 info && said '^Powerstate:   S0$'; }
ok "gateway: it comes back" within 20 back
client_tool "" "any" 10.71.2.11 info
ok "gateway: firmware that has it no more" said '404 Not Found'
if [ -d "$agents/usr" ]; then
  on client env PYTHONPATH="$agents/usr/share/fence" timeout 90 /usr/bin/python3 "$agents/usr/sbin/fence_amt" -a 10.71.2.10 -p any -o reboot >"$T/agent.out" 2>&1
  ok "gateway: fence_amt reboots it" same "$? $(grep -E '^Success' "$T/agent.out")" "0 Success: Rebooted"
fi
