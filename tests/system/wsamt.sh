#!/usr/bin/env bash
# wsamt, this program under the old utility's name: its options, environment variables and commands, on machines of every generation.
. "$(dirname "$0")/lib.sh"
need openssl
lab router
ln -s "$BUILD/amtgate" "$T/wsamt"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout "$T/ca.key" -out "$T/ca.pem" 2>/dev/null
issue() { # NAME ADDRESS: $T/NAME.pem and .key, of that authority
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$T/$1.key" -out "$T/$1.csr" 2>/dev/null
  printf 'subjectAltName=IP:%s\nextendedKeyUsage=serverAuth\n' "$2" >"$T/$1.ext"
  openssl x509 -req -in "$T/$1.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -days 2 -extfile "$T/$1.ext" -out "$T/$1.pem" 2>/dev/null
}
declare -A at
for i in "${!profiles[@]}"; do
  p=${profiles[$i]} at[$p]=10.71.2.1$i
  issue "m$p" "${at[$p]}"
  sim "p$p" "${at[$p]}" --profile "$p" --boot-time 1 --network-restart 200 --cert "$T/m$p.pem" --key "$T/m$p.key"
done
plain_port() { case $1 in 16.1 | 19 | 21 | ism) return 1 ;; esac; } # PROFILE
wsamt() { on gw env WSMAN_USER=admin WSMAN_PASS="$password" XDG_STATE_HOME="$T" "$T/wsamt" "$@" 2>"$T/err.log"; }
machine() { # PROFILE COMMAND...: over TLS where it has nothing else
  local p=$1
  shift
  if plain_port "$p"; then wsamt -h "${at[$p]}" "$@"; else wsamt -h "${at[$p]}" -c "$T/ca.pem" "$@"; fi
}
code_of() { "$@" >/dev/null; echo $?; }
becomes() { # PROFILE SETTING VALUE
  machine "$1" "$2" "$3" && same "$(machine "$1" "$2")" "$3"
}

# --- options and environment
ok "alone it shows its use, and that is wrong usage" same "$(code_of wsamt)" 2
ok "with every command" has "$T/err.log" '^  mktlsctx FILE '
ok "help is none" same "$(code_of wsamt help)" 0
ok "an unknown command" same "$(code_of wsamt explode)" 2
ok "an unknown option" same "$(code_of wsamt -x ping)" 2
ok "too many words" same "$(code_of wsamt -h "${at[12]}" ping on off)" 2
ok "-h, -P, -u and -p" same "$(on gw "$T/wsamt" -h "${at[12]}" -P 16992 -u admin -p "$password" power)" "2 on"
ok "all four from the environment" same \
  "$(on gw env WSMAN_HOST="${at[12]}" WSMAN_PORT=16992 WSMAN_USER=admin WSMAN_PASS="$password" "$T/wsamt" power)" "2 on"
ok "a wrong password is exit 4" same "$(code_of on gw env WSMAN_PASS=wrong "$T/wsamt" -h "${at[12]}" power)" 4
ok "nobody there is exit 3" same "$(code_of wsamt -h 10.71.2.99 power)" 3
ok "another authority is exit 5" same "$(code_of wsamt -h "${at[12]}" -c "$T/m8.pem" power)" 5
ok "-v tells what is asked" wsamt -v -h "${at[12]}" rfbpass 'P@ssw0rd'
ok "and answered" has "$T/err.log" '^Put IPS_KVMRedirectionSettingData: done'
ok "but no password" hasnt "$T/err.log" 'P@ssw0rd'
on gw "$T/wsamt" -h 10.71.2.99 -u admin -p "$password" rfbpass 'Sekr3t.8' >/dev/null 2>&1 & # it waits for nobody
hidden() { pgrep -f "wsamt -h 10.71.2.99 -u admin -p xxx" >/dev/null && ! pgrep -f 'Sekr3t[.]8' >/dev/null; }
ok "passwords do not stay in the process list" within 3 hidden
wait $!

