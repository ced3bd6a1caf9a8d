# Sourced behind _viewers.sh: noVNC in Chromium, through websockify. npm fetches noVNC at test time.
novnc_version=1.7.0
novnc=$BUILD/npm/novnc-$novnc_version
novnc_ready() {
  command -v chromium >/dev/null && command -v websockify >/dev/null && command -v npm >/dev/null || return 1
  mkdir -p "$BUILD/npm" || return 1
  ( flock 9
    [ -d "$novnc/core" ] && exit 0
    d=$(mktemp -d "$BUILD/npm/get.XXXXXX") && cd "$d" || exit 1
    timeout 100 npm pack --silent "@novnc/novnc@$novnc_version" >npm.log 2>&1 && tar xzf ./*.tgz && mv package "$novnc"
    cd .. && rm -rf "$d"
    [ -d "$novnc/core" ] ) 9>"$BUILD/npm/lock"
}
# A page whose window is the machine's screen, on host client: $novnc_window is the command that opens it.
novnc_served() {
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
  spawn websockify client websockify --web "$T/web" 127.0.0.1:6080 $address:5900
  within 20 listens client 6080 || { echo "websockify does not listen"; exit 1; }
}
novnc_window=(chromium --no-sandbox --no-first-run --disable-gpu --disable-dev-shm-usage --force-color-profile=srgb
  --window-position=0,0 --user-data-dir="$T/chromium" --app=http://127.0.0.1:6080/index.html)
