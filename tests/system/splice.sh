#!/usr/bin/env bash
# Bulk bytes do not come through user space: plain to plain anywhere, and to TLS where the kernel has TLS (KERNEL_TLS=yes says
# that it must).
. "$(dirname "$0")/lib.sh"
need python3
lab router
METRICS=127.0.0.1:9623
sim plain 10.71.2.10 --profile 12 --plain yes
sim tls12 10.71.2.11 --profile 16.1 --tls-max 1.2
gateway <<INI
[intercept]
interfaces = lan0
[defaults]
password = $password
allow = 10.71.1.0/24
vnc_mode = splice
[target plain]
address = 10.71.2.10
tls = no
[target tls12]
address = 10.71.2.11
tls = yes
INI
spliced() { # bytes so far
  on gw python3 -c 'import re, urllib.request
page = urllib.request.urlopen("http://127.0.0.1:9623/metrics", timeout=10).read().decode()
print(int(float(re.search(r"^amtgate_spliced_bytes ([0-9.e+]+)$", page, re.M).group(1))))'
}
screen() { # TARGET: one whole picture, 1.5 MB of pixels
  probe client rfb "$1" 5900 --frame
  same "$(field pixels)" 786432
}
ok "no bytes yet" same "$(spliced)" 0
ok "the picture of a plain machine" screen 10.71.2.10
within 10 no_sessions
before=$(spliced)
ok "its pixels never came through user space" [ "$before" -gt 1000000 ]
ok "the picture of a TLS machine" screen 10.71.2.11
within 10 no_sessions
after=$(spliced)
echo "$before bytes spliced before, $after after"
if [ "${KERNEL_TLS:-no}" = yes ]; then
  ok "with TLS in the kernel neither did those" [ $((after - before)) -gt 1000000 ]
else
  echo "kernel TLS: $((after - before)) bytes spliced here"
fi
