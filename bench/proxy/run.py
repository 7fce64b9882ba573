#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls through fedge and through Kamailio in one run, on one machine: CPU per call, calls per
second, latency, memory, and the ratios. SIPp is caller and callee.

  fed   caller -TCP- edge A -mutual TLS- edge B -TCP- callee      (two edges)
  udp   caller -UDP- node -UDP- callee
  tcp   caller -TCP- node -TCP- callee

fedge's edges find and judge each other by real DNS (Knot) and certificates; Kamailio has a fixed next
hop. CPU falls as load grows, so compare at equal rates only."""
import argparse, contextlib, csv, json, os, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")
A, B, CALLER, CALLEE, DNS = "127.7.1.1", "127.7.1.2", "127.7.0.1", "127.7.0.2", "127.7.0.53"


def sh(*args, **kw):
    return subprocess.run(args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw)


def certificates(work):
    def key(name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{work}/{name}.key"]
    sh("openssl", "req", "-x509", *key("ca"), "-days", "30", "-subj", "/CN=bench authority", "-out", f"{work}/ca.pem",
       "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for name in ("a", "b"):
        host = f"edge.{name}.bench.invalid"
        (work / "ext").write_text(f"subjectAltName=DNS:{host}\nextendedKeyUsage=serverAuth,clientAuth\n"
                                  "keyUsage=digitalSignature\n")
        sh("openssl", "req", "-new", *key(name), "-subj", f"/CN={host}", "-out", f"{work}/{name}.csr")
        sh("openssl", "x509", "-req", "-in", f"{work}/{name}.csr", "-CA", f"{work}/ca.pem", "-CAkey", f"{work}/ca.key",
           "-CAcreateserial", "-days", "30", "-extfile", f"{work}/ext", "-out", f"{work}/{name}.pem")


def start(args, log, ready=None, seconds=10, **kw):
    process = subprocess.Popen([str(a) for a in args], stdout=open(log, "wb"), stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL, start_new_session=True, **kw)
    end = time.time() + seconds
    while ready and not ready() and time.time() < end:
        if process.poll() is not None:
            sys.exit(f"{args[0]} ended: {Path(log).read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
    return process


def stop(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def family(pid):
    """The process and its children."""
    kids = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        kids += [int(k) for k in task.read_text().split()]
    return [pid] + [k for kid in kids for k in family(kid)]


def cpu_seconds(pid):
    total = 0
    for p in family(pid):
        fields = Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def memory_mib(pid):
    """Proportional set of the process and its children: forks share pages."""
    total = 0
    for p in family(pid):
        for line in Path(f"/proc/{p}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def listening(port, address):
    want = "%08X:%04X" % (int.from_bytes(bytes(int(x) for x in address.split(".")), "little"), port)
    return lambda: any(want in Path(f).read_text() for f in ("/proc/net/tcp", "/proc/net/udp"))


def knot(work):
    zone = "$TTL 3600\n@ IN SOA ns.{d}. h.{d}. 1 3600 600 86400 60\n@ IN NS ns\nns IN A " + DNS + "\n" \
           "_sipfederationtls._tcp IN SRV 0 0 5061 edge\nedge IN A {a}\n"
    for name, address in (("a", A), ("b", B)):
        (work / f"{name}.zone").write_text(zone.format(d=f"{name}.bench.invalid", a=address))
    zones = "".join(f"  - domain: {n}.bench.invalid\n    file: {work}/{n}.zone\n" for n in "ab")
    (work / "knot.conf").write_text(f"server:\n  listen: {DNS}@5353\n  rundir: {work}/knot\n"
                                    f"database:\n  storage: {work}/knot\nzone:\n{zones}")
    (work / "knot").mkdir(exist_ok=True)
    return start(["knotd", "-c", work / "knot.conf"], work / "knot.log", listening(5353, DNS))


def fedge_config(work, name, mode, workers):
    transport = "udp" if mode == "udp" else "tcp"
    own, inside, peer = (A, CALLER, "b") if name == "a" else (B, CALLEE, "a")
    text = f"""node: edge.{name}.bench.invalid
