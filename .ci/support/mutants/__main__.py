"""Chooses mutants, has them tried, and judges; `.ci/mutants` says how."""

import fcntl
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from mutant import REASONS, by_key, listed, reasons
from programs import Programs, Stopped
from results import Results
from trial import Tree

# How a call ends, how it is counted, how workers are restarted: these come first.
CORES = [
    *(f"src/supervise/{name}.rs" for name in ("policy", "board", "child")),
    *(f"src/call/{name}.rs" for name in ("hand", "outcome", "start_word", "exchange", "cell")),
    "src/call/load.rs",
]
# However many are listed with a reason.
CAUGHT_MIN = 0.90
# So many that compile are tried of what has changed: what takes longest is the first build.
CHANGED_MAX = 8
KEPT = Path("tests/mutants.json")
USAGE = "usage: .ci/mutants [--full [--afresh] [FILE..]]"


def say(*words):
    print("mutants:", *words, flush=True)


def number(name, default, least):
    value = os.environ.get(name, str(default))
    if not value.isdecimal() or int(value) < least:
        sys.exit(f"mutants: {name} is {value!r}: it must be a whole number, {least} at least")
    return int(value)


class Run:
    """Has mutants tried, so many at a time."""

    def __init__(self, folder, results, jobs):
        self.folder, self.results, self.jobs = folder, results, jobs
        self.programs, self.trees, self.failures = Programs(), {}, []

    def all_of(self, mutants, again=False, enough=lambda: False):
        waiting = queue.Queue()
        for item in mutants.items():
            waiting.put(item)
        say(f"{len(mutants)} to try{' again' if again else ''}")
        jobs = 1 if again else self.jobs
        workers = [threading.Thread(target=self.work, args=(at, waiting, again, enough), daemon=True) for at in range(jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if self.failures:
            sys.exit(f"mutants: {self.failures[0]}")

    def work(self, at, waiting, again, enough):
        try:
            if at not in self.trees:
                self.trees[at] = Tree(self.folder, at + 1, self.programs, say)
            while not enough() and not self.failures:
                key, mutant = waiting.get_nowait()
                began = time.monotonic()
                result, kind, tests = self.trees[at].attempt(mutant, self.results.digests[mutant.file])
                self.results.put(mutant.file, key, {"result": result, "by": kind, "tests": tests, "again": again})
                took = time.monotonic() - began
                say(f"{result} by {kind} tests in {took:.0f} s, {waiting.qsize()} left:", key)
        except (queue.Empty, Stopped):
            pass
        except BaseException as failure:
            self.failures.append(failure)

    def stop(self, *_):
        self.programs.stop()
        sys.exit("mutants: stopped")


def run_all(run, mutants, known):
    """Tries what has no result yet, and once more what was missed and is not listed: a test may have come that notices it. What
    ran out of time is tried again, one at a time: a machine that is busy is no hang."""
    found = {key: run.results.of(mutant.file, key) for key, mutant in mutants.items()}
    left = [key for key in mutants if not found[key] or (found[key][0] == "missed" and key not in known)]
    run.all_of({key: mutants[key] for key in left})
    slow = [key for key, mutant in mutants.items() if run.results.of(mutant.file, key) == ("timeout", False)]
    run.all_of({key: mutants[key] for key in slow}, again=True)


def run_some(run, mutants):
    """Tries some of them, which come in an order that was drawn, until so many have compiled; which were tried."""

    def tried():
        return {key: mutant for key, mutant in mutants.items() if run.results.of(mutant.file, key)}

    def viable():
        return sum(run.results.of(mutant.file, key)[0] != "unviable" for key, mutant in tried().items())

    run.all_of(mutants, enough=lambda: viable() >= CHANGED_MAX)
    slow = {key: mutant for key, mutant in tried().items() if run.results.of(mutant.file, key) == ("timeout", False)}
    run.all_of(slow, again=True)
    return tried()


def changed(tool, folder, mutants):
    """The mutants of what has changed, or of the cores where nothing has, in an order that is drawn."""
    base = os.environ.get("WPC_MUTANTS_BASE", "HEAD~1")
    is_there = subprocess.run(["git", "rev-parse", "--quiet", "--verify", f"{base}^{{commit}}"], stdout=subprocess.DEVNULL)
    if is_there.returncode != 0 and "WPC_MUTANTS_BASE" in os.environ:
        sys.exit(f"mutants: WPC_MUTANTS_BASE is {base!r}: it must be a commit of this repository")
    touched = set()
    if is_there.returncode == 0:
        diff = ["git", "-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false", "diff", "--no-color", "--no-ext-diff"]
        path = folder / "changed.diff"
        path.write_bytes(subprocess.run([*diff, base, "--", "src"], check=True, stdout=subprocess.PIPE).stdout)
        touched = {mutant.name for mutant in listed(tool, "--in-diff", str(path))} if path.stat().st_size else set()
    what, keys = f"what has changed since {base}", [key for key in mutants if mutants[key].name in touched]
    if not keys:
        what, keys = "the cores, since nothing has changed", [key for key in mutants if mutants[key].file in CORES]
    seed = number("WPC_MUTANTS_SEED", random.randrange(2**32), 0)
    random.Random(seed).shuffle(keys)
    say(f"up to {CHANGED_MAX} of {len(keys)} mutants of {what}, drawn by WPC_MUTANTS_SEED={seed}")
    return {key: mutants[key] for key in keys}


def judge(results, mutants, known):
    """Prints the figures of each file; whether each that survived is listed, each that is listed survived, and most were caught."""
    columns = ("caught", "missed", "listed", "timeout", "unviable")
    table, survivors, noticed = {}, [], []
    for key, mutant in mutants.items():
        result, _ = results.of(mutant.file, key)
        if result == "missed":
            result = "listed" if key in known else "missed"
            survivors += [key] if result == "missed" else []
        elif key in known:
            noticed.append(key)
        table.setdefault(mutant.file, dict.fromkeys(columns, 0))[result] += 1
    total = {column: sum(row[column] for row in table.values()) for column in columns}
    for file, row in [*sorted(table.items()), ("all", total)]:
        say(f"{file:32}", *(f"{column} {row[column]:4}" for column in columns), " core" if file in CORES else "")
    for key in survivors:
        say("survived:", key)
    for key in noticed:
        say("is listed, and caught:", key)
    killed, viable = total["caught"] + total["timeout"], sum(total.values()) - total["unviable"]
    share = f", {100 * killed / viable:.1f} %" if viable else ""
    say(f"{killed} of {viable} caught{share}; {total['listed']} listed with a reason")
    return not survivors and not noticed and killed >= CAUGHT_MIN * viable


def main():
    tool, folder, arguments = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    is_full, is_afresh = "--full" in arguments, "--afresh" in arguments
    files = [os.path.normpath(argument) for argument in arguments if argument not in ("--full", "--afresh")]
    if (arguments and not is_full) or any(file.startswith("-") for file in files):
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    folder.mkdir(parents=True, exist_ok=True)
    lock = open(folder / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"mutants: another run uses {folder}")
    known, everything = reasons(), by_key(listed(tool))
    for key in known.keys() - everything.keys():
        sys.exit(f"mutants: {REASONS} names what is no mutant: {key}")
    for file in set(files) - {mutant.file for mutant in everything.values()}:
        sys.exit(f"mutants: {file} has no mutants: a file is named as git names it, such as src/call/load.rs")
    # What has changed is always tried: results that are kept would show nothing of tests that were taken out.
    path = folder / ("results.json" if is_full else "changed.json")
    if not is_full:
        path.unlink(missing_ok=True)
    results = Results(everything, path, KEPT if is_full else None)
    run = Run(folder, results, number("WPC_MUTANTS_JOBS", 2 if is_full else 1, 1))
    signal.signal(signal.SIGTERM, run.stop)
    signal.signal(signal.SIGINT, run.stop)
    if is_full:
        mutants = {key: mutant for key, mutant in everything.items() if not files or mutant.file in files}
        order = {file: place for place, file in enumerate(CORES)}
        mutants = dict(sorted(mutants.items(), key=lambda item: order.get(item[1].file, len(order))))
        if is_afresh:
            results.forget({mutant.file for mutant in mutants.values()})
        # A run that is stopped keeps what it has.
        try:
            run_all(run, mutants, known)
        finally:
            results.keep()
    else:
        mutants = run_some(run, changed(tool, folder, everything))
    sys.exit(0 if judge(results, mutants, known) else 1)


main()
