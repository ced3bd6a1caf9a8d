#!/usr/bin/env bash
# amtgate doctor where the kernel lacks a module. This one may have all of them built in: VM_RUN=PROGRAM runs it in a machine
# whose kernel has modules (see _vm.sh).
# LIMIT=800
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/_vm.sh"
if [ -z "${IN_VM:-}" ]; then
  [ -n "${VM_RUN:-}" ] || skip "no VM_RUN to start a kernel that has modules"
  checks=1
  in_vm 'cd /mnt/share && IN_VM=yes BUILD=build bash tests/system/doctor_kernel.sh' || failures=1
  exit
fi
. "$(dirname "$0")/_doctor.sh"
lab router
configure <<INI
[intercept]
interfaces = lan0
[target pc1]
address = 10.71.2.10
password = $password
allow = 10.71.1.0/24 fd71:1::/64
INI
without() { # MODULE: cannot be loaded, and is not
  echo "install $1 /bin/false" >"/etc/modprobe.d/amtgate-test.conf"
  ! lsmod | grep -q "^$1 " || modprobe -r "$1"
}
complains() { # PART SETTING: of it, and not of other extensions
  doctor --local
  ok "no $1: named alone" same "$(failed | grep '^extensions')" "extensions $1"
  ok "no $1: the kernel lacks it" tells extensions "$1" 'the kernel '
  ok "no $1: what to do" says extensions "$1" "modprobe .*xt_.*$2"
  ok "no $1: nothing is said of chains" eval '! failed | grep -E "^(chains|jumps)"'
}
without xt_TPROXY && complains TPROXY 'mode = redirect'
without xt_socket && complains socket 'mode = redirect'
without xt_NFQUEUE && complains NFQUEUE 'classify = all'
rm /etc/modprobe.d/amtgate-test.conf
rules up
daemon_start
names "mended"
