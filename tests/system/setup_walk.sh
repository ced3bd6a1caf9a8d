#!/usr/bin/env bash
# The way of amtgate-setup(7): a stick is written, a new machine set up by what is on it, found, written into the
# configuration, its features switched on, and its screen is there.
. "$(dirname "$0")/lib.sh"
need mcopy gvncviewer Xvfb xwd
lab router
export AMT_NEW_PASSWORD='N3w!passwd' MTOOLS_SKIP_CHECK=1
setupbin() { "$BUILD/amtgate" setupbin "$@"; }
code_of() { "$@" >"$T/out" 2>"$T/err"; echo $?; }

ok "an image of a stick" setupbin make --image "$T/stick.img" --set kvm=on --set redirection=sol+ider
ok "the stick's file" mcopy -n -i "$T/stick.img" ::setup.bin "$T/Setup.bin"
cp "$T/Setup.bin" "$T/before"
sim new 10.71.2.10 --profile 12 --still --size 640x480 --frame-file "$T/new.ppm" --setup-bin "$T/Setup.bin"
ok "a stick for any number of machines stays as it is" cmp "$T/Setup.bin" "$T/before"
ok "the factory's password is not printed, nor the new one" hasnt "$T/new.log" 'N3w!passwd'

configure <<INI
[defaults]
allow = 10.71.1.0/24
INI
ok "scan finds it" ctl scan 10.71.2.10 >"$T/scan"
ok "set up" has "$T/scan" '^10\.71\.2\.10 +12\.0.* post '
echo "$AMT_NEW_PASSWORD" >"$T/pw"
login=(-h 10.71.2.10 --password-file "$T/pw" --state "$T/own")
ok "it answers" ctl wait "${login[@]}" --for rmcp --for amt --timeout 20
ok "to the new password alone" same "$(code_of ctl info -h 10.71.2.10 --password-file <(echo admin) --state "$T/own")" 4
ok "info" ctl info "${login[@]}" >"$T/info"
ok "in admin control mode" has "$T/info" ' admin '

chmod 600 "$T/pw" && chown nobody "$T/pw"
gateway <<INI
[defaults]
allow = 10.71.1.0/24
[target pc1]
address = 10.71.2.10
password_file = $T/pw
INI
ok "its user would have to consent" same "$(ctl --json consent state pc1 | grep -c '"kvm"')" 1
ok "setup says what is to be changed" ctl setup all pc1 --no-consent --dry-run >"$T/dry"
ok "consent" has "$T/dry" 'consent'
ok "and changes it" ctl setup all pc1 --no-consent
ok "doctor finds nothing" ctl doctor pc1 >"$T/doctor"
x_start client
viewer_start viewer client 10.71.2.10
look() { x_tool xwd -root -silent -out "$T/shot.xwd" && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/new.ppm"; }
ok "a viewer shows its screen" within 20 look
stop viewer

# --- records that are used up, and what firmware does not take
ok "two records" setupbin make --records 2 --set kvm=off "$T/two"
sim first 10.71.2.12 --profile 12 --machines 2 --setup-bin "$T/two"
ok "both machines took theirs" same "$(setupbin show --json "$T/two" 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["consumed"])')" 2
ok "for its owner alone" same "$(stat -c %a "$T/two")" 600
for a in 12 13; do
  ok "10.71.2.$a has the new password, and no KVM" same "$(ctl --json info -h 10.71.2.$a --password-file "$T/pw" --state "$T/own" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["kvm"])')" False
done
refuses() { # REGEX FILE
  same "$(code_of on amt "$BUILD/amtgate-sim" --listen 10.71.2.15 --setup-bin "$2")" 1 && has "$T/err" "$1"
}
ok "no record is left" refuses '/two: every record is used up' "$T/two"
ok "another factory password" setupbin make --set-from current-mebx-password="$T/pw" "$T/other"
ok "is not the machine's" refuses 'current-mebx-password is not' "$T/other"
ok "for a server" setupbin make --set setup-type=automatic "$T/server"
ok "waits for it" refuses 'waits for a configuration server' "$T/server"
ok "no such file" refuses 'cannot open .*/none' "$T/none"
ok "no Setup.bin" refuses 'no Setup.bin' "$T/pw"
