"""The part `screen` of scripts/bench: a recorded session of a 1080p screen through the gateway, to viewers.

tests/bench/screen.cc is AMT's side and the viewer (libvncclient). The next frame is drawn when the viewer has the one
before, pixel by pixel, so that everyone gets the same frames whatever its speed; bytes, CPU and time are those of a
frame. Beside amtgated that translates: the path without a gateway, amtgated that relays (vnc_mode = splice) to a viewer
that takes AMT's own format, and tests/bench/reserver.cc: libvncclient and libvncserver in one program, fed with plain
RFB. Times go from before AMT's first byte of a frame to behind the viewer's last.
"""
import json
import os
import statistics
import subprocess

from bench_lab import AMT, BUILD, LISTEN, PORT, Amtgated, Contender, Direct, host_cpu, interleaved, progress, run, start, table

SCREEN = os.path.join(BUILD, "bench", "screen")
RESERVER = os.path.join(BUILD, "bench", "reserver")
RFB = 5900
# What the viewer asks for, and what that is called. `level` and `quality` are what compress level and JPEG quality are
# on the wire; TigerVNC asks for tight, 2 and 8.
AMTS = {"16,raw": "Raw, RGB565", "16,zrle": "ZRLE, RGB565"}
STOCK = {"32,raw": "Raw", "32,zrle,level2": "ZRLE 2", "32,zrle,level6": "ZRLE 6", "32,tight,level2": "Tight 2", "32,tight,level6": "Tight 6",
         "32,tight,level2,quality8": "Tight 2, JPEG 8"}
CROWD, FPS = 50, 10
TILE_US, CROWD_FPS = 100, 9.9


