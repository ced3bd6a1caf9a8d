"""The part `fleet` of scripts/bench: `amtgate power state` and `amtgate info` over many simulated machines at once, beside a
loop of curl and beside `xargs -P` of it, which ask each machine for its power once, as `power state` does.

One amtgate-sim holds all machines, on addresses of the loopback interface of a network namespace of its own, and lets each
answer wait. It shares the CPUs with whoever asks; what it costs is in the table too.
"""
import json
import os
import statistics
import subprocess
import threading
import time

from bench_lab import BUILD, TICKS, progress, run, table, write
from bench_screen import figure, print_wanted

PASSWORD = "P@ssw0rd1!"
LATENCY_MS, AT_ONCE, WANTED_S = 5, 64, 3.0
FIRST = "127.10.0.1"
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><E:Envelope xmlns:E="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:A="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:W="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><E:Header>'
    '<A:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</A:Action><A:To>/wsman</A:To><W:ResourceURI>'
    'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_AssociatedPowerManagementService</W:ResourceURI><A:MessageID>1</A:MessageID>'
    '<A:ReplyTo><A:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</A:Address></A:ReplyTo></E:Header><E:Body/></E:Envelope>')


def address(n):
    return "127.10.%d.%d" % ((n + 1) // 256, (n + 1) % 256)


def tree_rss(root):
    """KiB of a process and all below it, now."""
    children, rss = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(pid))
        rss[int(pid)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE") // 1024
    total, todo = 0, [root]
    while todo:
        pid = todo.pop()
        total += rss.get(pid, 0)
        todo += children.get(pid, [])
    return total


def cpu_of(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Fleet:
    def __init__(self, count, scratch, tls):
        self.count, self.dir = count, scratch
        self.space = "amtgate-bench-fleet-%d" % os.getpid()
        self.sim = None
        run("ip", "netns", "add", self.space)
        try:
            self.on("ip", "link", "set", "lo", "up")
            self.on("sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=1024 65535", "net.ipv4.tcp_tw_reuse=1")
            log = open(scratch + "/fleet.log", "ab")
            self.sim = subprocess.Popen(self.words(BUILD + "/amtgate-sim", "--listen", FIRST, "--machines", str(count), "--profile", "12", "--latency",
                                                   str(LATENCY_MS)), stdout=subprocess.PIPE, stderr=log, text=True)
            for line in self.sim.stdout:
                if line.startswith("and so on"):
                    break
            else:
                raise RuntimeError("amtgate-sim did not start: " + open(scratch + "/fleet.log").read()[-500:])
        except BaseException:
            self.down()
            raise
        self.conf = write(scratch + "/fleet.conf", "[gateway]\nstate = %s/state\n[defaults]\npassword = %s\ntls = %s\n" % (scratch, PASSWORD, tls) +
                          "".join("[target m%d]\naddress = %s\n" % (n, address(n)) for n in range(count)), 0o600)
        os.makedirs(scratch + "/state", exist_ok=True)
        self.urls = write(scratch + "/urls", "".join("http://%s:16992/wsman\n" % address(n) for n in range(count)))
        self.envelope = write(scratch + "/envelope", ENVELOPE)
        self.curl = "curl -s --digest -u 'admin:%s' -H 'Content-Type: application/soap+xml' --data-binary @%s" % (PASSWORD, self.envelope)

    def words(self, *words):
        return ["ip", "netns", "exec", self.space, *words]

    def on(self, *words):
        return run(*self.words(*words))

    def down(self):
        if self.sim:
            self.sim.terminate()
            self.sim.wait(20)
        subprocess.run(["ip", "netns", "del", self.space])

    def measure(self, count, check, *words):
        """One run over `count` machines: seconds, CPU seconds (with all that it started), the most memory that it held."""
        before = cpu_of(self.sim.pid)
        peak, over = [0], threading.Event()
        out = open(self.dir + "/out", "w+b")
        began = time.monotonic()
        child = subprocess.Popen(self.words(*words), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

        def watch():
            while not over.wait(0.1):
                peak[0] = max(peak[0], tree_rss(child.pid))
        watcher = threading.Thread(target=watch)
        watcher.start()
        _, status, usage = os.wait4(child.pid, 0)
        took = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        watcher.join()
        out.seek(0)
        got = check(out.read().decode(errors="replace"))
        if got != count:
            raise RuntimeError("%s: %d of %d machines answered" % (" ".join(words)[:60], got, count))
        return {"machines": count, "seconds": took, "per_s": count / took, "cpu_s": usage.ru_utime + usage.ru_stime,
                "peak_kib": max(peak[0], usage.ru_maxrss), "sim_cpu_s": cpu_of(self.sim.pid) - before}


def on_states(text):
    return text.count("PowerState>2<")


def on_rows(text):
    return sum(1 for o in json.loads(text) if o.get("power") == "on")


def fleet(args, scratch):
    count, few = (200, 20) if args.quick else (1000, 100)
    rounds = min(args.rounds, 2)
    lab = Fleet(count, scratch, "no")
    gate = [BUILD + "/amtgate", "-c", lab.conf, "--json"]
    contenders = [
        ("amtgate power state", lambda: lab.measure(count, on_rows, *gate, "power", "state", "--all")),
        ("xargs -P %d curl" % AT_ONCE, lambda: lab.measure(count, on_states, "sh", "-c", "xargs -n 1 -P %d %s <%s" % (AT_ONCE, lab.curl, lab.urls))),
        ("a loop of curl", lambda: lab.measure(few, on_states, "sh", "-c", "head -n %d %s | while read u; do %s $u; done" % (few, lab.urls, lab.curl))),
        ("amtgate info", lambda: lab.measure(count, on_rows, *gate, "info", "--all")),
    ]
    try:
        runs = {name: [] for name, _ in contenders}
        for n in range(rounds):
            for name, go in contenders:
                if n > 0 and name == "a loop of curl":
                    continue
                progress("fleet: round %d of %d, %s" % (n + 1, rounds, name))
                runs[name].append(go())
    finally:
        lab.down()
    out = {name: {k: statistics.median(r[k] for r in of) for k in of[0]} | {"runs": of} for name, of in runs.items()}
    base = out["xargs -P %d curl" % AT_ONCE]
    for d in out.values():
        d["ratios_to_xargs"] = {"per_s": d["per_s"] / base["per_s"], "cpu_s_each": (d["cpu_s"] / d["machines"]) / (base["cpu_s"] / base["machines"]),
                                "peak_kib": d["peak_kib"] / base["peak_kib"]}
    table("%d machines that take %d ms for an answer, over plain HTTP (ratios: to xargs; memory: all processes together)" % (count, LATENCY_MS),
          ["", "machines/s", "ratio", "CPU ms each", "ratio", "peak MiB", "ratio", "simulator CPU ms each"],
          [[n, "%.0f" % d["per_s"], "%.2f" % d["ratios_to_xargs"]["per_s"], "%.2f" % (1000 * d["cpu_s"] / d["machines"]),
            "%.2f" % d["ratios_to_xargs"]["cpu_s_each"], "%.1f" % (d["peak_kib"] / 1024), "%.2f" % d["ratios_to_xargs"]["peak_kib"],
            "%.2f" % (1000 * d["sim_cpu_s"] / d["machines"])] for n, d in out.items()])
    thousand = out["amtgate power state"]["seconds"] * 1000 / count
    out["wanted"] = [figure("power state of 1,000 machines", "under %g s" % WANTED_S, thousand, thousand < WANTED_S, "%.2f s")]
    print_wanted("fleet: what is wanted", out["wanted"])
    return out
