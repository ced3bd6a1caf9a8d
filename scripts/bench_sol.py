"""The part `sol` of scripts/bench: a serial console through the gateway, straight to the machine, and through socat and
haproxy as plain TCP relays beside it.

The machine is amtgate-sim, whose console sends every byte back; tests/bench/serial.cc is the client: one byte in each
message, many on the way for the rate, one at a time for the delay. amtgated has the session with the machine itself, as
it does with reconnect = yes: it parses every message, and a client outlives the machine's restarts; the relays do
neither."""
import json
import os
import statistics
import subprocess

from bench_lab import AMT, BUILD, LISTEN, PORT, Amtgated, Contender, interleaved, progress, run, start, table, write
import bench_screen

SERIAL = os.path.join(BUILD, "bench", "serial")


class Measured(Contender):
    machine = False

    def launch(self):
        self.lab.spawn("amt", os.path.join(BUILD, "amtgate-sim"), "--listen", AMT, "--profile", "12", "--sessions", "0", "--gap", "0", "--quiet")
        self.lab.wait_listen("amt", PORT)

    def ask(self, *words):
        before = self.cpu()
        got = subprocess.run(self.lab.words("client", SERIAL, words[0], AMT, str(PORT), *words[1:]), capture_output=True, text=True, timeout=120)
        if got.returncode != 0:
            raise RuntimeError("%s: %s%s" % (self.name, got.stdout, got.stderr))
        out = json.loads(got.stdout)
        out["cpu_us_each"] = 1e6 * (self.cpu() - before) / out["echoes"]
        return out


class Direct(Measured):
    name = "direct"


class Socat(Measured):
    name = "socat"
    programs = ("socat",)

    def launch(self):
        super().launch()
        self.root = self.lab.spawn("gw", "socat", "TCP-LISTEN:%d,fork,reuseaddr,nodelay" % LISTEN, "TCP:%s:%d,nodelay" % (AMT, PORT))
        self.lab.wait_listen("gw", LISTEN)
        self.redirect()


class Haproxy(Measured):
    name = "haproxy"
    programs = ("haproxy",)

    def launch(self):
        super().launch()
        write(self.lab.dir + "/haproxy.cfg", """
global
  nbthread %d
defaults
  mode tcp
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  option splice-auto
listen amt
  bind :%d
  server m %s:%d
""" % (os.cpu_count(), LISTEN, AMT, PORT))
        self.root = self.lab.spawn("gw", "haproxy", "-f", self.lab.dir + "/haproxy.cfg", "-db")
        self.lab.wait_listen("gw", LISTEN)
        self.redirect()


class Gateway(Amtgated, Measured):
    machine = False

    def launch(self):
        Measured.launch(self)
        Amtgated.launch(self)


def sol(args, only, scratch):
    run("make", "-s", "--no-print-directory", "BUILD=" + os.path.relpath(BUILD), os.path.relpath(SERIAL))
    kinds = [k(False) for k in (Direct, Socat, Haproxy, Gateway)]
    contenders = start([c for c in kinds if (not only or c.name in only) and c.available()], scratch)
    out = {"wanted": []}
    many = int(100000 * args.seconds)
    try:
        rate = interleaved("serial: echoes of one byte, pipelined", contenders, args.rounds, lambda c: c.ask("pipelined", str(many), "4000"))
        delay = interleaved("serial: one echo at a time", contenders, args.rounds, lambda c: c.ask("pingpong", "5000"))
        data = {}
        for name in rate:
            data[name] = {"per_s": statistics.median(r["per_s"] for r in rate[name]),
                          "cpu_us_each": statistics.median(r["cpu_us_each"] for r in rate[name]),
                          "p50_us": statistics.median(r["p50_us"] for r in delay[name]),
                          "p99_us": statistics.median(r["p99_us"] for r in delay[name]), "rate": rate[name], "delay": delay[name]}
        # What a router in between costs, without a program on it, is in `direct`.
        base = data.get("direct")
        for d in data.values():
            d["added_us"] = d["p50_us"] - base["p50_us"] if base else None
        peer = data.get("haproxy") or data.get("socat")
        for d in data.values():
            d["ratio"] = d["per_s"] / peer["per_s"] if peer else None
            d["delay_ratio"] = d["p50_us"] / peer["p50_us"] if peer else None
        shown = lambda v, f: "-" if v is None else f % v
        table("serial console: echoes of one byte (ratios: to haproxy)",
              ["", "a second", "ratio", "CPU us each", "p50 us", "ratio", "added us", "p99 us"],
              [[n, "%.0f" % d["per_s"], shown(d["ratio"], "%.2f"), "%.2f" % d["cpu_us_each"], "%.1f" % d["p50_us"],
                shown(d["delay_ratio"], "%.2f"), shown(d["added_us"], "%.1f"), "%.1f" % d["p99_us"]]
               for n, d in sorted(data.items(), key=lambda kv: -kv[1]["per_s"])])
        out["contenders"] = data
        if "amtgated" in data:
            d = data["amtgated"]
            figure = bench_screen.figure
            out["wanted"].append(figure("echoes of one byte a second", "at least 100000", d["per_s"], d["per_s"] >= 100000, "%.0f"))
            if base:
                out["wanted"].append(figure("added to one echo, us, p50", "below 50", d["added_us"], d["added_us"] < 50, "%.1f"))
        bench_screen.print_wanted("serial: what is wanted", out["wanted"])
    finally:
        for c in contenders:
            c.lab.down()
        progress("")
    return out
