"""What the parts of scripts/bench share: a network for each contender, what its processes cost, tables."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
LOAD = os.path.join(BUILD, "bench", "load")
AMT, PORT, TLS_PORT, LISTEN = "10.71.2.10", 16994, 16995, 5899
TICKS = os.sysconf("SC_CLK_TCK")


def run(*words, **more):
    return subprocess.run(words, check=True, **more)


class Lab:
    """One contender's network with the machine in it, and the processes started there."""

    def __init__(self, name, scratch, machine=True):
        self.name = "bench-%s-%d" % (name, os.getpid())
        self.dir = os.path.join(scratch, name)
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o755)
        self.children = []
        run("scripts/netns-lab", "up", "router", self.name)
        for host in ("client", "gw", "amt"):
            self.on(host, "sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=1024 65535", "net.ipv4.tcp_tw_reuse=1",
                    "net.core.somaxconn=8192", "net.ipv4.tcp_max_syn_backlog=8192")
        if machine:
            self.spawn("amt", LOAD, "serve", str(PORT), str(TLS_PORT), scratch + "/cert.pem", scratch + "/key.pem")
            self.wait_listen("amt", PORT)

    def words(self, host, *words):
        return ["ip", "netns", "exec", "amtgate-%s-%s" % (self.name, host), *words]

    def on(self, host, *words):
        return run(*self.words(host, *words))

    def spawn(self, host, *words):
        log = open(os.path.join(self.dir, "log"), "ab")
        child = subprocess.Popen(self.words(host, *words), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.children.append(child)
        return child

    def wait_listen(self, host, port):
        for _ in range(100):
            out = subprocess.run(self.words(host, "ss", "-Hltn", "sport = :%d" % port), capture_output=True, text=True)
            if out.stdout.strip():
                return
            time.sleep(0.1)
        raise RuntimeError("nothing listens on %d in %s:\n%s" % (port, self.name, open(os.path.join(self.dir, "log")).read()[-2000:]))

    def end(self, child):
        self.children.remove(child)
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def down(self):
        for child in list(self.children):
            self.end(child)
        subprocess.run(["scripts/netns-lab", "down", self.name])


def write(path, text, mode=0o644):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


class Contender:
    name = "direct"
    programs = ()
    note = ""
    machine = True  # load.cc plays it

    def __init__(self, tls):
        self.tls = tls
        self.root = None
        self.lab = None

    def available(self):
        return all(shutil.which(p) for p in self.programs)

    def start(self, scratch):
        plain = self.name.replace(",", "").replace(" ", "_")  # names of namespaces are words
        self.lab = Lab(plain + ("-tls" if self.tls else ""), scratch, self.machine)
        self.launch()

    def launch(self):
        pass

    def upstream(self):
        return TLS_PORT if self.tls else PORT

    def tproxy(self):
        gw = self.lab.on
        gw("gw", "iptables", "-t", "mangle", "-A", "PREROUTING", "-p", "tcp", "-m", "socket", "--transparent", "-j", "MARK", "--set-mark", "1")
        gw("gw", "iptables", "-t", "mangle", "-A", "PREROUTING", "-i", "lan0", "-p", "tcp", "--dport", str(PORT),
           "-j", "TPROXY", "--on-port", str(LISTEN), "--tproxy-mark", "1")
        gw("gw", "ip", "rule", "add", "fwmark", "1", "lookup", "100")
        gw("gw", "ip", "route", "add", "local", "default", "dev", "lo", "table", "100")

    def redirect(self):
        self.lab.on("gw", "iptables", "-t", "nat", "-A", "PREROUTING", "-i", "lan0", "-p", "tcp", "--dport", str(PORT),
                    "-j", "REDIRECT", "--to-ports", str(LISTEN))

    # --- measuring
    def pids(self):
        if self.root is None:
            return []
        found, todo = [], [self.root.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                for task in os.listdir("/proc/%d/task" % pid):
                    todo += [int(c) for c in open("/proc/%d/task/%s/children" % (pid, task)).read().split()]
            except OSError:
                pass
        return found

    def cpu(self):
        """Seconds that the process tree has run, ended threads included."""
        ticks = 0
        for pid in self.pids():
            try:
                with open("/proc/%d/stat" % pid) as f:
                    ticks += sum(int(x) for x in f.read().rpartition(")")[2].split()[11:13])
            except OSError:
                pass
        return ticks / TICKS

    def cpu_ns(self):
        """As cpu(), to the nanosecond, of the threads that there are: for a program whose threads stay."""
        total = 0
        for pid in self.pids():
            for task in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
                    total += int(f.read().split()[0])
        return total

    def memory(self):
        """KiB that belong to the tree alone (private pages)."""
        total = 0
        for pid in self.pids():
            try:
                for line in open("/proc/%d/smaps_rollup" % pid):
                    if line.startswith(("Private_Clean:", "Private_Dirty:")):
                        total += int(line.split()[1])
            except OSError:
                pass
        return total

    def load(self, mode, connections, seconds):
        child = subprocess.Popen(self.lab.words("client", LOAD, "run", AMT, str(PORT), mode, str(connections), str(seconds)),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        at = {}
        lines = []
        for line in child.stdout:
            line = line.strip()
            if line in ("begin", "end"):
                at[line] = (self.cpu(), host_cpu())
            else:
                lines.append(line)
        errors = child.stderr.read()
        if child.wait() != 0 or not lines:
            raise RuntimeError("%s: %s" % (self.name, errors.strip()))
        out = json.loads(lines[-1])
        if "end" in at:
            out["cpu_s"] = at["end"][0] - at["begin"][0]
            out["host_cpu_s"] = at["end"][1] - at["begin"][1]
        return out

    def hold(self, connections):
        before = self.memory()
        child = subprocess.Popen(self.lab.words("client", LOAD, "run", AMT, str(PORT), "hold", str(connections), "30"),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = child.stdout.readline().strip()
        if line != "begin":
            raise RuntimeError("%s: %s" % (self.name, child.stderr.read().strip()))
        time.sleep(1)
        after = self.memory()
        child.kill()
        child.wait()
        time.sleep(1)
        return {"before_kib": before, "after_kib": after, "kib_per_session": (after - before) / connections}


def nginx(lab, host, http, workers=1, connections=256):
    """One on `host`, with `http` inside its http section; it keeps nothing outside of the lab's folder."""
    d = lab.dir
    temporary = "".join("  %s_temp_path %s;\n" % (w, d) for w in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    write(d + "/nginx.conf", """user root;
worker_processes %d;
pid %s/nginx.pid;
error_log %s/nginx.log;
daemon off;
events { worker_connections %d; }
http {
  access_log off;
%s  keepalive_requests 10000000;
%s}
""" % (workers, d, d, connections, temporary, http))
    return lab.spawn(host, "nginx", "-p", d, "-c", d + "/nginx.conf", "-e", d + "/nginx.log")


class Direct(Contender):
    note = "no proxy; the kernel forwards"


class Amtgated(Contender):
    name = "amtgated"
    note = "TPROXY and NFQUEUE, session and digest on both sides"
    workers = 0
    addresses = AMT
    more = ""  # lines of the target

    def available(self):
        return os.access(BUILD + "/amtgated", os.X_OK)

    def launch(self):
        d = self.lab.dir
        for folder in ("run", "state"):
            os.mkdir(os.path.join(d, folder))
            os.chmod(os.path.join(d, folder), 0o777)
        write(d + "/amtgate.conf", """
[gateway]
user = nobody
control = %s/run/control.sock
state = %s/state
users = %s/users
workers = %d
metrics =
log_level = warn
[intercept]
interfaces = lan0
[target pc]
address = %s
username = admin
password = P@ssw0rd1!
tls = %s
allow = 10.71.1.0/24
%s
""" % (d, d, d, self.workers, self.addresses, "yes" if self.tls else "no", self.more), 0o600)
        shutil.chown(d + "/amtgate.conf", "nobody")
        self.lab.on("gw", BUILD + "/amtgate-rules", "up", "-c", d + "/amtgate.conf")
        self.root = self.lab.spawn("gw", BUILD + "/amtgated", "-c", d + "/amtgate.conf")
        self.lab.wait_listen("gw", LISTEN)
        time.sleep(0.5)


def host_cpu():
    """Seconds of all CPUs that were not idle."""
    v = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(v) - v[3] - v[4]) / TICKS


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
    else:
        sys.stderr.write(text + "\n")
    sys.stderr.flush()


def table(title, heads, rows):
    print("\n" + title)
    widths = [max(len(str(r[i])) for r in [heads] + rows) for i in range(len(heads))]
    for r in [heads] + rows:
        print("  " + "  ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(r, widths))).rstrip())
    sys.stdout.flush()


def interleaved(title, contenders, rounds, measure):
    """rounds of measure(contender); a contender that fails is named and left out."""
    results = {c.name: [] for c in contenders}
    failed = {}
    for n in range(rounds):
        for c in contenders:
            if c.name in failed:
                continue
            progress("%s: round %d of %d, %s" % (title, n + 1, rounds, c.name))
            try:
                results[c.name].append(measure(c))
            except (RuntimeError, ValueError) as e:
                failed[c.name] = str(e)
    if sys.stderr.isatty():
        progress("")
    for name, why in failed.items():
        print("  %s failed: %s" % (name, why))
        del results[name]
    return results


def start(contenders, scratch):
    started = []
    for c in contenders:
        progress("starting %s" % c.name)
        where = tempfile.mkdtemp(dir=scratch)
        os.chmod(where, 0o755)
        for f in ("cert.pem", "key.pem") if c.machine else ():
            os.symlink(os.path.join(scratch, f), os.path.join(where, f))
        try:
            c.start(where)
            started.append(c)
        except (RuntimeError, subprocess.CalledProcessError) as e:
            print("  %s did not start: %s" % (c.name, e))
            if c.lab:
                c.lab.down()
        except BaseException:
            for s in started + ([c] if c.lab else []):
                s.lab.down()
            raise
    return started
