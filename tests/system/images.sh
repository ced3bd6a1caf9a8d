#!/usr/bin/env bash
# The gateway serves images itself: from the configuration and by command, files and web servers, good ones and bad ones;
# the machine reads every image whole, and its digest is compared.
# LIMIT=800
. "$(dirname "$0")/lib.sh"
need nginx amtterm openssl setpriv
NGINX=$(command -v nginx)
lab router
head -c 6500000 /dev/urandom >"$T/cd.img"
head -c 3300000 /dev/urandom >"$T/cd2.img"
head -c 1474560 /dev/urandom >"$T/floppy.img"
head -c 48000000 /dev/urandom >"$T/big.img"
head -c 48000000 /dev/urandom >"$T/big2.img"
whole() { head -c $((($(stat -c %s "$1") + $2 - 1) / $2 * $2)) <(cat "$1" /dev/zero); } # filled up to blocks
sum() { whole "$1" "${2:-2048}" | sha256sum | cut -d' ' -f1; }
chmod 644 "$T"/*.img
cd1=$(sum "$T/cd.img") cd2=$(sum "$T/cd2.img") floppy=$(sum "$T/floppy.img" 512)
big1=$(sum "$T/big.img") big2=$(sum "$T/big2.img")
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=amt -keyout "$T/amt.key" -out "$T/amt.pem" 2>/dev/null # over restarts
sim pc1 10.71.2.10 --cert "$T/amt.pem" --key "$T/amt.key" --profile 15 --ider-repeat 0 --ider-random 4 --boot-time 1 --slow-reader 12000000
sim pc2 10.71.2.11 --profile 12 --ider-random 8 --boot-time 1
sim pc3 10.71.2.12 --profile 15 --ider read --ider-random 8

# --- what a test looks at
reads() { # NAME DRIVE DIGEST [N]: the machine has read the whole image, at least N times since mark()
  local n
  n=$(tail -n +$((${from[$1]:-0} + 1)) "$T/$1.json" | grep '"event":"ider.result"' | grep -c "\"drive\":\"$2\".*\"sha256\":\"$3\"")
  [ "$n" -ge "${4:-1}" ]
}
declare -A from=()
mark() { from[$1]=$(wc -l <"$T/$1.json"); }
image() { # TARGET DRIVE FIELD of `amtgate images --json`
  ctl images --json | python3 -c 'import json, sys
for i in json.load(sys.stdin):
    if (i["target"], i["drive"]) == (sys.argv[1], sys.argv[2]): print(i[sys.argv[3]])' "$@"
}
is() { same "$(image "$1" "$2" "$3")" "$4"; }
says() { image "$1" "$2" detail | grep -qE -- "$3" || { image "$1" "$2" detail; return 1; }; }
config() { cat <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target pc1]
address = 10.71.2.10
${1:-}
[target pc2]
address = 10.71.2.11
${2:-}
[target pc3]
address = 10.71.2.12
${3:-}
INI
}
reload() { configure; ctl reload; }

hosts_file gw "10.71.2.11 movable" # before the daemon starts: it sees this file
echo "--- from the configuration"
gateway < <(config "image = $T/cd.img
image_floppy = $T/floppy.img")
ok "the CD is read whole" within 30 reads pc1 cd "$cd1"
ok "the floppy too" within 20 reads pc1 floppy "$floppy"
ok "list: attached" is pc1 cd state attached
ok "list: its size" is pc1 cd size 6500000
ok "list: from the configuration" is pc1 cd origin configuration
ok "list: read bytes" eval '[ "$(image pc1 cd served_bytes)" -ge 6500000 ]'
ok "a table for people" eval 'ctl images list >"$T/list" && has "$T/list" "^pc1 +cd +attached +6\.2M .*$T/cd.img"'
session_of() { ctl --json sessions | python3 -c 'import json, sys
print(*[s["service"] + " " + s["client"] + " " + s["state"] for s in json.load(sys.stdin) if s["target"] == sys.argv[1]])' "$1"; }
sid() { ctl --json sessions | python3 -c 'import json, sys; print([s["id"] for s in json.load(sys.stdin)][0])'; }
ok "sessions shows it" gives "ider gateway open" session_of pc1
ok "end says how it is ended" not eval 'ctl end "$(sid)" 2>"$T/err"'
ok "by detaching" has "$T/err" 'amtgate images detach pc1'
ok "a client who wants drives is told why not" refused client redir 10.71.2.10 16994 ider --user admin --password "$password"
ok "and the log says it" has "$T/gateway.log" 'session.failed .*cause=busy .*the gateway itself serves an image'
ok "the serial console is not in its way" serial client 10.71.2.10
one=$(sid)

echo "--- reload"
mark pc1
ok "another CD" reload < <(config "image = $T/cd2.img
image_floppy = $T/floppy.img")
ok "is read whole" within 30 reads pc1 cd "$cd2"
ok "in the same session" same "$(sid)" "$one"
mark pc1
ok "without a floppy" reload < <(config "image = $T/cd2.img")
ok "the drive is empty" within 20 eval 'tail -n +$((${from[pc1]} + 1)) "$T/pc1.json" | grep "\"drive\":\"floppy\"" | grep -q "\"ready\":false"'
ok "in the same session" same "$(sid)" "$one"
ok "a broken configuration is refused" not reload < <(config "image = relative")
ok "and the image stays" is pc1 cd state attached
ok "an image that is not there" reload < <(config "image = $T/cd2.img" "image = $T/nowhere.img")
ok "is said" within 5 is pc2 cd state failed
ok "with the reason" says pc2 cd 'nowhere.img: No such file'
cp "$T/cd.img" "$T/nowhere.img"
ok "and attached when it comes" within 15 reads pc2 cd "$cd1"
ok "removed" reload < <(config)
none() { [ "$(ctl --json images)" = "[]" ]; }
ok "nothing is attached any more" within 10 none
ok "the machine saw an end in order" within 5 has "$T/pc1.json" 'client ended the session'
ok "an image for several machines is a mistake" not eval 'printf "[target lan]\naddress = 10.9.0.0/24\npassword = x\nimage = /x\n" >"$T/bad.conf"; chmod 600 "$T/bad.conf"; "$BUILD/amtgated" --check -c "$T/bad.conf" >"$T/err" 2>&1'
ok "in words" has "$T/err" 'bad.conf:4: image: target lan is more than one machine'

echo "--- by command"
mkdir -m 700 "$T/private" # the daemon's account, nobody, cannot look into it
cp "$T/cd.img" "$T/private/own.img"
mark pc2
ok "attach waits for the machine" ctl images attach pc2 --cd "$T/private/own.img" --floppy "$T/floppy.img"
ok "it is attached then" is pc2 cd state attached
ok "list: by command" is pc2 cd origin control
ok "a file that the daemon itself could not open is read whole" within 20 reads pc2 cd "$cd1"
ok "floppy too" within 20 reads pc2 floppy "$floppy"
ok "it survives a reload" eval 'ctl reload && sleep 1 && is pc2 cd state attached'
ok "detach" ctl images detach pc2
ok "is off" within 10 none
ok "detach again is refused" not eval 'ctl images detach pc2 2>"$T/err"'
ok "in words" has "$T/err" 'pc2 has no image'
ok "no such target" not eval 'ctl images attach nobody --cd "$T/cd.img" 2>"$T/err"' && ok "in words" has "$T/err" "no target 'nobody'"
ok "an empty file is refused" not eval ': >"$T/empty.img"; ctl images attach pc2 --cd "$T/empty.img" 2>"$T/err"' && ok "in words" has "$T/err" 'empty.img: it is empty'
ok "a pipe is refused" not eval 'mkfifo "$T/pipe"; ctl images attach pc2 --cd "$T/pipe" 2>"$T/err"' && ok "in words" has "$T/err" 'neither a file nor a disk'
ok "nothing named and nothing configured" not eval 'ctl images attach pc2 2>"$T/err"' && ok "in words" has "$T/err" 'no image in the configuration'
ok "start now" has "$T/pc2.json" '"ider.features","value":25'
ok "start at the next boot" ctl images attach pc3 --cd "$T/cd.img" --start reboot --no-wait
ok "is what the machine is asked for" within 10 has "$T/pc3.json" '"ider.features","value":9'
ctl images detach pc3
raw() { python3 - "$T/run/control.sock" "$@" <<'PY'
import array, json, os, socket, sys
s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])
fds = [os.open(f, os.O_WRONLY if f.endswith(".w") else os.O_RDONLY) for f in sys.argv[3:]]
s.sendmsg([sys.argv[2].encode() + b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
print(s.makefile().readline(), end="")
PY
}
echo secret >"$T/state/secret"; chown nobody "$T/state/secret"; chmod 600 "$T/state/secret"
ok "a path by name is refused" has <(raw '{"command":"attach","target":"pc2","cd":{"name":"'"$T/state/secret"'"}}') 'false.*cd and floppy are'
ok "as an address too" has <(raw '{"command":"attach","target":"pc2","cd":{"url":"'"$T/state/secret"'"}}') 'false.*no http or https address'
ok "and by file:" has <(raw '{"command":"attach","target":"pc2","cd":{"url":"file://'"$T/state/secret"'"}}') 'false.*no http or https address'
ok "a descriptor that was not passed" has <(raw '{"command":"attach","target":"pc2","cd":{"name":"x","fd":0}}') 'false'
: >"$T/out.w"
ok "a descriptor for writing" has <(raw '{"command":"attach","target":"pc2","cd":{"name":"x","fd":0}}' "$T/out.w") 'false.*not open for reading'
many=(); for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do many+=("$T/cd.img"); done
before=$(fds gateway)
for _ in 1 2 3; do raw '{"command":"status"}' "${many[@]}" >/dev/null; done
few() { [ "$(fds gateway)" -le $((before + 2)) ]; }
ok "descriptors nobody wants are closed" within 5 few
ok "nothing was attached by all that" none

echo "--- resets, restarts, power"
ok "attached" ctl images attach pc1 --cd "$T/cd.img"
mark pc1
ok "a reset" ctl power reset pc1
ok "the image comes back" within 40 reads pc1 cd "$cd1"
ok "and is attached" within 10 is pc1 cd state attached
ok "and the log tells" has "$T/gateway.log" 'image.reattached .*target=pc1'
ok "power off, which a machine refuses during such a session" ctl power off pc1 --wait
ok "the log tells that it was let go" has "$T/gateway.log" 'image.parked target=pc1'
mark pc1
ok "power on" ctl power on pc1 --wait
ok "it comes back" within 40 reads pc1 cd "$cd1"
stop pc1
ok "without the machine: away" within 20 is pc1 cd state away
ok "with the reason" says pc1 cd '10.71.2.10'
sim pc1 10.71.2.10 --cert "$T/amt.pem" --key "$T/amt.key" --profile 15 --ider-repeat 0 --ider-random 4 --boot-time 1 --slow-reader 12000000
from[pc1]=0
ok "it comes back with the machine" within 40 reads pc1 cd "$cd1"
ctl images detach pc1
within 10 none
echo "--- a name that moves"
ok "a machine by name" reload < <(config; printf '[target named]\naddress = 192.0.2.77\namt = movable\nimage = %s\n' "$T/cd2.img")
within 20 is named cd state attached
at() { ctl --json sessions | python3 -c 'import json, sys; print(*[s["device"] for s in json.load(sys.stdin) if s["target"] == "named"])'; }
ok "is served where its name is" eval 'at | grep -q "^10.71.2.11:"'
hosts_file gw "10.71.2.12 movable"
ok "and not there any more when the name moves" eval 'ctl reload; within 90 eval "at | grep -q ^10.71.2.12:"'
reload < <(config)
within 10 none
on client python3 tests/system/tools/probe.py redir 10.71.2.10 16994 ider --user admin --password "$password" --hold 15 >"$T/holds.log" 2>&1 &
holding() { [ "$(session_of pc1)" = "ider 10.71.1.100:"*" open" ] || session_of pc1 | grep -q 'ider 10.71.1.100:[0-9]* open'; }
ok "a client has the drives" within 10 holding
ctl images attach pc1 --cd "$T/cd.img" --no-wait
ok "the gateway's image waits" within 10 eval 'image pc1 cd state | grep -qE "away|failed"'
ok "and says so" says pc1 cd 'in use|busy|another'
mark pc1
ok "until the client goes" within 60 reads pc1 cd "$cd1"
ctl images detach pc1

echo "--- web servers"
mkdir -p "$T/www"
cp "$T/cd.img" "$T/cd2.img" "$T/floppy.img" "$T/big.img" "$T/www/"
chmod 755 "$T/www"
nginx_conf() { cat <<CONF
user root; worker_processes 1; pid $T/nginx.pid; error_log $T/nginx.err; daemon off;
events {}
http { access_log $T/nginx.access; client_body_temp_path $T/nginx.body; keepalive_requests 100000;
  proxy_temp_path $T/nginx.body; fastcgi_temp_path $T/nginx.body; uwsgi_temp_path $T/nginx.body; scgi_temp_path $T/nginx.body;
  limit_conn_zone \$binary_remote_addr zone=few:1m; limit_conn_log_level warn;
  server { listen 10.71.2.50:8080; root $T/www; }
  server { listen 10.71.2.50:8081; root $T/www; limit_conn few 2; limit_rate 8m; } # a second address of each image
  server { listen 10.71.2.50:8443 ssl; ssl_certificate $T/web.pem; ssl_certificate_key $T/web.key; root $T/www;
    location /down/ { return 302 http://10.71.2.50:8080/cd.img; } }
}
CONF
}
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=10.71.2.50 -addext subjectAltName=IP:10.71.2.50 \
  -keyout "$T/web.key" -out "$T/web.pem" 2>/dev/null
nginx_start() { nginx_conf >"$T/nginx.conf"; spawn nginx other "$NGINX" -c "$T/nginx.conf"; within 5 listens other 8080; }
server_start() { spawn server other python3 tests/system/tools/image_server.py 10.71.2.50 8000 "$T/www"; within 5 listens other 8000; }
web=http://10.71.2.50:8080 bad=http://10.71.2.50:8000
nginx_start
server_start
on other ip addr show | grep -q 10.71.2.50 || ok "the web server's host has its address" false
mark pc2
ok "attach a CD from a web server, and a floppy" ctl images attach pc2 --cd $web/cd.img --floppy $web/floppy.img
ok "the CD is read whole" within 30 reads pc2 cd "$cd1"
ok "the floppy too" within 20 reads pc2 floppy "$floppy"
ok "list: how much is here" is pc2 cd cached 6500000
ok "list: the address" is pc2 cd image $web/cd.img
ok "by ranges" has "$T/nginx.access" 'GET /cd.img HTTP/1.1" 206'
big() { awk '/cd.img/ && $10 > 400000' "$T/nginx.access" | wc -l; }
ok "large ones, once it is read in sequence" eval '[ "$(big)" -ge 2 ]'
n=$(wc -l <"$T/nginx.access")
mark pc3
ctl images detach pc2; within 10 none
ok "another machine gets the same" ctl images attach pc3 --cd $web/cd.img
ok "whole" within 30 reads pc3 cd "$cd1"
ok "from the cache, after one look at the server" eval '[ $(($(wc -l <"$T/nginx.access") - n)) = 1 ]'
ctl images detach pc3; within 10 none
mark pc3
ok "a server that takes two requests at once" ctl images attach pc3 --cd http://10.71.2.50:8081/cd.img
ok "is read whole" within 30 reads pc3 cd "$cd1"
ok "it refused some" has "$T/nginx.access" 'GET /cd.img HTTP/1.1" 503'
ok "and was not taken for one that is away" not grep -q 'image.away.*8081' "$T/gateway.log"
ctl images detach pc3; within 10 none
stop nginx
within 15 ls "$T"/state/images/*.map
stop gateway
stop pc3; sim pc3 10.71.2.12 --profile 15 --ider read --ider-random 8 --cert "$T/amt.pem" --key "$T/amt.key"
rm -f "$T/state/known_certificates"
configure < <(config "" "" "image = $web/cd.img")
from[pc3]=0
daemon_start
ok "after a restart, with the server off, the cache is enough" within 30 reads pc3 cd "$cd1"
ok "and the list says that the server is away" says pc3 cd 'cannot be reached'
nginx_start
reload < <(config); within 10 none

echo "--- https"
ok "a server whose certificate nobody vouches for" not eval 'ctl images attach pc2 --cd https://10.71.2.50:8443/cd.img 2>"$T/err"'
ok "in words" has "$T/err" "certificate is not trusted \(image_ca"
ctl images detach pc2; within 10 none
with_ca() { configure < <(printf 'image_ca = %s\n' "$T/web.pem"; config "$@"); ctl reload; }
ok "image_ca" with_ca
mark pc2
ok "is what it is verified with" ctl images attach pc2 --cd https://10.71.2.50:8443/cd2.img
ok "read whole" within 30 reads pc2 cd "$cd2"
ctl images detach pc2; within 10 none
ok "https does not redirect to http" not eval 'ctl images attach pc2 --cd https://10.71.2.50:8443/down/x 2>"$T/err"'
ok "in words" has "$T/err" 'redirects to something else'
ctl images detach pc2; within 10 none

echo "--- servers that do it badly"
try() { ctl images attach pc3 --cd "$1" 2>"$T/err"; } # leaves why not
off() { ctl images detach pc3 2>/dev/null; within 10 none; }
good() { # WHAT PATH DIGEST: is read whole all the same
  mark pc3
  ok "$1: attached" try "$bad/$2"
  ok "$1: read whole" within 30 reads pc3 cd "$3"
  off
}
no() { # WHAT PATH WORDS: is refused
  ok "$1: refused" not try "$bad/$2"
  ok "$1: in words" has "$T/err" "$3"
  off
}
good "no ranges" none/cd.img "$cd1"
good "neither ETag nor date" naked/cd2.img "$cd2"
good "a redirect" to-good/cd2.img "$cd2"
no "no ranges and no length" no-length/cd.img 'neither takes range requests nor says how long'
no "endless redirects" redirect/cd.img 'redirects without end'
no "a redirect to a file" to-file/cd.img 'redirects to something else than http or https'
no "a head without end" big-head/cd.img 'a head of more than'
no "an encoding" coded/cd.img 'sends it encoded \(gzip\)'
no "no such image" good/nowhere.img 'no such image on the server'
no "no password" private/cd.img 'does not give it out \(status 401\)'
mark pc3
ok "with user and password in the address" ctl images attach pc3 --cd http://u:s3cret-web@10.71.2.50:8000/private/cd2.img
ok "read whole" within 30 reads pc3 cd "$cd2"
ok "which the list does not show" is pc3 cd image $bad/private/cd2.img
off
ok "nor the log" hasnt "$T/gateway.log" s3cret
told() { # WHAT PATH WORDS: begins well; then nothing of it reaches the machine, and the list says why
  mark pc3
  ok "$1: attached" try "$bad/$2"
  ok "$1: told" within "${4:-20}" says pc3 cd "$3"
  ok "$1: no digest" not reads pc3 cd '[0-9a-f]*'
  off
}
mv "$T/www/cd.img" "$T/www/lies.img"
told "another place than asked for" lie-range/lies.img 'other bytes than asked for \([0-9]+-'
told "a wrong length" lie-length/lies.img 'answer has [0-9]+ bytes instead of'
told "another size in the middle" lie-total/lies.img 'has changed while it was in use'
told "more than asked for" long/lies.img 'answer has|more than was asked for'
told "an end in the middle" short/lies.img 'closed the connection in the middle'
mv "$T/www/lies.img" "$T/www/cd.img"
mark pc3
ok "half an answer and then nothing: attached" try $bad/stall/cd.img
read_error() { grep -qE 'image.read_failed .*(does not give it|does not come) in time' "$T/gateway.log"; }
ok "the host gets a read error before it gives up" within 28 read_error
ok "in the session that it had" is pc3 cd state attached
off

echo "--- a server that dies and comes back, and an image that changes"
fetched() { [ "$(image pc1 cd cached)" -gt "$1" ]; }
mark pc1
ok "a large one" ctl images attach pc1 --cd $bad/good/big.img
ok "some of it is here" within 20 fetched 12000000
stop server KILL
ok "the server is dead, and the list says so" within 10 says pc1 cd 'cannot be reached|in the middle'
ok "the machine still has its drive" is pc1 cd state attached
server_start
ok "it is read whole, once the server is back" within 40 reads pc1 cd "$big1"
clean() { tail -n +$((${from[pc1]} + 1)) "$T/pc1.json" | grep "$big1" | head -n 1 | grep -q '"errors":0'; }
ok "without an error at the machine" clean
ok "the log tells" eval 'has "$T/gateway.log" "image.away image=$bad/good/big.img" && has "$T/gateway.log" "image.back"'
ctl images detach pc1; within 10 none
rm "$T"/state/images/*
mark pc1
ok "again" ctl images attach pc1 --cd $bad/good/big.img
ok "some of it is here" within 20 fetched 12000000
cp "$T/big2.img" "$T/www/big.img.next"
ok "it changes at the server: that is said" within 20 says pc1 cd 'has changed while it was in use'
ok "in one line of the log" gives 1 grep -c "image.changed image=$bad/good/big.img" "$T/gateway.log"
errors() { tail -n +$((${from[pc1]} + 1)) "$T/pc1.json" | grep '"drive":"cd"' | grep -q '"errors":[1-9]'; }
ok "the machine gets read errors" within 40 errors
ok "and never a whole image" not reads pc1 cd '[0-9a-f]*'
mark pc1
ok "attached anew" ctl images attach pc1 --cd $bad/good/big.img
ok "it is the new one" within 40 reads pc1 cd "$big2"
ctl images detach pc1; within 10 none
rm "$T/www/big.img.next"
mark pc1
ok "one that changed while nobody had it" ctl images attach pc1 --cd $bad/good/big.img
ok "is fetched anew" within 40 reads pc1 cd "$big1"
ok "and what was here is gone" has "$T/gateway.log" 'image.stale image='
ctl images detach pc1; within 10 none

echo "--- the cache's limit"
configure < <(printf 'image_cache = 8M\n'; config); ctl reload
off_all() { ctl images detach "$1"; within 10 none; }
ok "an image larger than the cache" not eval 'ctl images attach pc1 --cd $web/big.img 2>"$T/err"'
ok "in words" has "$T/err" 'an image of 48000000 bytes does not fit image_cache \(8388608 bytes'
off_all pc1
mark pc1
ok "one that fits" ctl images attach pc1 --cd $web/cd.img; ok "read whole" within 30 reads pc1 cd "$cd1"; off_all pc1
mark pc1
ok "another" ctl images attach pc1 --cd $web/cd2.img; ok "read whole" within 30 reads pc1 cd "$cd2"; off_all pc1
ok "the one that was not used goes" has "$T/gateway.log" 'image.evicted'
ok "there is no more than that" eval '[ "$(du -s --block-size=1 "$T/state/images" | cut -f1)" -le 8500000 ]'
ok "nobody else can look into it" same "$(stat -c %a "$T/state/images")" 700

echo "--- crashes"
rm -f "$T"/state/images/*
configure < <(config); ctl reload
mark pc1
ok "a large one" ctl images attach pc1 --cd $web/big.img
ok "some of it is here" within 20 fetched 20000000
within 15 ls "$T"/state/images/*.map
stop gateway KILL
daemon_start
mark pc1
ok "after a kill" ctl images attach pc1 --cd $web/big.img
ok "it is whole" within 40 reads pc1 cd "$big1"
off_all pc1
for f in "$T"/state/images/*.map; do head -c $(($(stat -c %s "$f") - 3)) "$f" >"$f.new" && chown nobody "$f.new" && mv "$f.new" "$f"; done
mark pc1
ok "with a torn map" ctl images attach pc1 --cd $web/big.img
ok "it is whole" within 40 reads pc1 cd "$big1"
off_all pc1

echo "--- roles"
mkdir -p "/etc/netns/amtgate-$LAB-gw"
cp /etc/passwd "/etc/netns/amtgate-$LAB-gw/passwd"
declare -A uid=()
n=$((40000 + $$ % 9000 * 2))
for a in looks rules; do
  uid[$a]=$((n += 1))
  echo "$a:x:$n:$n::/nonexistent:/bin/false" >>"/etc/netns/amtgate-$LAB-gw/passwd"
done
echo pw | ctl passwd looks --role view@pc1 >/dev/null 2>&1
echo pw | ctl passwd rules --role admin@pc1 >/dev/null 2>&1
stop gateway
configure < <(printf 'control_users = yes\n'; config "" "image = $T/cd2.img")
daemon_start
printf '[gateway]\ncontrol = %s/run/control.sock\n' "$T" >"$T/own.conf"; chmod 644 "$T/own.conf"
as() { # ACCOUNT ARGUMENTS of amtgate
  local a=$1
  shift
  on gw setpriv --reuid="${uid[$a]}" --regid="${uid[$a]}" --clear-groups "$BUILD/amtgate" -c "$T/own.conf" "$@" >"$T/out" 2>"$T/err"
}
ok "view: may not attach" not as looks images attach pc1 --cd "$T/cd.img"
ok "in words" has "$T/err" 'looks may not use drives at pc1: that takes the role admin'
mark pc1
ok "admin of pc1: attaches a file there" as rules images attach pc1 --cd "$T/cd.img"
ok "read whole" within 30 reads pc1 cd "$cd1"
cp "$T/cd2.img" "$T/roots.img"; chmod 600 "$T/roots.img"
ok "not one that it may not read, though the gateway's root may" not as rules images attach pc1 --cd "$T/roots.img"
ok "in words" has "$T/err" 'roots.img: Permission denied'
ok "nor an address on the web" not as rules images attach pc1 --cd $web/cd2.img
ok "in words" has "$T/err" 'takes the role admin at every target'
ok "not at pc2" not as rules images attach pc2 --cd "$T/cd.img"
ok "nor detaches there" not as rules images detach pc2
ok "view: sees pc1's" eval 'as looks images && has "$T/out" "^pc1 +cd +attached"'
ok "and not pc2's" hasnt "$T/out" '^pc2'
ok "refusals are in the log" has "$T/gateway.log" "control\.refused uid=${uid[looks]} .*looks may not use drives at pc1"
ok "view: may not detach" not as looks images detach pc1
ok "admin: detaches" as rules images detach pc1

echo "--- the end"
ctl images attach pc2 --cd "$T/cd.img"
ok "attached" is pc2 cd state attached
ended=$(grep -c 'client ended the session' "$T/pc2.json")
stop gateway
ok "the daemon ends in order" same "$status" 0
ok "and its session too" within 5 eval '[ "$(grep -c "client ended the session" "$T/pc2.json")" -gt "$ended" ]'
