#!/usr/bin/env bash
# LIMIT=600
# All that viewers.sh asks of a viewer, on the generations of firmware that viewers.sh, viewers_gtk.sh and novnc.sh do not have.
. "$(dirname "$0")/lib.sh"
. tests/system/_viewers.sh
profiles=(8 9 12 15 19)
lab router
for i in "${!profiles[@]}"; do
  machine=p${profiles[$i]} address=10.71.2.1$i
  still_machine --profile "${profiles[$i]}" --boot-time 2
done
gateway_for_machines
german_screen 4200x2400
viewer=("gvncviewer" "xtigervncviewer") ways=("lossy fit" "lossy")
for i in "${!profiles[@]}"; do
  machine=p${profiles[$i]} address=10.71.2.1$i
  try "${viewer[i % 2]}-$machine" "${ways[i % 2]}" "${viewer[i % 2]}" $address
done
[ $checks -gt 0 ] || skip "no viewer is here"
