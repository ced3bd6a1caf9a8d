# Sourced by the system tests. Each makes its own network (scripts/netns-lab) under a name of its own, so that any number
# run at once, and takes everything away again, also when it fails or is killed.
#
#   . "$(dirname "$0")/lib.sh"
#   need amtterm expect            # skips when a program is missing
#   lab router                     # namespaces client, gw, amt, other
#   sim pc1 10.71.2.10 --profile 16.1
#   gateway <<'INI'                # configuration after [gateway]; rules up, daemon started and ready
#   ...
#   INI
#   ok "what must be" COMMAND...   # one check; prints ok or not ok
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
TEST=$(basename "$0" .sh)
LAB=$TEST-$$
T=$(mktemp -d "/tmp/amtgate-$TEST.XXXXXX") && chmod 755 "$T" || exit 1
export PATH=$BUILD:$PATH
export XDG_STATE_HOME=$T/state-home # what whoever runs the tests knows of machines is no business of theirs
password='P@ssw0rd1!' # the simulator's
declare -A PIDS=()
failures=0 checks=0

skip() { echo "skip: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "needs root, for network namespaces"
need() { local c; for c; do command -v "$c" >/dev/null || skip "$c is not here"; done; }

cleanup() {
  local code=$? n
  trap '' INT TERM HUP
  for n in "${!PIDS[@]}"; do kill "${PIDS[$n]}" 2>/dev/null; done
  scripts/netns-lab down "$LAB"
  [ ${#CLEAN[@]} = 0 ] || for n in "${CLEAN[@]}"; do eval "$n"; done
  if [ $code != 77 ]; then
    if [ $code != 0 ] || [ $failures != 0 ]; then
      for n in "$T"/[!s]*.log "$T"/s*.log; do [ -s "$n" ] && echo "--- ${n##*/}" && tail -c 3000 "$n"; done
    fi
    echo "$checks checks, $failures failed"
    [ $failures = 0 ] || code=1
    [ "$checks" -gt 0 ] || code=1
  fi
  [ -n "${KEEP:-}" ] && echo "kept: $T" || rm -rf "$T"
  exit $code
}
CLEAN=()
trap cleanup EXIT
trap 'exit 143' INT TERM HUP

# --- checks
ok() { # WHAT COMMAND...
  local what=$1
  shift
  checks=$((checks + 1))
  if "$@"; then echo "ok $what"; else failures=$((failures + 1)); echo "not ok $what"; return 1; fi
}
not() { local asking=1; ! "$@"; }
same() { [ "$1" = "$2" ] || { echo "  wanted '$2', got '$1'"; return 1; }; }
# FILE REGEX: it is in the file, or comes within 10 s: what another process writes of what was just seen may come later. Where
# somebody asks again and again (asking), or hopes that it is not there, the file is looked at once.
has() {
  grep -aqE -- "$2" "$1" 2>/dev/null && return
  [ ! -p "$1" ] && [ -z "${asking:-}" ] && within 10 grep -aqE -- "$2" "$1" && return
  echo "  no /$2/ in ${1##*/}"
  return 1
}
gives() { # VALUE COMMAND...: its output is that, or becomes it within 10 s
  local asking=1 wanted=$1 got end=$(($(date +%s%N) + 10 * ${SLOW:-3} * 1000000000))
  shift
  until got=$("$@" 2>/dev/null); [ "$got" = "$wanted" ]; do
    [ "$(date +%s%N)" -lt $end ] || { echo "  wanted '$wanted', got '$got'"; return 1; }
    sleep 0.1
  done
}
hasnt() { ! grep -anE -m 3 -- "$2" "$1"; }
within() { # SECONDS (of a quick and idle machine) COMMAND...: until it succeeds. It gets three times as long, or SLOW times
  local asking=1 end=$(($(date +%s%N) + $1 * ${SLOW:-3} * 1000000000))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s%N)" -lt $end ] || return 1
    sleep 0.1
  done
}

stays() { # SECONDS COMMAND...: it succeeds all the time
  local asking=1 end=$((SECONDS + $1))
  shift
  while [ $SECONDS -le $end ]; do
    "$@" || return 1
    sleep 0.1
  done
}

# --- hosts and processes
lab() { scripts/netns-lab up "${1:-router}" "$LAB" || skip "could not make network namespaces"; }
on() { local h=$1; shift; ip netns exec "amtgate-$LAB-$h" "$@"; }
spawn() { # NAME HOST COMMAND...: in the background, output to $T/NAME.log
  local n=$1 h=$2
  shift 2
  ip netns exec "amtgate-$LAB-$h" "$@" >>"$T/$n.log" 2>&1 </dev/null &
  PIDS[$n]=$!
}
alive() { kill -0 "${PIDS[$1]}" 2>/dev/null; }
stop() { # NAME [SIGNAL]: leaves its exit status in $status; KILLs after 12 s
  local n=$1 p=${PIDS[$1]:-}
  [ -n "$p" ] || return 0
  kill "-${2:-TERM}" "$p" 2>/dev/null
  within 12 not kill -0 "$p" || kill -KILL "$p" 2>/dev/null
  wait "$p" 2>/dev/null
  status=$?
  unset "PIDS[$n]"
}
listens() { on "$1" ss -Hltn "sport = :$2" | grep -q .; } # HOST PORT
hosts_file() { # HOST LINE...: its own /etc/hosts; no name server answers there
  local d=/etc/netns/amtgate-$LAB-$1
  mkdir -p "$d"
  shift
  { echo "127.0.0.1 localhost"; printf '%s\n' "$@"; } >"$d/hosts"
  echo "nameserver 127.0.0.1" >"$d/resolv.conf"
}
fds() { ls "/proc/${PIDS[$1]}/fd" | wc -l; }                                             # open descriptors of NAME
memory() { awk '/^(RssAnon):/ { print $2 }' "/proc/${PIDS[$1]}/status"; }               # its KiB of private memory
sample() { # FILE BLOCK-SIZE N: SHA-256 of N single blocks from the first to the last, as `amtgate-sim --ider sample` has it
  python3 - "$@" <<'PY'
import hashlib, os, sys
path, size, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
blocks = os.path.getsize(path) // size
h = hashlib.sha256()
with open(path, "rb") as f:
    for i in range(n):
        f.seek((blocks - 1) * i // (n - 1) * size)
        h.update(f.read(size))
print(h.hexdigest())
PY
}
bytes() { python3 -c 'import sys; n = int(sys.argv[1]); b = bytes(range(251)) * (n // 251 + 1); sys.stdout.buffer.write(b[:n])' "$1"; }

# --- simulated machines, the gateway
sim() { # NAME ADDRESS OPTION...: on host amt; log $T/NAME.log, happenings $T/NAME.json
  local n=$1 a=$2
  shift 2
  spawn "$n" "${SIM_HOST:-amt}" "$BUILD/amtgate-sim" --listen "$a" --log "$T/$n.json" "$@"
  within 30 sim_up "$n" "$a" || { echo "the simulator on $a does not listen"; tail -n 5 "$T/$n.log"; exit 1; }
}
profiles=(8 9 11 12 15 16.1 19 21 ism)
every_generation() { # OPTION...: machines p8 to pism on 10.71.2.10 and up; $targets: their sections
  local i p
  targets=
  for i in "${!profiles[@]}"; do
    p=${profiles[$i]}
    sim "p$p" "10.71.2.1$i" --profile "$p" "$@"
    targets+="[target p$p]"$'\n'"address = 10.71.2.1$i"$'\n'"tags = rack"$'\n'
  done
}
sim_up() { on "${SIM_HOST:-amt}" ss -Hltn | awk '{ print $4 }' | grep -qE "^\[?${2//./\\.}\]?(%[a-z0-9]+)?:(16994|16995|5900)$"; }

configure() { # the configuration on standard input, behind a [gateway] section of this test's own
  {
    printf '[gateway]\nuser = nobody\ncontrol = %s/run/control.sock\nstate = %s/state\nusers = %s/users\nworkers = %s\nlog_level = %s\n' \
      "$T" "$T" "$T" "${WORKERS:-2}" "${LOG_LEVEL:-info}"
    [ -n "${METRICS:-}" ] && echo "metrics = $METRICS" || echo "metrics ="
    cat
  } >"$T/amtgate.conf.new"
  chmod 600 "$T/amtgate.conf.new"
  mv "$T/amtgate.conf.new" "$T/amtgate.conf"
  mkdir -p "$T/run" "$T/state"
  chown nobody "$T/run" "$T/state" "$T/amtgate.conf"
}
rules() { on gw "$BUILD/amtgate-rules" "$1" -c "$T/amtgate.conf"; }
daemon_start() {
  spawn gateway gw "$BUILD/amtgated" -c "$T/amtgate.conf"
  within 10 ask status || { echo "the gateway did not come up"; cat "$T/gateway.log"; exit 1; }
}
ctl() { on gw "$BUILD/amtgate" -c "$T/amtgate.conf" "$@"; }
certificate_for() { # ADDRESS that clients aim at: $T/gateway.pem and .key, for `cert` and `key`
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -addext "subjectAltName=IP:$1,DNS:$1" \
    -keyout "$T/gateway.key" -out "$T/gateway.pem" 2>/dev/null
  chown nobody "$T/gateway.key"
}
gateway() { configure; rules up || exit 1; daemon_start; }
ask() { # COMMAND: the daemon's answer as it comes over the control socket
  python3 - "$T/run/control.sock" "$1" <<'PY'
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
s.sendall(json.dumps({"command": sys.argv[2]}).encode() + b"\n")
print(s.makefile().readline(), end="")
PY
}
sessions() { ask sessions | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["data"]))'; }
no_sessions() { [ "$(sessions)" = 0 ]; }

# The load generator as machines on 10.71.2.10 (plain) and 10.71.2.11 (TLS), and a gateway that writes warnings only;
# more of its configuration on standard input.
load_lab() {
  lab router
  LOAD=$BUILD/bench/load
  [ -x "$LOAD" ] || skip "make build/bench/load first"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=amt -keyout "$T/k.pem" -out "$T/c.pem" 2>/dev/null
  spawn machine amt "$LOAD" serve 16994 16995 "$T/c.pem" "$T/k.pem"
  within 5 listens amt 16995
  LOG_LEVEL=warn
  gateway < <(printf '[defaults]\npassword = %s\nallow = 10.71.1.0/24\n' "$password"
    printf '[target plain]\naddress = 10.71.2.10\ntls = no\n[target tls]\naddress = 10.71.2.11\ntls = yes\n'
    cat)
}

# --- stock clients
# Types TEXT into amtterm as a person would and waits for ANSWER (a regex); output in $T/NAME.log. amtterm_on HOST NAME ARGS...
amtterm_on() { # HOST NAME SECONDS TEXT ANSWER ARGS...
  local h=$1 n=$2 s=$3 text=$4 answer=$5
  shift 5
  on "$h" env TERM=vt100 TEXT="$text" ANSWER="$answer" expect -c "
    set timeout $((s * ${SLOW:-3}))
    spawn -noecho ${AMTTERM:-amtterm} $*
    if {\$env(TEXT) != \"\"} {
      expect \"serial-over-lan redirection ok\" {} timeout { exit 9 } eof { exit 1 }
      after 300
      foreach c [split \$env(TEXT) {}] { send -- \$c; after 20 }
    }
    expect -re \$env(ANSWER) {} timeout { exit 9 } eof { exit 1 }
    send \"\x1d\"
    expect eof {} timeout { exit 8 }
    exit 0" >"$T/$n.log" 2>&1
}
# The redirection clients inside the npm package meshcentral, fetched by npm at test time. Sets MESH, or returns 1.
mesh_version=1.1.55
mesh_ready() {
  MESH=$BUILD/npm/meshcentral-$mesh_version
  if [ ! -d "$MESH/amt" ]; then
    command -v npm >/dev/null && command -v node >/dev/null || return 1
    mkdir -p "$BUILD/npm" || return 1
    ( flock 9
      [ -d "$MESH/amt" ] && exit 0
      d=$(mktemp -d "$BUILD/npm/get.XXXXXX") && cd "$d" || exit 1
      timeout 150 npm pack --silent "meshcentral@$mesh_version" >npm.log 2>&1 || { tail -n 3 npm.log; cd ..; rm -rf "$d"; exit 1; }
      tar xzf ./*.tgz package/package.json package/amt package/public/scripts && mv package "$MESH"
      cd .. && rm -rf "$d"
      [ -d "$MESH/amt" ] ) 9>"$BUILD/npm/lock" || return 1
  fi
}
mesh() { # HOST NAME ARGS of tests/system/clients/mesh.js after the package
  local h=$1 n=$2
  shift 2
  on "$h" node tests/system/clients/mesh.js "$MESH" "$@" >"$T/$n.log" 2>&1
}
# A screen of its own on HOST, then gvncviewer on it. x_start HOST sets $screen; viewer_start NAME HOST VIEWER-ARGUMENT
# Namespaces share /tmp/.X11-unix but not the numbers of screens: a program reaches this one only from HOST (x_tool).
x_start() { # HOST [WxH [NAME]]; NAME for a second one on the host
  # A number of its own: with -displayfd alone, servers of tests that run at once take each other's sockets away.
  local name=${3:-$1} n=$((1000 + ($$ * 7 + RANDOM) % 30000))
  local f=$T/display-$name
  : >"$f"
  ip netns exec "amtgate-$LAB-$1" Xvfb ":$n" -displayfd 3 -noreset -screen 0 "${2:-1600x1200}x24" -nolisten tcp 3>"$f" >>"$T/xvfb-$name.log" 2>&1 </dev/null &
  PIDS[xvfb-$name]=$!
  within 15 test -s "$f" || { echo "Xvfb did not start"; return 1; }
  screen=:$(cat "$f") screen_host=$1
}
x_tool() { on "$screen_host" timeout 20 env DISPLAY="$screen" "$@"; }
viewer_start() { spawn "$1" "$2" env DISPLAY="$screen" NO_AT_BRIDGE=1 LC_ALL=C gvncviewer "$3"; }
shot() { x_tool import -window root -depth 8 "ppm:$1" 2>/dev/null; } # FILE.ppm
words_on_screen() { x_tool xwininfo -root -tree 2>/dev/null; }
json_event() { # FILE EVENT [PYTHON EXPRESSION over e]: its last happening of that name
  python3 - "$@" <<'PY'
import json, sys
found = None
for line in open(sys.argv[1]):
    try:
        e = json.loads(line)
    except ValueError:
        continue
    if e.get("event") == sys.argv[2]:
        found = e
if found is None:
    sys.exit(1)
e = found
print(eval(sys.argv[3]) if len(sys.argv) > 3 else json.dumps(e))
PY
}
# Opens a session with the scripted client and leaves its answer in $answer: probe HOST ARGS of tools/probe.py
probe() { local h=$1; shift; answer=$(on "$h" python3 tests/system/tools/probe.py "$@" 2>&1); }
field() { python3 -c 'import json, sys; v = json.loads(sys.argv[1].splitlines()[-1]).get(sys.argv[2]); print("" if v is None else v)' "$answer" "$1" 2>/dev/null; }
# A console session that types a word and sees it again: serial HOST TARGET [PORT [ARGS]]
serial() {
  local h=$1 t=$2 p=${3:-16994} w=word$RANDOM
  shift; shift; [ $# -gt 0 ] && shift
  probe "$h" redir "$t" "$p" sol --say "echo $w\\r" --expect "$w" --times 2 --timeout $((12 * ${SLOW:-3})) "$@" || { echo "  $answer"; return 1; }
}
refused() { probe "$@" && { echo "  $answer"; return 1; }; return 0; }
# A server on host `other` (no AMT machine) that tells each client the address it came from.
stranger() { # PORT
  spawn "stranger$1" other socat "TCP-LISTEN:$1,fork,reuseaddr" 'SYSTEM:echo you are $SOCAT_PEERADDR'
  within 5 listens other "$1"
}
stranger_sees() { same "$(on "$1" timeout 20 socat -u "TCP:10.71.2.50:$2" - 2>&1)" "you are $3"; } # HOST PORT ADDRESS
