#!/usr/bin/env bash
# Serial consoles are recorded as asciicast: what was shown, by whom and from where; asciinema takes it. What is typed is in
# it only where that is asked for.
. "$(dirname "$0")/lib.sh"
need asciinema script python3
lab router
sim pc1 10.71.2.10 --profile 12 --name pc1 --boot-time 1
sim pc2 10.71.2.11 --profile 16.1 --name pc2
sim pc3 10.71.2.12 --profile 12 --name pc3
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24 127.0.0.0/8
[target pc1]
address = 10.71.2.10
record = sol vnc
[target pc2]
address = 10.71.2.11
record = sol
record_input = yes
reconnect = no
sol_listen = tcp:127.0.0.1:7001
[target pc3]
address = 10.71.2.12
record = vnc
INI
films=$T/state/recordings
recorded() { ctl --json record list "$@" >"$T/list.json" 2>"$T/err" && python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' "$T/list.json"; }
of_list() { python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$T/list.json" "$1"; } # EXPRESSION of r
talk() { on gw python3 tests/system/tools/serial.py "$@" >"$T/talk.log" 2>&1; }
ended_one() { grep -l "$1" "$films"/pc2-*.cast | sed 's/cast$/json/' | xargs grep -q '"event":"end"'; } # WORDS in it
ended() { recorded "$1" >/dev/null && [ "$(of_list 'all(x["ended"] for x in r) and len(r) > 0')" = True ]; }

# --- a stock client on 16994, over a reset
mkfifo "$T/keys"
spawn term client bash -c "amtterm -u admin -p '$password' 10.71.2.10 <'$T/keys'"
exec 7>"$T/keys"
on_line() { grep -q 'session.open .*target=pc1' "$T/gateway.log"; }
ok "amtterm is at the console" within 10 on_line
printf 'echo first words\r' >&7
within 20 grep -q '^first words' "$T/term.log"
ctl power reset pc1 >/dev/null
within 40 grep -q 'sol.back target=pc1' "$T/gateway.log"
printf 'echo after it\r' >&7
within 20 grep -q '^after it' "$T/term.log"
exec 7>&-
ok "it ends" within 40 not alive term
ok "and with it its recording" within 10 ended pc1
id=$(of_list 'r[0]["id"]')
ok "who and where from" same "$(of_list 'r[0]["service"], r[0]["who"][0]["client"].split(":")[0]')" "('sol', '10.71.1.100')"
# It wants a terminal, which makes CR LF of LF.
plain() { tr -d '\r' | md5sum; }
ok "asciinema reads it to the end" eval 'LC_ALL=C.UTF-8 script -qec "asciinema cat $films/$id.cast" /dev/null >"$T/cat.log" </dev/null'
ok "what was said before the reset" has "$T/cat.log" 'first words'
ok "the reset" has "$films/$id.cast" '"m", "away"'
ok "as text" ctl record export "$id" "$T/pc1.txt"
ok "it is the same" same "$(plain <"$T/pc1.txt")" "$(plain <"$T/cat.log")"
ok "the file as it is" eval 'ctl record export "$id" "$T/pc1.cast" && cmp "$T/pc1.cast" "$films/$id.cast"'
ok "a video of it is refused" same "$(ctl record export "$id" "$T/x.mp4" >/dev/null 2>&1; echo $?)" 2
ok "played again, fast" eval 'ctl record play "$id" --speed 100 --idle-limit 0.1 >"$T/play.log"'
ok "it shows the same" same "$(md5sum <"$T/play.log")" "$(md5sum <"$T/pc1.txt")"
ok "nothing typed is in it" hasnt "$films/$id.cast" '"i", '

# --- where the input is asked for, without reconnect, at a door of sol_listen
ok "a client types" talk 127.0.0.1 7001 --say 'echo typed here\r' --expect '\ntyped here\r'
ok "it is recorded" within 10 ended pc2
ok "the input too" has "$films/$(of_list 'r[-1]["id"]').cast" '"i", "e?'
before=$(recorded pc2)
ok "amtgate sol" eval 'printf "echo by sol\r" | on gw timeout 20 "$BUILD/amtgate" -c "$T/amtgate.conf" sol pc2 >"$T/sol.log" 2>&1'
one_more() { [ "$(recorded pc2)" -gt "$before" ]; }
ok "is recorded too" within 10 one_more
ok "a MiB of every byte does no harm" talk 127.0.0.1 7001 --stream 1
ok "a target that records screens alone" serial client 10.71.2.12
ok "does not record its console" same "$(recorded pc3)" 0
ok "a broken file" eval 'mkdir "$T/b"; { head -n 3 "$films/$id.cast"; echo "[junk"; } >"$T/b/x.cast"; ctl record play x --folder "$T/b" --speed 100 >/dev/null 2>"$T/err"; [ $? = 1 ]'
ok "names its line" has "$T/err" 'x.cast: line 4: '

# --- a daemon that dies in the middle
spawn dies gw python3 tests/system/tools/serial.py 127.0.0.1 7001 --say 'echo last words\r' --stay
last_words() { cat "$films"/pc2-*.cast | grep -q 'last words'; }
ok "a console is recorded" within 10 last_words
kill -KILL "${PIDS[gateway]}"
wait "${PIDS[gateway]}" 2>/dev/null
stop dies
daemon_start
recorded pc2 >/dev/null
id=$(of_list '[x["id"] for x in r if not x["ended"]][-1]')
ok "what was made when the daemon died is listed, with who looked on" same "$(of_list 'r[-1]["target"], r[-1]["who"][0]["client"].split(":")[0]')" "('pc2', '127.0.0.1')"
ok "it is played" has <(ctl record play "$id" --speed 100 2>"$T/err") '^last words'
ok "and made into a text" eval 'ctl record export "$id" "$T/died.txt" && grep -q "^last words" "$T/died.txt"'
ok "asciinema reads it" eval 'LC_ALL=C.UTF-8 script -qec "asciinema cat $films/$id.cast" /dev/null >"$T/cat.log" </dev/null'
ok "the next one is another" talk 127.0.0.1 7001 --say 'echo once more\r' --expect '\nonce more\r'
ok "and the dead one's file stays as it was" hasnt "$films/$id.cast" 'once more'

# --- a full disk
small() { mount -t tmpfs -o "size=$1,mode=700,uid=$(id -u nobody),gid=$(id -g nobody)" tmpfs "$films"; }
within 10 ended pc2
stop gateway # a mount is not seen by what runs already
if small 256k; then
  daemon_start
  CLEAN+=("umount -l '$films'")
  ok "a full disk holds up no console" talk 127.0.0.1 7001 --stream 2
  ok "the log says that the recording ends" has "$T/gateway.log" 'recording.failed.*No space left on device; it ends here'
  ok "it is listed, with why" eval 'recorded pc2 >/dev/null && [[ $(of_list "r[-1][\"cut\"], r[-1][\"ended\"]") = *"No space left on device"*False* ]]'
  id=$(of_list 'r[-1]["id"]')
  ok "what is there is played" eval 'ctl record play "$id" --speed 100 --idle-limit 0.1 >"$T/play.log" 2>"$T/err"'
  ok "from the beginning" has "$T/play.log" 'stream of 2097152 bytes begins'
  ok "and it is said that it was cut off" has "$T/err" "$id: the recording was cut off: .*No space left"
  ok "asciinema reads it too" eval 'LC_ALL=C.UTF-8 script -qec "asciinema cat $films/$id.cast" /dev/null >"$T/cat.log" </dev/null'
  mount -o remount,size=8m "$films"
  ok "with room again" talk 127.0.0.1 7001 --say 'echo room again\r' --expect '\nroom again\r'
  ok "the next one is whole" within 10 ended_one 'room again'
fi
ok "no secret in the log" hasnt "$T/gateway.log" "$password|typed here"
