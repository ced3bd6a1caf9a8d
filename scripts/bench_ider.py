"""The part `ider` of scripts/bench: serving an image to a machine, straight and through the gateway.

tests/bench/ider.cc plays the machine: one command at a time, as AMT sends them, each as soon as the one before it is
answered. Beside `amtgate ider`, and the daemon that serves the same file by itself, stand amtider 1.8 (AMTIDER=path, or in
PATH; it speaks TLS only, and only straight) and the least that can answer: a program that sends the same bytes from memory to
every READ. CPU is that of the image server's process, per GB that it has served. (At 2 KiB a GB is half a million wake-ups, which
cost the null device some 0.6 of what they cost amtider.)"""
import json
import os
import select
import shutil
import statistics
import subprocess
import time

from bench_lab import AMT, BUILD, PORT, TLS_PORT, Amtgated, Contender, interleaved, progress, run, start, table, write
import bench_screen

IDER = os.path.join(BUILD, "bench", "ider")
PASSWORD = "P@ssw0rd1!"
MODES = (("seq", "64 KiB in sequence"), ("random", "2 KiB at random"))


class Server(Contender):
    machine = False

    def launch(self):
        self.image = self.lab.dir + "/image.iso"
        with open(self.image, "wb") as f:
            f.write(os.urandom(1 << 20) * 64)

    def port(self):
        return TLS_PORT if self.tls else PORT

    def command(self):
        raise NotImplementedError

    def attach(self):
        """The process whose CPU counts, and how it is ended."""
        client = self.lab.spawn("client", *self.command())
        return client, lambda: self.lab.end(client)

    @staticmethod
    def said(machine, server, patience):
        """The machine's lines; it would wait for ever for a client that is not there any more."""
        until = time.monotonic() + patience
        while True:
            ready = select.select([machine.stdout], [], [], 0.5)[0]
            if ready:
                line = machine.stdout.readline()
                if not line:
                    return
                yield line.strip()
            elif time.monotonic() > until or server.poll() is not None:
                machine.kill()
                return

    def measure(self, mode, seconds):
        cert = [self.lab.dir + "/../../cert.pem", self.lab.dir + "/../../key.pem"] if self.tls else []
        machine = subprocess.Popen(self.lab.words("amt", IDER, "serve", str(self.port()), mode, str(seconds), *cert),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = None
        try:
            self.lab.wait_listen("amt", self.port())
            server, end = self.attach()
            gateway, self.root = self.root, server
            at, lines = {}, []
            for line in self.said(machine, server, seconds + 60):
                if line in ("begin", "end"):
                    at[line] = self.cpu_ns()
                else:
                    lines.append(line)
            self.root = gateway
            if machine.wait() != 0 or not lines:
                raise RuntimeError("%s: %s%s" % (self.name, machine.stderr.read().strip(), open(self.lab.dir + "/log").read()[-300:]))
            out = json.loads(lines[-1])
            out["cpu_s"] = (at["end"] - at["begin"]) / 1e9
            return out
        finally:
            if machine.poll() is None:
                machine.kill()
            machine.wait()
            if end:
                end()


class Null(Server):
    name = "null device"
    note = "answers from memory, looks at nothing"

    def command(self):
        return [IDER, "null", AMT, str(self.port())] + (["tls"] if self.tls else [])


class Amtgate(Server):
    name = "amtgate ider"

    def command(self):
        write(self.lab.dir + "/password", PASSWORD + "\n", 0o600)
        return [BUILD + "/amtgate", "ider", "-h", AMT, "--once", "--password-file", self.lab.dir + "/password", "--state",
                self.lab.dir + "/seen", "--tls" if self.tls else "--plain", "--cd", self.image]


class Daemon(Amtgated, Server):
    name = "amtgated image"
    machine = False

    def launch(self):
        Server.launch(self)
        Amtgated.launch(self)

    def attach(self):
        def images(*words):
            run(*self.lab.words("gw", BUILD + "/amtgate", "-c", self.lab.dir + "/amtgate.conf", "images", *words))
        images("attach", "pc", "--cd", self.image, "--no-wait")
        return self.root, lambda: images("detach", "pc")

    port = Server.port
    measure = Server.measure


class Amtider(Server):
    name = "amtider"
    program = os.environ.get("AMTIDER") or shutil.which("amtider") or ""

    def available(self):
        return self.tls and os.access(self.program, os.X_OK)

    def command(self):
        return [self.program, "-u", "admin", "-p", PASSWORD, AMT, self.image]


def through_gateway(kind, title):
    class Relayed(Amtgated, kind):
        name = title
        machine = False

        def launch(self):
            kind.launch(self)
            Amtgated.launch(self)

        def measure(self, mode, seconds):
            before = self.cpu()
            out = kind.measure(self, mode, seconds)
            out["gateway_cpu_s"] = self.cpu() - before
            return out

        def port(self):  # the machine's; the client aims at the plain one
            return TLS_PORT if self.tls else PORT

        def command(self):
            words = kind.command(self)
            if not self.tls:
                return words
            return [{"tls": None, "--tls": "--plain", str(TLS_PORT): str(PORT)}.get(w, w) for w in words if w != "tls"]

    return Relayed


RelayedNull = through_gateway(Null, "null device, relayed")
RelayedAmtgate = through_gateway(Amtgate, "amtgate ider, relayed")


def figures(title, got):
    data = {}
    for name, runs in got.items():
        data[name] = {"per_s": statistics.median(r["requests"] / r["seconds"] for r in runs),
                      "mb_per_s": statistics.median(r["bytes"] / r["seconds"] for r in runs) / 1e6,
                      "cpu_s_per_gb": statistics.median(1e9 * r["cpu_s"] / r["bytes"] for r in runs), "runs": runs}
    for name, d in data.items():
        null = data.get("null device, relayed" if name.endswith("relayed") else "null device")
        other = data.get("amtider")
        d["ratio_to_null"] = d["per_s"] / null["per_s"] if null else None
        d["ratio_to_amtider"] = d["per_s"] / other["per_s"] if other else None
        d["cpu_ratio_to_amtider"] = d["cpu_s_per_gb"] / other["cpu_s_per_gb"] if other else None
    ratio = lambda v: "-" if v is None else "%.2f" % v
    table(title, ["", "requests/s", "MB/s", "to null", "to amtider", "CPU s per GB", "to amtider"],
          [[n, "%.0f" % d["per_s"], "%.0f" % d["mb_per_s"], ratio(d["ratio_to_null"]), ratio(d["ratio_to_amtider"]),
            "%.2f" % d["cpu_s_per_gb"], ratio(d["cpu_ratio_to_amtider"])] for n, d in sorted(data.items(), key=lambda kv: -kv[1]["per_s"])])
    return data


def ider(args, only, scratch):
    run("make", "-s", "--no-print-directory", "BUILD=" + os.path.relpath(BUILD), os.path.relpath(IDER))
    out = {"wanted": []}
    for tls in (False, True):
        kinds = [k(tls) for k in (Null, Amtgate, Daemon, Amtider, RelayedNull, RelayedAmtgate)]
        contenders = start([c for c in kinds if (not only or c.name in only) and c.available()], scratch)
        word = "TLS" if tls else "plain"
        try:
            for mode, what in MODES:
                title = "IDE-R, %s, %s" % (what, word)
                data = figures(title + " (ratios of requests a second)", interleaved(title, contenders, args.rounds,
                               lambda c: c.measure(mode, args.seconds)))
                out["%s_%s" % (mode, word.lower())] = data
                for name in ("amtgate ider", "amtgated image", "amtgate ider, relayed"):
                    d = data.get(name)
                    if d and d["ratio_to_null"] is not None:
                        out["wanted"].append(bench_screen.figure("%s: %s, to the null device" % (title, name), "at least 0.9",
                                                                 d["ratio_to_null"], d["ratio_to_null"] >= 0.9, "%.2f"))
                d = data.get("amtgate ider")
                if d and d["ratio_to_amtider"] is not None:
                    out["wanted"].append(bench_screen.figure(title + ": requests, to amtider", "at least 1.5", d["ratio_to_amtider"],
                                                             d["ratio_to_amtider"] >= 1.5, "%.2f"))
                    out["wanted"].append(bench_screen.figure(title + ": CPU per GB, to amtider", "at most 0.5", d["cpu_ratio_to_amtider"],
                                                             d["cpu_ratio_to_amtider"] <= 0.5, "%.2f"))
        finally:
            for c in contenders:
                c.lab.down()
            progress("")
    bench_screen.print_wanted("ider: what is wanted", out["wanted"])
    return out
