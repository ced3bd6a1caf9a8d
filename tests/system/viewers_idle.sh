#!/usr/bin/env bash
# LIMIT=840
# A machine that ends KVM without keyboard or mouse: viewers at which nobody types keep their picture. AMT waits three
# minutes; these machines a little more than the minute after which the gateway keeps them awake. Every viewer on a machine and
# a screen of its own, each machine of another generation, all at once.
. "$(dirname "$0")/lib.sh"
. tests/system/_viewers.sh
. tests/system/_novnc.sh
limit=64 idle=200
large="1400 1000"
viewers=(
  '8|lossy fit|gvncviewer %s'
  '9|lossy|xtigervncviewer %s'
  '11|lossy keeps|xtightvncviewer %s'
  '12|lossy|ssvncviewer %s'
  '15|fit|remote-viewer vnc://%s:5900'
  '16.1|large|vinagre %s::5900'
  '19|fit over 10 56|gnome-connections vnc://%s:5900'
  '21|large|remmina -c vnc://%s:5900'
)
novnc_ready && viewers+=("16.1|lossy|noVNC") || echo "noVNC is left out: no Chromium, websockify or npm here"
lab router
for i in "${!viewers[@]}"; do
  IFS='|' read -r profile _ command <<<"${viewers[$i]}"
  machine=m$i address=10.71.2.1$i
  still_machine --profile "$profile" --idle $limit
done
gateway_for_machines
declare -A seen=() looks=() screens=() ids=()
for i in "${!viewers[@]}"; do
  IFS='|' read -r profile ways command <<<"${viewers[$i]}"
  name=${command%% *} machine=m$i address=10.71.2.1$i
  words=(${command//%s/$address})
  [ $name != noVNC ] || { novnc_served; words=("${novnc_window[@]}" --window-size=1200,900); }
  command -v "${words[0]}" >/dev/null || { echo "$name is left out: it is not here"; continue; }
  german_screen 1600x1200 screen$i
  opened $name "$ways" "${words[@]}" || continue
  seen[$i]=$SECONDS looks[$i]=${look[*]} screens[$i]=$screen ids[$i]=$(vnc_session)
done
for i in "${!seen[@]}"; do
  IFS='|' read -r profile _ command <<<"${viewers[$i]}"
  name=${command%% *} machine=m$i screen=${screens[$i]}
  waited() { [ $((SECONDS - seen[$i])) -gt $idle ]; }
  within $((idle + 5)) waited
  ok "$name, firmware $profile: the machine has not ended the session in $idle s" hasnt "$T/$machine.json" '"reason":"no keyboard'
  ok "$name: the gateway pressed nothing: it released a key" gives "(False, 'Right Shift')" json_event "$T/$machine.json" key '(e["down"], e["name"])'
  ok "$name: it is the same session" gives "${ids[$i]}" vnc_session
  ok "$name shows the picture" within 20 shows ${looks[$i]}
done
ok "no viewer has been without its machine" hasnt "$T/gateway.log" ' screen\.lost '
[ ${#seen[@]} -gt 1 ] || ok "there were viewers" false