# --- every setting, there and back, on every generation that has it
for p in "${profiles[@]}"; do
  for s in redirport:off:on webui:off:on ping:off:on rmcp:off:on idle:10:65535 dhcpv6:30:0 wsman:on:off outgoingv6:on:off \
    sol:off:on ider:off:on solider:off:on rfbservice:off:on timeout:0:255 optin:on:off; do
    IFS=: read -r name one other <<<"$s"
    if [ $p = ism ] && [[ $name =~ ^(rfbservice|timeout|optin)$ ]]; then
      ok "$p: it has no $name" same "$(code_of machine $p $name)" 1
    else
      ok "$p: $name $one and $other" eval "becomes $p $name $one && becomes $p $name $other" || cat "$T/err.log"
    fi
  done
  if [ $p != ism ]; then
    ok "$p: rfbpass" machine $p rfbpass 'P@ssw0rd' || cat "$T/err.log"
    case $p in
      19 | 21) ok "$p: it has no port 5900" same "$(code_of machine $p rfbport on)" 1 ;;
      *) ok "$p: rfbport off and on" eval "becomes $p rfbport off && becomes $p rfbport on" || cat "$T/err.log" ;;
    esac
  else
    ok "ism: it has no port 5900" same "$(code_of machine ism rfbpass 'P@ssw0rd')" 1
  fi
  for word in cddvd hdd pxe idercd iderfd sol bios idersolcd idersolfd biossol default; do
    ok "$p: boot $word" machine $p boot $word || cat "$T/err.log"
  done
  case $p in
    8 | 9 | 11 | 12 | 15 | 16.1 | 19 | 21 | ism) ok "$p: boot diag is gone since 7.0" same "$(code_of machine $p boot diag)" 1 ;;
  esac
  ok "$p: reset" machine $p power 10 && ok "$p: it is back" within 10 machine $p power || cat "$T/err.log"
  ok "$p: useradd" machine $p useradd oper 'P@ssw0rd' 2 2 GeneralInfo || cat "$T/err.log"
  ok "$p: userlst" same "$(machine $p userlst oper)" "oper any enabled Redirection GeneralInfo"
  ok "$p: usermod" machine $p usermod oper off && ok "$p: it is off" same "$(machine $p usermod oper | awk '{ print $3 }')" disabled
  ok "$p: userchg" machine $p userchg oper 'N3w-word!' 1 3
  ok "$p: usermod on" machine $p usermod oper on
  on gw env WSMAN_USER=oper WSMAN_PASS='N3w-word!' "$T/wsamt" -h "${at[$p]}" $(plain_port $p || echo -c "$T/ca.pem") power >"$T/oper.log" 2>&1
  ok "$p: who logs in with it" same "$(awk '{ print $2 }' "$T/oper.log")" on || cat "$T/oper.log"
  ok "$p: userdel" machine $p userdel oper && ok "$p: it is gone" same "$(code_of machine $p userlst oper)" 1
  ok "$p: timesync" machine $p timesync || cat "$T/err.log"
  ok "$p: listall" has <(machine $p listall) '^AMT_GeneralSettings$'
  ok "$p: listepr of one class" has <(machine $p listepr CIM_BootService) '= CIM_BootService .*Name=Intel'
done
ok "amtnet is told" same "$(machine 12 amtnet)" on
ok "a setting that firmware does not know" same "$(code_of machine 12 listall CIM_Nothing)" 1

# --- TLS, step by step as its author had it, on machines that have none yet
tls_from_nothing() { # PROFILE
  local p=$1 a=${at[$1]} f
  stop "p$p"
  issue "fresh$p" "$a"
  sim "p$p" "$a" --profile "$p" --network-restart 200 --tls no
  m() { wsamt -h "$a" "$@"; }
  secure() { wsamt -h "$a" -c "$T/ca.pem" "$@"; }
  step() { ok "$p: $*" within 10 m "$@" || cat "$T/err.log"; }
  ok "$p: no TLS yet" same "$(m nettls) $(code_of secure power)" "off 3"
  for f in "addca $T/ca.pem" "addcert $T/fresh$p.pem" "addkey $T/fresh$p.key" "mktlsctx $T/fresh$p.pem" commit "netcert off" "lclcert off" commit \
    "lclboth on" "netboth on" commit "nettls on" commit; do step $f; done
  ok "$p: over TLS, by its authority" within 10 secure power
  ok "$p: openssl sees the certificate" has <(on gw openssl s_client -connect "$a:16993" -cipher DEFAULT:@SECLEVEL=0 -legacy_server_connect -CAfile "$T/ca.pem" </dev/null 2>&1) 'Verify return code: 0'
  for f in "lcltls on" commit timesync "lclboth off" "netboth off" commit; do step $f; done
  ok "$p: nothing without TLS any more" within 10 eval '[ "$(code_of m power)" = 3 ]'
  ok "$p: with it all is well" within 10 secure power
  ok "$p: the certificate is in use" same "$(code_of secure delcertkey "$T/fresh$p.pem")" 1
  ok "$p: it is shown until TLS is off" same "$(code_of secure rmtlsctx)" 1
  for f in "netboth on" "nettls off" "lcltls off" commit; do ok "$p: $f" within 10 secure $f || cat "$T/err.log"; done
  for f in rmtlsctx commit "delcertkey $T/fresh$p.pem" "delca $T/ca.pem"; do step $f; done
  ok "$p: what is not there" same "$(code_of m delca "$T/ca.pem")" 1
}
for p in 8 9 11 12 15; do tls_from_nothing $p; done

# --- machines that never do without: another certificate, and what they refuse
tls_anew() { # PROFILE
  local p=$1 a=${at[$1]} f
  issue "next$p" "$a"
  secure() { wsamt -h "$a" -c "$T/ca.pem" "$@"; }
  for f in "addca $T/ca.pem" "addcert $T/next$p.pem" "addkey $T/next$p.key" "mktlsctx $T/next$p.pem" "netcert off" "lclcert off" "lcltls on" commit; do
    ok "$p: $f" within 10 secure $f || cat "$T/err.log"
  done
  shown() { on gw openssl s_client -connect "$a:16993" </dev/null 2>/dev/null | openssl x509 -noout -subject; }
  ok "$p: shows the new certificate" within 10 eval '[[ $(shown) == *next'"$p"' ]]'
  ok "$p: plain text is gone for good" same "$(code_of secure netboth on)" 1
  ok "$p: TLS too stays" same "$(code_of secure nettls off)" 1
  ok "$p: nettls and netboth" same "$(secure nettls) $(secure netboth)" "on off"
  ok "$p: the certificate is in use" same "$(code_of secure delcertkey "$T/next$p.pem")" 1
  ok "$p: and cannot be taken out" same "$(code_of secure rmtlsctx)" 1
  ok "$p: delca" within 10 secure delca "$T/ca.pem" || cat "$T/err.log"
}
for p in 16.1 19 21 ism; do tls_anew $p; done
