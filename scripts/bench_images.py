"""The part `images` of scripts/bench: a machine reads an image that the gateway's daemon serves by itself (IDE-R): a file, and
one on a web server that is near, and 20 ms away (each way: 40 until an answer begins), fetched anew in each round; beside
`amtgate ider` with the file, on the same host in the same run.

The machine is amtgate-sim: its exercise reads the whole image in pieces of 64 KiB, one command at a time, or 2 KiB at random
(of an image that is here by then: what a far one costs at random is its distance). Unpaced, the web server and the line to it
have a part of the CPUs that the file does not need, and what was fetched is written to the cache; at the pace of a gigabit
line, which AMT's is at best, only waiting for the image shows. The web server is nginx, which sends files from memory without
touching them; the line is tests/bench/delay.cc.
"""
import json
import os
import shutil
import statistics
import subprocess
import time

from bench_lab import AMT, BUILD, Amtgated, interleaved, nginx, progress, run, table, write
from bench_screen import figure, print_wanted

WEB, DELAY_MS = "10.71.2.50", 20
DELAY = os.path.join(BUILD, "bench", "delay")
PASSWORD = "P@ssw0rd1!"
LARGE, SMALL = 512 << 20, 2 << 20
RANDOM = 5000
PACED = 118_000_000  # bytes a second: what a gigabit line carries, and no AMT has a faster one


class Images(Amtgated):
    """A lab with the daemon in it, its machine, the web server and the line."""
    name = "images"
    machine = False

    def __init__(self):
        super().__init__(False)

    def launch(self):
        super().launch()
        d = self.lab.dir
        # Neither way is a client's: the rules would catch the one that is no daemon.
        self.lab.on("gw", BUILD + "/amtgate-rules", "down", "-c", d + "/amtgate.conf")
        os.mkdir(d + "/www")
        for name, size in (("large", LARGE), ("small", SMALL)):
            with open(d + "/www/" + name, "wb") as f:
                for _ in range(size >> 20):
                    f.write(os.urandom(1 << 20))
        write(d + "/password", PASSWORD + "\n", 0o600)
        nginx(self.lab, "other", """
  sendfile on;
  tcp_nopush on;
  server { listen %s:8000; root %s/www; }
""" % (WEB, d))
        self.lab.wait_listen("other", 8000)
        self.lab.spawn("other", DELAY, WEB, "8020", WEB, "8000", str(DELAY_MS))
        self.lab.wait_listen("other", 8020)

    def amtgate(self, *words):
        run(*self.lab.words("gw", BUILD + "/amtgate", "-c", self.lab.dir + "/amtgate.conf", *words))

    def read(self, image, random, pace, serve):
        """What the machine says of one reading of the image; `serve` attaches it and gives how it is taken away again."""
        log = self.lab.dir + "/machine.json"
        open(log, "w").close()
        machine = self.lab.spawn("amt", BUILD + "/amtgate-sim", "--listen", AMT, "--ider", "read", "--ider-drives", "cd", "--ider-random",
                                 str(random), "--log", log, "--tls", "no", "--quiet", *pace)
        self.lab.wait_listen("amt", 16994)
        end = serve(image)
        try:
            until = time.monotonic() + 120
            while time.monotonic() < until:
                for line in open(log):
                    if '"event":"ider.result"' in line and line.endswith("\n"):
                        result = json.loads(line)
                        if result["errors"] or result["random_wrong"]:
                            raise RuntimeError("wrong: " + line)
                        return result
                time.sleep(0.05)
            raise RuntimeError("the machine did not read it: " + open(self.lab.dir + "/log").read()[-2000:])
        finally:
            end()
            self.lab.end(machine)

    def daemon(self, address):
        def serve(image):
            cache = self.lab.dir + "/state/images"
            for name in os.listdir(cache) if os.path.isdir(cache) else []:
                os.unlink(cache + "/" + name)
            self.amtgate("images", "attach", "pc", "--cd", address(image), "--no-wait")
            return self.detach
        return serve

    def detach(self):
        self.amtgate("images", "detach", "pc")
        while subprocess.run(self.lab.words("gw", BUILD + "/amtgate", "-c", self.lab.dir + "/amtgate.conf", "--json", "images"),
                             capture_output=True, text=True).stdout.strip() != "[]":
            time.sleep(0.02)

    def command(self, image):
        child = self.lab.spawn("gw", BUILD + "/amtgate", "ider", "--plain", "--password-file", self.lab.dir + "/password", "--cd",
                               self.lab.dir + "/www/" + image, AMT)
        return lambda: self.lab.end(child)


