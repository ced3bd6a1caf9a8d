#!/usr/bin/env bash
# Every firmware profile in stock viewers. Two that ask once and keep the first update have every pixel right (gvnccapture:
# ZRLE, Net::VNC: CoRRE); then RFB 3.3 (vncsnapshot) and a window (xtigervncviewer). A machine without KVM says so.
. "$(dirname "$0")/lib.sh"
need gvnccapture xtigervncviewer Xvfb xwd convert compare
lab router
targets=
for i in "${!profiles[@]}"; do
  sim "p${profiles[$i]}" "10.71.2.1$i" --profile "${profiles[$i]}" --still --size 640x480 --frame-file "$T/p${profiles[$i]}.ppm"
  targets+="[target p${profiles[$i]}]"$'\n'"address = 10.71.2.1$i"$'\n'
done
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
tls_min = 1.0
$targets
INI
x_start client
captured() { # COMMAND... FILE: a picture in FILE
  on client env HOME="$T" LC_ALL=C.UTF-8 timeout 30 "$@" >"$T/capture.log" 2>&1 && [ -s "${!#}" ]
}
exactly() { # FILE.png PROFILE: every pixel is the machine's
  convert "$1" -depth 8 "ppm:$T/picture.ppm" && cmp "$T/picture.ppm" "$T/p$2.ppm"
}
alike() { # FILE PROFILE PART: but for one hundredth on average
  convert "$1" -crop "$3" +repage "ppm:$T/a.ppm" && convert "$T/p$2.ppm" -crop "$3" +repage "ppm:$T/b.ppm" &&
    compare -metric MAE "$T/a.ppm" "$T/b.ppm" null: 2>&1 | awk -F '[()]' '{ print "  off by " $2; exit !($2 < 0.01) }'
}
net_vnc() { perl -MNet::VNC -e 1 2>/dev/null; }
shows() { x_tool xwd -root -silent -out "$T/shot.xwd" && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/p$1.ppm" --lossy >"$T/shot.json"; } # PROFILE
command -v vncsnapshot >/dev/null || echo "vncsnapshot is left out: it is not here"
net_vnc || echo "Net::VNC is left out: it is not here"
for i in "${!profiles[@]}"; do
  p=${profiles[$i]} a=10.71.2.1$i
  if [ $p = ism ]; then
    probe client rfb $a 5900
    ok "ism: the viewer is told why in RFB's words" grep -qiE 'kvm|support' <<<"$(field reason)" || echo "  $answer"
    spawn refused client env DISPLAY="$screen" xtigervncviewer $a
    ok "ism: xtigervncviewer says it" within 20 grep -q 'refused the KVM' "$T/refused.log" # wraps its lines
    stop refused
    continue
  fi
  ok "$p: gvnccapture" captured gvnccapture -q $a "$T/32-$p.png" && ok "$p: every pixel of 32 bits" exactly "$T/32-$p.png" $p
  if net_vnc; then
    ok "$p: Net::VNC" captured perl -MNet::VNC -e '
      my $vnc = Net::VNC->new({hostname => $ARGV[0]});
      $vnc->login;
      $vnc->capture->save($ARGV[1])' $a "$T/perl-$p.png" && ok "$p: every pixel in Net::VNC" exactly "$T/perl-$p.png" $p
  fi
  if command -v vncsnapshot >/dev/null; then
    # What it writes is a JPEG of best quality; noise suffers.
    ok "$p: vncsnapshot" captured vncsnapshot -quiet $a:0 "$T/snap-$p.jpg" && for part in 640x300+0+0 640x112+0+368; do
      ok "$p: $part of vncsnapshot" alike "$T/snap-$p.jpg" $p $part
    done
  fi
  spawn viewer client env HOME="$T" DISPLAY="$screen" xtigervncviewer $a
  ok "$p: xtigervncviewer" within 30 shows $p || cat "$T/shot.json"
  stop viewer
done