address: {own}
workers: {workers}
domains: [{name}.bench.invalid]
listen:
  - {{transport: udp, port: 5060}}
  - {{transport: tcp, port: 5060}}
"""
    if mode == "fed":
        text += f"""  - {{transport: tls, port: 5061}}
tls:
  identities:
    - {{names: [edge.{name}.bench.invalid], certificate: {name}.pem, key: {name}.key}}
  authorities: [ca.pem]
dns: {{servers: ["{DNS}@5353"]}}
trust:
  allowed: [{peer}.bench.invalid]
zones:
  - {{name: Inside, kind: neighbor, peers: ["{inside}:5060"], transport: tcp}}
  - {{name: Partners, kind: dns}}
rules:
  - {{name: own, priority: 1, mode: pattern, type: suffix, pattern: "@{name}.bench.invalid", target: Inside}}
  - {{name: partners, priority: 2, source: Inside, mode: any, target: Partners}}
"""
    else:
        text += f"""zones:
  - {{name: Caller, kind: neighbor, peers: ["{CALLER}:5060"], transport: {transport}}}
  - {{name: Callee, kind: neighbor, peers: ["{CALLEE}:5060"], transport: {transport}}}
rules:
  - {{name: all, priority: 1, source: Caller, mode: any, target: Callee}}
