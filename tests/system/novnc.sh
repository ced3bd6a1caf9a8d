#!/usr/bin/env bash
# LIMIT=600
# noVNC with its default settings in Chromium, through websockify: what viewers.sh does. npm fetches noVNC at test time.
. "$(dirname "$0")/lib.sh"
need chromium websockify npm
. tests/system/_viewers.sh
. tests/system/_novnc.sh
novnc_ready || skip "npm could not fetch noVNC"
viewers_lab --profile 21 --boot-time 2
novnc_served
try noVNC lossy "${novnc_window[@]}" --window-size=4100,2350
