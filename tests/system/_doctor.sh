# Sourced by doctor*.sh, behind lib.sh: runs amtgate doctor and looks at what it complains of.
doctor() { ctl --json doctor "$@" >"$T/doctor.json"; }
failed() { # the checks that failed, "name about", one a line
  python3 -c '
import json, sys
for c in json.load(open(sys.argv[1])):
    if c["state"] == "fail": print((c["check"] + " " + c["about"]).strip())
    assert c["text"] and (c["state"] != "fail") == (not c["remedy"]), c' "$T/doctor.json"
}
names() { # WHAT CHECK...: what doctor now complains of is exactly this, machines left aside
  local what=$1 want
  shift
  doctor --local
  local status=$?
  want=$(printf '%s\n' "$@" | sort)
  ok "$what" same "$(failed | sort)" "$want"
  [ $# = 0 ] && want=0 || want=1
  ok "$what: exit $want" same $status $want
}
says() { # CHECK ABOUT REGEX: the remedy of that check, which failed
  python3 -c '
import json, re, sys
found = [c for c in json.load(open(sys.argv[1])) if (c["check"], c["about"], c["state"]) == (*sys.argv[2:4], "fail")]
sys.exit(not found or not re.search(sys.argv[4], found[0]["remedy"]))' "$T/doctor.json" "$@"
}
tells() { # CHECK ABOUT REGEX: the sentence of that check
  python3 -c '
import json, re, sys
found = [c["text"] for c in json.load(open(sys.argv[1])) if (c["check"], c["about"]) == tuple(sys.argv[2:4])]
sys.exit(not found or not re.search(sys.argv[4], found[0]))' "$T/doctor.json" "$@"
}
state() { # CHECK ABOUT STATE
  python3 -c '
import json, sys
found = [c["state"] for c in json.load(open(sys.argv[1])) if (c["check"], c["about"]) == tuple(sys.argv[2:4])]
sys.exit(found != sys.argv[4:])' "$T/doctor.json" "$@"
}
logins() { python3 -c '
import json, sys
print(sum(json.loads(line).get("event") == "auth" for line in open(sys.argv[1])))' "$T/$1.json"; } # of a simulator
gw() { on gw "$@"; }