"""
    path = work / f"fedge-{name}.yaml"
    path.write_text(text)
    return path


def start_fedge(work, mode, workers, binary):
    names = ["a", "b"] if mode == "fed" else ["a"]
    processes = []
    for name in names:
        config = fedge_config(work, name, mode, workers)
        processes.append(start([binary, "serve", "-c", config], work / f"fedge-{name}.log",
                               listening(5060, A if name == "a" else B)))
    time.sleep(0.5)
    return processes


def start_kamailio(work, mode, workers, _):
    transport = "udp" if mode == "udp" else "tcp"
    hops = {"a": f"sip:{CALLEE}:5060;transport={transport}"}
    if mode == "fed":
        hops = {"a": f"sip:{B}:5061;transport=tls", "b": f"sip:{CALLEE}:5060;transport=tcp"}
    processes = []
    for name, hop in hops.items():
        own = A if name == "a" else B
        tls = "".join(f"[{side}:default]\nmethod = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\n"
                      f"private_key = {work}/{name}.key\ncertificate = {work}/{name}.pem\nca_list = {work}/ca.pem\n"
                      for side in ("server", "client"))
        (work / f"tls-{name}.cfg").write_text(tls)
        (work / f"run-{name}").mkdir(exist_ok=True)
        define = ["-A", f"WORKERS={workers}", "-A", f"LISTEN_UDP=udp:{own}:5060", "-A", f"LISTEN_TCP=tcp:{own}:5060",
                  "-A", f'NEXT="{hop}"']
        if mode == "fed":
            define += ["-A", f"LISTEN_TLS=tls:{own}:5061", "-A", f'TLSCFG="{work}/tls-{name}.cfg"']
        processes.append(start(["kamailio", "-f", HERE / "kamailio.cfg", "-DD", "-E", "-M", "16", "-m", "1024", "-w", work,
                                "-Y", work / f"run-{name}", "-P", work / f"k-{name}.pid", *define],
                               work / f"kamailio-{name}.log", listening(5060, own)))
    time.sleep(1)
    return processes


def percentiles(work):
    values = []
    for path in work.glob("caller_*_rtt.csv"):
        with open(path) as f:
            for row in csv.reader(f, delimiter=";"):
                with contextlib.suppress(ValueError, IndexError):
                    values.append(float(row[1]))
    values.sort()
    return [round(values[min(len(values) - 1, int(len(values) * p))], 1) if values else None for p in (0.5, 0.9, 0.99)]


def calls(work, mode, rate, seconds, processes):
    transport = "u1" if mode == "udp" else "t1"
    for old in work.glob("caller_*"):
        old.unlink()
    common = ["-t", transport, "-nostdin", "-buff_size", "4000000", "-max_socket", "10000"]
    callee = start(["sipp", "-sf", HERE / "callee.xml", "-i", CALLEE, "-p", "5060", *common], work / "callee.log", cwd=work)
    time.sleep(0.5)
    shutil.copy(HERE / "caller.xml", work / "caller.xml")
    before = [cpu_seconds(p.pid) for p in processes]
    began = time.time()
    caller = start(["sipp", "-sf", "caller.xml", "-i", CALLER, "-p", "5060", *common, "-r", rate, "-m", rate * seconds,
                    "-l", rate * 2 + 100, "-recv_timeout", "5000", "-timeout", seconds * 2 + 10, "-trace_stat", "-fd", "1",
                    "-stf", "caller_stat.csv", "-trace_rtt", "-rtt_freq", "1000", A], work / "caller.log", cwd=work)
    peak = 0.0
    while caller.poll() is None:
        peak = max(peak, sum(memory_mib(p.pid) for p in processes))
        time.sleep(0.5)
    wall = time.time() - began
    used = [cpu_seconds(p.pid) - b for p, b in zip(processes, before)]
    stop(callee)
    with open(work / "caller_stat.csv") as f:
        last = list(csv.DictReader(f, delimiter=";"))[-1]
    ok, failed = int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"])
    return {"asked": rate, "ok": ok, "failed": failed, "per_second": round(ok / wall), "cpu_per_1000": [
            round(u / ok * 1000, 3) if ok else None for u in used], "sum_cpu_per_1000": round(sum(used) / ok * 1000, 3) if ok else None,
            "calls_per_cpu_s": round(ok / sum(used)) if sum(used) else None, "latency_ms_p50_p90_p99": percentiles(work),
            "memory_mib": round(peak, 1)}


def measure(work, who, mode, rate, seconds, workers, binary):
    processes = {"fedge": start_fedge, "kamailio": start_kamailio}[who](work, mode, workers, binary)
    try:
        return {"who": who, "mode": mode, "workers": workers, **calls(work, mode, rate, seconds, processes)}
    finally:
        for p in processes:
            stop(p)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fedge", default=HERE.parents[1] / "build" / "fedge")
    parser.add_argument("--mode", action="append", choices=["fed", "udp", "tcp"])
    parser.add_argument("--rate", type=int, action="append")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--only", choices=["fedge", "kamailio"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="bench-proxy-"))
    certificates(work)
    dns = knot(work)
    if not options.json:
        print(f"{'mode':4} {'rate':>5} {'who':9} {'ok':>6} {'failed':>6} {'calls/s':>7} {'CPU-s/1000':>10} {'p50/p90/p99 ms':>18} {'MiB':>6}")
    try:
        for mode in options.mode or ["fed", "udp", "tcp"]:
            for rate in options.rate or [1000]:
                rows = {}
                for _ in range(options.repeat):
                    for who in [options.only] if options.only else ["kamailio", "fedge"]:
                        row = measure(work, who, mode, rate, options.seconds, options.workers, options.fedge)
                        rows.setdefault(who, []).append(row)
                        if options.json:
                            print(json.dumps(row), flush=True)
                        else:
                            print(f"{mode:4} {rate:5} {who:9} {row['ok']:6} {row['failed']:6} {row['per_second']:7} "
                                  f"{row['sum_cpu_per_1000'] or 0:10.3f} {'/'.join(str(x) for x in row['latency_ms_p50_p90_p99']):>18} "
                                  f"{row['memory_mib']:6}", flush=True)
                if len(rows) == 2 and all(r[0]["sum_cpu_per_1000"] for r in rows.values()):
                    mid = {w: sorted(x["sum_cpu_per_1000"] or 9e9 for x in r)[len(r) // 2] for w, r in rows.items()}
                    mem = {w: max(x["memory_mib"] for x in r) for w, r in rows.items()}
                    print(f"{mode:4} {rate:5} ratio     fedge / Kamailio: CPU {mid['fedge'] / mid['kamailio']:.2f}, "
                          f"memory {mem['fedge'] / mem['kamailio']:.2f}", flush=True)
    finally:
        stop(dns)
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
