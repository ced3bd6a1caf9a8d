#!/usr/bin/env bash
# LIMIT=600
# Stock viewers as they are, with their default settings: the machine's picture, what is typed, a restart, other sizes. The
# ones that ask for Tight with JPEG, and those that keep their size. viewers_gtk.sh and viewers_other.sh have the rest.
. "$(dirname "$0")/lib.sh"
. tests/system/_viewers.sh
viewers_lab --profile 16.1 --boot-time 2
try gvncviewer 'lossy fit' gvncviewer $address
try xtigervncviewer lossy xtigervncviewer $address
ok "xtigervncviewer need not ask for each update" grep -q 'Enabling continuous updates' "$T/xtigervncviewer.log"
try xtightvncviewer 'lossy keeps' xtightvncviewer $address
try ssvncviewer lossy ssvncviewer $address
