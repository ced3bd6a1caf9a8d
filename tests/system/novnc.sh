#!/usr/bin/env bash
# LIMIT=240
# noVNC with its default settings in Chromium, through websockify: what viewers.sh does. npm fetches noVNC at test time.
. "$(dirname "$0")/lib.sh"
need chromium websockify npm
. tests/system/_viewers.sh
version=1.7.0
novnc=$BUILD/npm/novnc-$version
novnc_ready() {
  mkdir -p "$BUILD/npm" || return 1
  ( flock 9
    [ -d "$novnc/core" ] && exit 0
    d=$(mktemp -d "$BUILD/npm/get.XXXXXX") && cd "$d" || exit 1
    timeout 100 npm pack --silent "@novnc/novnc@$version" >npm.log 2>&1 && tar xzf ./*.tgz && mv package "$novnc"
    cd .. && rm -rf "$d"
    [ -d "$novnc/core" ] ) 9>"$BUILD/npm/lock"
}
novnc_ready || skip "npm could not fetch noVNC"
mkdir "$T/web"
cp -r "$novnc/core" "$novnc/vendor" "$T/web"
cat >"$T/web/index.html" <<'HTML'
<!DOCTYPE html>
<html><body style="margin: 0"><div id="screen" style="width: 100vw; height: 100vh"></div>
<script type="module">
import RFB from "./core/rfb.js";
new RFB(document.getElementById("screen"), "ws://127.0.0.1:6080/websockify");
</script></body></html>
HTML
viewers_lab --profile 21 --boot-time 2
spawn websockify client websockify --web "$T/web" 127.0.0.1:6080 $address:5900
within 20 listens client 6080 || { echo "websockify does not listen"; exit 1; }
try noVNC lossy chromium --no-sandbox --no-first-run --disable-gpu --disable-dev-shm-usage --force-color-profile=srgb \
  --window-position=0,0 --window-size=4100,2350 --user-data-dir="$T/home/chromium" --app=http://127.0.0.1:6080/index.html