class Screen:
    """A contender without load.cc's machine: that is started for each run, with what it has to play."""
    machine = False
    settings = STOCK

    def begin(self):
        """What has to run beside the machine for this run only."""
        return []

    def serve(self, recording, pace):
        stamps = os.path.join(self.lab.dir, "stamps")
        server = self.lab.spawn("amt", SCREEN, "serve", recording, str(PORT), str(RFB), pace, stamps)
        self.lab.wait_listen("amt", RFB)
        self.lab.wait_listen("amt", PORT)
        return server, stamps

    def follow(self, recording, setting):
        """One viewer through the whole recording: for each part frames, bytes, latencies_us, cpu_ns."""
        pace = os.path.join(self.lab.dir, "pace")
        os.mkfifo(pace)
        server, stamps = self.serve(recording, pace)
        beside = self.begin()
        try:
            child = subprocess.Popen(self.lab.words("client", SCREEN, "follow", recording, AMT, str(RFB), setting, pace, stamps),
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            marks, out = [], None
            for line in child.stdout:
                if line.startswith("mark "):
                    marks.append((line[5:].strip(), self.cpu_ns(), host_cpu()))
                    child.stdin.write("\n")
                    child.stdin.flush()
                else:
                    out = json.loads(line)
            errors = child.stderr.read()
            if child.wait() != 0 or out is None:
                raise RuntimeError("%s: %s" % (setting, errors.strip()))
        finally:
            for process in beside + [server]:
                self.lab.end(process)
            os.unlink(pace)
        for (name, cpu, host), (_, cpu_after, host_after) in zip(marks, marks[1:]):
            out["parts"][name]["cpu_ns"] = cpu_after - cpu
            out["parts"][name]["host_cpu_s"] = host_after - host
        return out["parts"]


class DirectScreen(Screen, Direct):
    settings = AMTS


class Relay(Screen, Amtgated):
    name, note = "relay", "amtgated, vnc_mode = splice"
    settings = AMTS
    more = "vnc_mode = splice"


class Translating(Screen, Amtgated):
    name, note = "amtgated", "amtgated, vnc_mode = translate"


class Library(Screen, Contender):
    name, note = "libvncserver", "libvncclient and libvncserver, REDIRECT, AMT's side without redirection session"

    def available(self):
        return os.access(RESERVER, os.X_OK)

    def launch(self):
        self.lab.on("gw", "iptables", "-t", "nat", "-A", "PREROUTING", "-i", "lan0", "-p", "tcp", "--dport", str(RFB),
                    "-j", "REDIRECT", "--to-ports", str(LISTEN))

    def begin(self):
        self.root = self.lab.spawn("gw", RESERVER, AMT, str(RFB), str(LISTEN))
        self.lab.wait_listen("gw", LISTEN)
        return [self.root]


class Crowded(Screen, Amtgated):
    """As many machines as sessions, on two CPUs."""
    name = "amtgated"
    addresses = "10.71.2.64/26"
    first = "10.71.2.64"
    workers = 2

    def launch(self):
        for i in range(CROWD):
            self.lab.on("amt", "ip", "addr", "add", "10.71.2.%d/24" % (64 + i), "dev", "eth0")
        super().launch()
        if os.cpu_count() > 2:
            run("taskset", "-a", "-c", "-p", "0,1", str(self.root.pid), stdout=subprocess.DEVNULL)

    def crowd(self, recording, setting, seconds):
        server, _ = self.serve(recording, str(FPS))
        try:
            child = subprocess.Popen(self.lab.words("client", SCREEN, "crowd", recording, self.first, str(RFB), setting, str(CROWD), str(seconds)),
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            at, out = {}, None
            for line in child.stdout:
                if line.strip() in ("begin", "end"):
                    at[line.strip()] = (self.cpu_ns(), host_cpu())
                else:
                    out = json.loads(line)
            errors = child.stderr.read()
            if child.wait() != 0 or out is None:
                raise RuntimeError("%s: %s" % (setting, errors.strip()))
        finally:
            self.lab.end(server)
        out["cpu_s"] = 1e-9 * (at["end"][0] - at["begin"][0])
        out["host_cpu_s"] = at["end"][1] - at["begin"][1]
        return out


def record(scratch, scenario, width, height, frames):
    path = os.path.join(scratch, scenario + ".recording")
    progress("recording: %s" % scenario)
    run(SCREEN, "record", path, scenario, str(width), str(height), str(frames))
    return path


def both(contenders, title, rounds, recording, settings=None):
    """{setting: {contender: [parts of each run]}}, rounds of everything interleaved."""
    out = {}
    jobs = [(c, s) for c in contenders for s in c.settings if settings is None or s in settings]
    for n in range(rounds):
        for c, setting in jobs:
            where = out.setdefault(setting, {})
            if where.get(c.name) is None and n > 0:
                continue
            progress("%s: round %d of %d, %s, %s" % (title, n + 1, rounds, c.name, setting))
            try:
                where.setdefault(c.name, []).append(c.follow(recording, setting))
            except (RuntimeError, ValueError) as e:
                print("  %s failed: %s" % (c.name, e))
                where[c.name] = None
    return {s: {n: runs for n, runs in by.items() if runs} for s, by in out.items()}


def middle(runs, part, of):
    return statistics.median(of(r[part]) for r in runs)


def summary(runs):
    """Of each part: bytes, CPU ms and median latency of a frame, the median of the runs."""
    return {part: {"bytes_per_frame": middle(runs, part, lambda p: p["bytes"] / p["frames"]),
                   "updates_per_frame": middle(runs, part, lambda p: p["updates"] / p["frames"]),
                   "cpu_ms_per_frame": middle(runs, part, lambda p: 1e-6 * p["cpu_ns"] / p["frames"]),
                   "latency_us": middle(runs, part, lambda p: statistics.median(p["latencies_us"]))} for part in runs[0]}


def session(contenders, rounds, recording):
    runs = both(contenders, "recorded session", rounds, recording)
    out = {"runs": runs, "frames": {s: {n: summary(r) for n, r in by.items()} for s, by in runs.items()}}
    frames = out["frames"]
    parts = list(next(iter(next(b for b in frames.values() if b).values())))
    relay = frames.get("16,zrle", {}).get("relay")
    out["ratios"], out["added_latency_us"] = {}, {}
    for setting, by in frames.items():
        ours, theirs = by.get("amtgated"), by.get("libvncserver")
        if ours and theirs:
            out["ratios"][setting] = {p: {k: ours[p][k + "_per_frame"] / theirs[p][k + "_per_frame"] for k in ("bytes", "cpu_ms")} for p in parts}
            sums = {k: sum(ours[p][k + "_per_frame"] for p in parts) / sum(theirs[p][k + "_per_frame"] for p in parts) for k in ("bytes", "cpu_ms")}
            out["ratios"][setting]["session"] = sums
        if relay:
            out["added_latency_us"][setting] = {n: {p: by[n][p]["latency_us"] - relay[p]["latency_us"] for p in parts} for n in by if n in ("amtgated", "libvncserver")}
    rows = []
    for setting, by in frames.items():
        for name in by:
            ratio = out["ratios"].get(setting) if name == "amtgated" else None
            added = out["added_latency_us"].get(setting, {}).get(name)
            for p in parts:
                f = by[name][p]
                rows.append([{**AMTS, **STOCK}[setting], name, p, "%.0f" % f["bytes_per_frame"], "%.3f" % ratio[p]["bytes"] if ratio else "",
                             "%.2f" % f["cpu_ms_per_frame"], "%.2f" % ratio[p]["cpu_ms"] if ratio else "", "%.2f" % (f["latency_us"] / 1000),
                             "%+.2f" % (added[p] / 1000) if added else ""])
    table("a recorded session of 1920x1080, a frame after the other (ratios: to libvncserver; +: to the relay with AMT's ZRLE)",
          ["", "", "", "bytes a frame", "ratio", "CPU ms a frame", "ratio", "latency ms", "+"], rows)
    return out


def tiles(contenders, rounds, recording):
    lossless = [s for s in {**AMTS, **STOCK} if "quality" not in s]
    runs = both(contenders, "one tile", rounds, recording, lossless)

    def medians(of):
        out = {p: middle(of, p, lambda x: statistics.median(x["latencies_us"])) for p in of[0]}
        out["all"] = statistics.median(statistics.median([us for p in r.values() for us in p["latencies_us"]]) for r in of)
        return out
    seen = {s: {n: medians(r) for n, r in by.items()} for s, by in runs.items()}
    relay = seen.get("16,zrle", {}).get("relay")
    added = {s: {n: {p: m[p] - relay[p] for p in m} for n, m in by.items() if relay and n in ("amtgated", "libvncserver")} for s, by in seen.items()}
    kinds = list(next(iter(next(b for b in seen.values() if b).values())))
    rows = []
    for s, by in seen.items():
        for n, m in by.items():
            plus = added[s].get(n)
            rows.append([{**AMTS, **STOCK}[s], n] + [x for k in kinds for x in ("%.0f" % m[k], "%+.0f" % plus[k] if plus else "")])
    table("one changed tile of 64x64, from AMT's first byte to the viewer's last, microseconds (+: to the relay with AMT's ZRLE)",
          ["", ""] + [x for k in kinds for x in (k, "+")], rows)
    return {"runs": runs, "latency_us": seen, "added_latency_us": added}


def crowded(rounds, seconds, recording, scratch):
    contenders = start([Crowded(False)], scratch)
    setting = "32,zrle,level2"
    out = {}
    try:
        title = "%d machines that draw %d frames a second of 720x400 text, a ZRLE viewer at each" % (CROWD, FPS)
        for name, runs in interleaved(title, contenders, rounds, lambda c: c.crowd(recording, setting, seconds)).items():
            each = [[s["frames"] / s["seconds"] if s["frames"] else 0 for s in r["sessions"]] for r in runs]
            d = {"min_fps": statistics.median(min(e) for e in each), "median_fps": statistics.median(statistics.median(e) for e in each),
                 "cpus": statistics.median(r["cpu_s"] / r["seconds"] for r in runs),
                 "host_cpus": statistics.median(r["host_cpu_s"] / r["seconds"] for r in runs),
                 "cpu_ms_per_frame": statistics.median(1000 * r["cpu_s"] / max(1, sum(s["frames"] for s in r["sessions"])) for r in runs), "runs": runs}
            out[name] = d
            table(title + " (load programs share the CPUs)", ["", "fps, slowest", "fps, median", "CPUs", "CPU ms a frame", "host CPUs"],
                  [[name, "%.2f" % d["min_fps"], "%.2f" % d["median_fps"], "%.2f" % d["cpus"], "%.2f" % d["cpu_ms_per_frame"], "%.2f" % d["host_cpus"]]])
    finally:
        for c in contenders:
            c.lab.down()
    return out


def figure(what, wanted_is, seen, met, form):
    return {"what": what, "wanted": wanted_is, "seen": form % seen, "value": seen, "met": bool(met)}


def wanted(out):
    """What is asked of it, and what was seen."""
    rows = []

    def row(*of):
        rows.append(figure(*of))
    for s, by in out["tiles"]["added_latency_us"].items():
        if "amtgated" in by:
            row("added latency of a tile, %s" % STOCK[s], "under %d us" % TILE_US, by["amtgated"]["all"], by["amtgated"]["all"] < TILE_US, "%.0f us")
    for s, r in out["session"]["ratios"].items():
        if "zrle" in s or "tight" in s:
            row("bytes, %s, to libvncserver" % STOCK[s], "at most 1", r["session"]["bytes"], r["session"]["bytes"] <= 1, "%.3f")
            row("CPU, %s, to libvncserver" % STOCK[s], "at most 1", r["session"]["cpu_ms"], r["session"]["cpu_ms"] <= 1, "%.2f")
    for d in out["crowd"].values():
        row("%d sessions at %d frames a second, slowest" % (CROWD, FPS), "at least %.1f" % CROWD_FPS, d["min_fps"], d["min_fps"] >= CROWD_FPS, "%.2f")
    return rows


def print_wanted(title, rows):
    table(title, ["", "wanted", "seen", ""], [[r["what"], r["wanted"], r["seen"], "met" if r["met"] else "MISSED"] for r in rows])


def screen(args, only, scratch):
    for program in (SCREEN, RESERVER):
        run("make", "-s", "--no-print-directory", "BUILD=" + os.path.relpath(BUILD), os.path.relpath(program))
    frames, picks, seconds = (4, 20, 2) if args.quick else (20, 100, 5)
    out = {}
    known = [k(False) for k in (DirectScreen, Relay, Translating, Library)]
    contenders = start([c for c in known if c.available() and (not only or c.name in only)], scratch)
    try:
        out["session"] = session(contenders, args.rounds, record(scratch, "session", 1920, 1080, frames))
        out["tiles"] = tiles(contenders, args.rounds, record(scratch, "tiles", 1920, 1080, picks))
    finally:
        for c in contenders:
            c.lab.down()
    out["crowd"] = crowded(args.rounds, seconds, record(scratch, "console", 720, 400, int((seconds + 8) * FPS)), scratch)
    out["wanted"] = wanted(out)
    print_wanted("screen: what is wanted", out["wanted"])
    return out
