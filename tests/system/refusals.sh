#!/usr/bin/env bash
# What the client is told when the machine says no: busy, consent, wrong credentials, nobody there; and that refused
# logins are not repeated until the machine locks the account.
. "$(dirname "$0")/lib.sh"
need amtterm expect
lab router
sim busy 10.71.2.10
sim consent 10.71.2.11 --consent
sim wrong 10.71.2.12
sim pass 10.71.2.14
sim users 10.71.2.15
sim closes 10.71.2.17 --closing 2000
sim stays 10.71.2.18 --closing 60000
echo "sesame open" >"$T/secret" && chmod 600 "$T/secret" && chown nobody "$T/secret"
configure </dev/null
printf 'swordfish\nswordfish\n' | ctl passwd alice >"$T/passwd.log" 2>&1 || cat "$T/passwd.log"
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target busy]
address = 10.71.2.10
[target consent]
address = 10.71.2.11
[target wrong]
address = 10.71.2.12
password_file = $T/secret
password =
[target nobody]
address = 10.71.2.13
[target pass]
address = 10.71.2.14
client_auth = passthrough
[target users]
address = 10.71.2.15
client_auth = users
[target closes]
address = 10.71.2.17
[target stays]
address = 10.71.2.18
[target unreachable]
address = 10.71.2.16
amt = 10.99.99.99
INI
on client timeout 100 python3 tests/system/tools/probe.py redir 10.71.2.10 16994 sol --hold 90 >"$T/holder.log" 2>&1 &
within 5 has "$T/holder.log" '"open": true'
probe client redir 10.71.2.10 16994 sol
ok "busy: status 2" same "$(field start)" 2
ok "busy: amtterm says so" not amtterm_on client busyterm 10 '' 'never' -p x 10.71.2.10
ok "busy: in the log" has "$T/gateway.log" 'busy'
probe client redir 10.71.2.10 16994 kvm
ok "another kind is free" same "$(field start)" 0
gives 1 sessions # the console's
on client timeout 60 python3 tests/system/tools/probe.py redir 10.71.2.10 16994 kvm --hold 30 >"$T/holder2.log" 2>&1 &
within 5 has "$T/holder2.log" '"open": true'
probe client rfb 10.71.2.10 5900
ok "busy: the viewer gets a reason" has <(echo "$answer") '"reason": ".*(busy|use|session)'

# A session that we ourselves have just ended, and that the machine takes its time to close.
probe client rfb 10.71.2.17 5900
probe client rfb 10.71.2.17 5900
ok "still closing: the next viewer is let in" same "$(field result)" 0
ok "the machine was busy meanwhile" has "$T/closes.json" '"event":"start".*"status":2'
probe client redir 10.71.2.17 16994 sol
probe client redir 10.71.2.17 16994 sol
ok "still closing: so is the next console" same "$(field start)" 0
probe client rfb 10.71.2.18 5900
probe client rfb 10.71.2.18 5900 --timeout 20
ok "closing for ever: the viewer gets a reason" has <(echo "$answer") '"reason": ".*(busy|use|session)'

probe client redir 10.71.2.11 16994 ider
ok "consent: status 5" same "$(field start)" 5

probe client redir 10.71.2.12 16994 sol
ok "wrong credentials: refused" same "$(field open)" ""
probe client rfb 10.71.2.12 5900
ok "wrong credentials: the viewer gets a reason" has <(echo "$answer") '"reason": ".*(credentials|password|login|user)'
ok "wrong credentials: in the log" has "$T/gateway.log" 'wrong.*(auth|credential|password|login)'
for _ in 1 2 3 4 5 6; do probe client redir 10.71.2.12 16994 sol --timeout 5; done
tries=$(grep -c '"event":"auth"[^}]*"ok":false' "$T/wrong.json")
ok "wrong credentials: the machine was not asked every time ($tries)" test "$tries" -le 4
told_to_wait() { # the wait may just be over: then this viewer's login is refused too, and the next has longer to wait
  probe client rfb 10.71.2.12 5900
  has <(echo "$answer") '"reason": ".*refused user .*waits [0-9]+ s'
}
ok "wrong credentials: the viewer is told to wait" within 60 told_to_wait
ok "wrong credentials: and so is the log" has "$T/gateway.log" 'wrong refused user .*waits [0-9]+ s'

probe client redir 10.71.2.13 16994 sol
ok "nobody there: refused at once" not test "$(field start)" = 0
probe client rfb 10.71.2.13 5900
ok "nobody there: the viewer gets a reason" has <(echo "$answer") '"reason": ".*(refused|unreachable|connect|answer)'
probe client rfb 10.71.2.16 5900
ok "no route: the viewer gets a reason" has <(echo "$answer") '"reason": ".*(route|unreachable|reach)'

ok "passthrough: the client's own credentials open it" serial client 10.71.2.14 16994 --user admin --password "$password"
ok "passthrough: wrong ones do not" refused client redir 10.71.2.14 16994 sol --user admin --password no
ok "users: digest" serial client 10.71.2.15 16994 --user alice --password swordfish --method 4
ok "users: method 3" serial client 10.71.2.15 16994 --user alice --password swordfish --method 3
ok "users: user and password" serial client 10.71.2.15 16994 --user alice --password swordfish --method 1
ok "users: wrong password" refused client redir 10.71.2.15 16994 sol --user alice --password no
ok "users: unknown user" refused client redir 10.71.2.15 16994 sol --user bob --password swordfish
ok "users: amtterm" amtterm_on client userterm 15 $'echo as alice\r' 'as alice.*as alice' -u alice -p swordfish 10.71.2.15
ok "users: the log names alice" has "$T/gateway.log" 'user=alice'
for s in "sesame open" swordfish 'P@ssw0rd1!'; do ok "no '${s:0:2}..' in the log" hasnt "$T/gateway.log" "$s"; done