class Way:
    def __init__(self, name, lab, serve):
        self.name, self.lab, self.serve = name, lab, serve


def images(args, scratch):
    lab = Images()
    if not lab.available() or not shutil.which("nginx"):
        progress("nginx is not here: no web server, the part images is left out")
        return {}
    run("make", "-s", "--no-print-directory", "BUILD=" + os.path.relpath(BUILD), *(os.path.relpath(BUILD + "/" + p) for p in ("amtgate-sim", "amtgate", "bench/delay")))
    lab.start(scratch)
    out = {"wanted": []}
    try:
        ways = [Way("amtgate ider, file", lab, lab.command),
                Way("daemon, file", lab, lab.daemon(lambda i: lab.lab.dir + "/www/" + i)),
                Way("daemon, web", lab, lab.daemon(lambda i: "http://%s:8000/%s" % (WEB, i))),
                Way("daemon, web, %d ms" % DELAY_MS, lab, lab.daemon(lambda i: "http://%s:8020/%s" % (WEB, i)))]
        for what, image, random, pace in (("sequential", "large", 0, ()), ("paced", "large", 0, ("--slow-reader", str(PACED))),
                                          ("random", "small", RANDOM, ())):
            title = {"sequential": "images: %d MB in pieces of 64 KiB" % (LARGE >> 20), "random": "images: 2 KiB at random",
                     "paced": "images: the same, no faster than a gigabit line (%d MB/s)" % (PACED // 1_000_000)}[what]
            got = interleaved(title, ways, args.rounds, lambda w: lab.read(image, random, pace, w.serve))
            data = {}
            for name, runs in got.items():
                us = statistics.median(r["p50_us"] for r in runs)
                size = 2048 if what == "random" else 65536
                mb = statistics.median(r["mb_per_s"] for r in runs) if what != "random" else size / us
                data[name] = {"mb_per_s": mb, "per_s": mb * 1e6 / size, "p50_us": us,
                              "p99_us": statistics.median(r["p99_us"] for r in runs), "runs": runs}
            file = data["daemon, file"]["mb_per_s"]
            for d in data.values():
                d["ratio_to_file"] = d["mb_per_s"] / file
            table(title + " (ratio: to the daemon's file)", ["", "MB/s", "reads/s", "ratio", "p50 us", "p99 us"],
                  [[n, "%.1f" % d["mb_per_s"], "%.0f" % d["per_s"], "%.2f" % d["ratio_to_file"], "%.0f" % d["p50_us"], "%.0f" % d["p99_us"]]
                   for n, d in data.items()])
            out[what] = data
            if what != "paced":
                command = 1 / data["amtgate ider, file"]["ratio_to_file"]
                out["wanted"].append(figure("%s: the daemon's file, to `amtgate ider`" % what, "at least 0.9", command, command >= 0.9, "%.2f"))
        for what, title in (("sequential", "unpaced"), ("paced", "a gigabit line")):
            far = out[what]["daemon, web, %d ms" % DELAY_MS]["ratio_to_file"]
            out["wanted"].append(figure("%s: %d ms to the image, to the file" % (title, DELAY_MS), "at least 0.8", far, far >= 0.8, "%.2f"))
        print_wanted("images: what is wanted", out["wanted"])
    finally:
        lab.lab.down()
        progress("")
    return out
