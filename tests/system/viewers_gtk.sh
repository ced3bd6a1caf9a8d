#!/usr/bin/env bash
# LIMIT=600
# What viewers.sh does, with the desktops' viewers: every pixel is right, for these ask for no JPEG.
. "$(dirname "$0")/lib.sh"
. tests/system/_viewers.sh
viewers_lab --profile 11 --boot-time 2
try remote-viewer fit remote-viewer vnc://$address:5900
try vinagre large vinagre $address::5900
try gnome-connections 'fit over 10 56' gnome-connections vnc://$address:5900
try remmina large remmina -c vnc://$address:5900
[ $checks -gt 0 ] || skip "none of these viewers is here"
