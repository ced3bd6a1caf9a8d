"""The part `web` of scripts/bench: WS-Management through the gateway's 16992, nginx as an HTTP proxy beside it.

tests/bench/web.cc plays the machine and the client: envelopes of 1 KiB, answers of 3 KiB in chunks, kept connections.
nginx passes requests on to a machine that wants no login. amtgated's machine challenges as AMT does, so that every
request of its figure holds a digest too, and an envelope that is judged."""
import json
import os
import statistics
import subprocess

from bench_lab import AMT, BUILD, LISTEN, Amtgated, Contender, interleaved, nginx, progress, run, start, table
import bench_screen

WEB = os.path.join(BUILD, "bench", "web")
PORT = 16992


class Measured(Contender):
    machine = False
    digest = ()

    def launch(self):
        self.lab.spawn("amt", WEB, "serve", str(PORT), *self.digest)
        self.lab.wait_listen("amt", PORT)

    def requests(self, connections, seconds):
        before = self.cpu()
        got = subprocess.run(self.lab.words("client", WEB, "load", AMT, str(PORT), str(connections), str(seconds)),
                             capture_output=True, text=True)
        if got.returncode != 0:
            raise RuntimeError("%s: %s%s" % (self.name, got.stdout, got.stderr))
        out = json.loads(got.stdout)
        out["cpu_s"] = self.cpu() - before
        return out


class Direct(Measured):
    name = "direct"


class Nginx(Measured):
    name = "nginx"
    programs = ("nginx",)

    def launch(self):
        super().launch()
        self.root = nginx(self.lab, "gw", """
  upstream amt { server %s:%d; keepalive 64; keepalive_requests 10000000; }
  server {
    listen %d backlog=4096 reuseport;
    location / { proxy_pass http://amt; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
""" % (AMT, PORT, LISTEN), os.cpu_count(), 8000)
        self.lab.wait_listen("gw", LISTEN)
        self.lab.on("gw", "iptables", "-t", "nat", "-A", "PREROUTING", "-i", "lan0", "-p", "tcp", "--dport", str(PORT),
                    "-j", "REDIRECT", "--to-ports", str(LISTEN))


class Gateway(Amtgated, Measured):
    machine = False
    digest = ("digest",)

    def launch(self):
        Measured.launch(self)
        Amtgated.launch(self)


def web(args, only, scratch):
    run("make", "-s", "--no-print-directory", "BUILD=" + os.path.relpath(BUILD), os.path.relpath(WEB))
    kinds = [k(False) for k in (Direct, Nginx, Gateway)]
    contenders = start([c for c in kinds if (not only or c.name in only) and c.available()], scratch)
    out = {"wanted": []}
    try:
        for connections in (1, 16):
            title = "requests of WS-Management a second, %d connection%s" % (connections, "" if connections == 1 else "s")
            got = interleaved(title, contenders, args.rounds, lambda c: c.requests(connections, args.seconds))
            data = {}
            for name, runs in got.items():
                data[name] = {"per_s": statistics.median(r["requests"] / r["seconds"] for r in runs),
                              "p50_ms": statistics.median(r["p50_ms"] for r in runs),
                              "p99_ms": statistics.median(r["p99_ms"] for r in runs),
                              "cpu_us_each": statistics.median(1e6 * r["cpu_s"] / max(1, r["requests"]) for r in runs), "runs": runs}
            base = data.get("nginx")
            for d in data.values():
                d["ratio_to_nginx"] = d["per_s"] / base["per_s"] if base else None
            table(title + " (ratio: to nginx)", ["", "a second", "ratio", "p50 ms", "p99 ms", "CPU us each"],
                  [[n, "%.0f" % d["per_s"], "-" if d["ratio_to_nginx"] is None else "%.2f" % d["ratio_to_nginx"], "%.3f" % d["p50_ms"],
                    "%.3f" % d["p99_ms"], "%.1f" % d["cpu_us_each"]] for n, d in sorted(data.items(), key=lambda kv: -kv[1]["per_s"])])
            out["connections_%d" % connections] = data
            if base and "amtgated" in data:
                ratio = data["amtgated"]["ratio_to_nginx"]
                out["wanted"].append(bench_screen.figure("requests a second, %d, to nginx" % connections, "at least 0.9", ratio, ratio >= 0.9, "%.2f"))
        bench_screen.print_wanted("web: what is wanted", out["wanted"])
    finally:
        for c in contenders:
            c.lab.down()
        progress("")
    return out
