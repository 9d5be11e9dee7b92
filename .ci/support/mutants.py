"""Chooses mutants, runs them in copies of the tree, keeps what came of each, and judges; `.ci/mutants` says how."""

import hashlib
import json
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

# No mutant of these may survive unlisted: how a call ends, how it is counted, how workers are restarted.
CORES = [
    *(f"src/supervise/{name}.rs" for name in ("policy", "board", "child")),
    *(f"src/call/{name}.rs" for name in ("hand", "outcome", "start_word", "exchange", "cell")),
    "src/call/load.rs",
]
CAUGHT_MIN = 0.90
# So many of what has changed are tried, which takes some four minutes on two cores.
CHANGED_MAX = 16
# A mutant that hangs is caught by these: some five times what the tests take.
UNIT_TIMEOUT_S = 45
BEHAVIOUR_TIMEOUT_S = 120
# The random tests of every build, smaller: a mutant that they miss goes on to the behaviours.
SMALLER = {
    "WPC_SEEDS": "40",
    "WPC_FUZZ_INPUTS": "2000",
    "PROPTEST_CASES": "48",
    "PROPTEST_MAX_SHRINK_ITERS": "1",
    "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "1",
}
# Slow tests of one folder, left out for the files of all others.
SLOW = {"src/codec": "codec::tests", "src/function": "function::source::tests"}
SUMMARIES = {"CaughtMutant": "caught", "MissedMutant": "missed", "Timeout": "timeout", "Unviable": "unviable"}
LIST = Path("tests/mutants.txt")


def shown(*words):
    print("mutants:", *words, flush=True)


def tool_output(tool, *arguments):
    command = [tool, "mutants", "--colors", "never", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


class Mutant:
    """One mutant, and how the tool is told to make it: as one part of as many as its file has mutants. Its filter by name
    lets some kinds of mutants through, whatever they are called."""

    def __init__(self, file, name, place, count):
        self.name, self.selection = name, ["--file", file, "--shard", f"{place}/{count}", "--sharding", "slice"]


def list_mutants(tool, *arguments):
    return json.loads(tool_output(tool, "--list", "--json", *arguments) or "[]")


def all_mutants(tool):
    """Each mutant by its key: its name without line and column, numbered where several in a file are called the same."""
    by_file, mutants, seen = {}, {}, {}
    for mutant in list_mutants(tool):
        by_file.setdefault(mutant["file"], []).append(mutant["name"])
    for file, names in by_file.items():
        for place, name in enumerate(names):
            key = re.sub(r":\d+:\d+: ", ": ", name, count=1)
            seen[key] = seen.get(key, 0) + 1
            mutants[key if seen[key] == 1 else f"{key} #{seen[key]}"] = Mutant(file, name, place, len(names))
    return mutants


def file_of(key):
    return key.split(":", 1)[0]


def listed():
    """The survivors that are known, with why each may survive."""
    reasons = {}
    for number, line in enumerate(LIST.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            key, bar, reason = line.partition(" | ")
            if not bar or not reason.strip() or key in reasons:
                sys.exit(f"mutants: {LIST}:{number}: a mutant, ' | ' and a reason, each mutant once")
            reasons[key] = reason
    return reasons


class Results:
    """What came of each mutant. Those of a file are void once its code, its tests apart, is another."""

    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()
        self.files = json.loads(path.read_text()) if path.exists() else {}

    @staticmethod
    def digest(file):
        code = re.split(r"(?m)^#\[cfg\((?:all\()?test\b.*\]\nmod ", Path(file).read_text())[0]
        return hashlib.sha1(code.encode()).hexdigest()

    def of(self, file):
        kept = self.files.get(file)
        return kept["mutants"] if kept and kept["digest"] == self.digest(file) else {}

    def put(self, file, found):
        with self.lock:
            self.files[file] = {"digest": self.digest(file), "mutants": {**self.of(file), **found}}
            draft = self.path.with_suffix(".draft")
            draft.write_text(json.dumps(self.files, indent=1, sort_keys=True))
            draft.replace(self.path)


def copy_tree(tree):
    """Brings a copy of the tree up to date, and leaves files alone that are as they should be: they are not built anew."""
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    wanted = {name for name in output.decode().split("\0") if name and Path(name).is_file()}
    for name in wanted:
        there = tree / name
        text = Path(name).read_bytes()
        if not there.exists() or there.read_bytes() != text:
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, there)
    for there in [path for path in tree.rglob("*") if path.is_file()]:
        if str(there.relative_to(tree)) not in wanted:
            there.unlink()


class Worker(threading.Thread):
    """Takes mutants until none is left, and tries them in a copy of the tree of its own."""

    def __init__(self, number, tool, folder, waiting, results):
        super().__init__(daemon=True)
        self.tool, self.waiting, self.results = tool, waiting, results
        self.tree, self.output = folder / f"tree-{number}", folder / f"output-{number}"
        self.environment = {**os.environ, "CARGO_PROFILE_DEV_DEBUG": "0"}
        self.environment["CARGO_TARGET_DIR"] = str(folder / f"target-{number}")
        self.baselines, self.failure = set(), None

    def run(self):
        try:
            copy_tree(self.tree)
            while not self.waiting.empty():
                try:
                    key, mutant = self.waiting.get_nowait()
                except queue.Empty:
                    return
                self.attempt(key, mutant)
        except BaseException as failure:
            self.failure = failure

    def attempt(self, key, mutant):
        began, file = time.monotonic(), file_of(key)
        skips = [word for folder, test in SLOW.items() if not file.startswith(folder) for word in ("--skip", test)]
        found = self.test(mutant, "unit", UNIT_TIMEOUT_S, SMALLER, ["--lib", "--", *skips])
        if found["result"] == "missed":
            found = self.test(mutant, "behaviour", BEHAVIOUR_TIMEOUT_S, {}, ["--test", "it"])
        self.results.put(file, {key: found})
        seconds = time.monotonic() - began
        shown(f"{found['result']} by {found['by']} tests in {seconds:.0f} s, {self.waiting.qsize()} left:", key)

    def test(self, mutant, kind, timeout_s, environment, tests):
        """Runs the mutant against these tests; the first time, the tests are seen to pass without any."""
        shutil.rmtree(self.output, ignore_errors=True)
        self.output.mkdir(parents=True)
        command = ["nice", "-n", "15", self.tool, "mutants", "--colors", "never", "--in-place", "-d", str(self.tree)]
        command += ["--output", str(self.output), "--timeout", str(timeout_s), "--build-timeout", "600"]
        command += ["--baseline", "skip" if kind in self.baselines else "run", *mutant.selection, "--", *tests]
        done = subprocess.run(
            command,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # 0 caught, 2 missed, 3 hung: anything else says that nothing was shown.
        if done.returncode not in (0, 2, 3):
            raise RuntimeError(f"cargo mutants ended with code {done.returncode}:\n{done.stdout}")
        self.baselines.add(kind)
        outcomes = json.loads((self.output / "mutants.out/outcomes.json").read_text())["outcomes"]
        (outcome,) = [outcome for outcome in outcomes if outcome["scenario"] != "Baseline"]
        if outcome["scenario"]["Mutant"]["name"] != mutant.name:
            raise RuntimeError(f"{mutant.name} was asked for, and another was tried:\n{done.stdout}")
        log = (self.output / "mutants.out" / outcome["log_path"]).read_text(errors="replace")
        failed = re.findall(r"(?m)^test (\S+) \.\.\. FAILED", log)
        return {"result": SUMMARIES[outcome["summary"]], "by": kind, "tests": failed[:3]}


def run_all(tool, folder, mutants, results):
    """Tries what has no result yet, and once more what was missed: a test may have come that notices it."""
    waiting = queue.Queue()
    for key, mutant in mutants.items():
        if results.of(file_of(key)).get(key, {"result": "missed"})["result"] == "missed":
            waiting.put((key, mutant))
    shown(f"{waiting.qsize()} of {len(mutants)} to try")
    jobs = int(os.environ.get("WPC_MUTANTS_JOBS", "2"))
    workers = [Worker(number, tool, folder, waiting, results) for number in range(1, jobs + 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for worker in workers:
        if worker.failure:
            sys.exit(f"mutants: {worker.failure}")


def judge(mutants, results, reasons, is_full):
    """Prints the figures of each file, and says whether they are good enough."""
    columns = ("caught", "missed", "listed", "timeout", "unviable")
    table, survivors, noticed = {}, [], []
    for key in mutants:
        result = results.of(file_of(key))[key]["result"]
        if result == "missed":
            result = "listed" if key in reasons else "missed"
            survivors += [key] if result == "missed" else []
        elif key in reasons:
            noticed.append(key)
        row = table.setdefault(file_of(key), dict.fromkeys(columns, 0))
        row[result] += 1
    total = {column: sum(row[column] for row in table.values()) for column in columns}
    for file, row in [*sorted(table.items()), ("all", total)]:
        shown(f"{file:32}", *(f"{column} {row[column]:4}" for column in columns), " core" if file in CORES else "")
    for key in survivors:
        shown("survived:", key)
    for key in noticed:
        shown("is listed, and caught:", key)
    killed, viable = total["caught"] + total["timeout"], sum(total.values()) - total["unviable"]
    if not viable:
        sys.exit("mutants: nothing was tried")
    shown(f"{killed} of {viable} caught, {100 * killed / viable:.1f} %; {total['listed']} listed with a reason")
    if is_full:
        bad = noticed or killed < CAUGHT_MIN * viable or any(file_of(key) in CORES for key in survivors)
    else:
        bad = survivors or noticed
    sys.exit(1 if bad else 0)


def changed(tool, folder, mutants):
    base = os.environ.get("WPC_MUTANTS_BASE", "HEAD~1")
    diff = subprocess.run(["git", "diff", base, "--", "src"], check=True, stdout=subprocess.PIPE).stdout
    path = folder / "changed.diff"
    path.write_bytes(diff)
    touched = {mutant["name"] for mutant in list_mutants(tool, "--in-diff", str(path))} if diff else set()
    if not touched:
        shown(f"nothing that can be mutated has changed since {base}")
        sys.exit(0)
    seed = int(os.environ.get("WPC_MUTANTS_SEED", random.randrange(2**32)))
    keys = sorted(key for key, mutant in mutants.items() if mutant.name in touched)
    chosen = random.Random(seed).sample(keys, min(CHANGED_MAX, len(keys)))
    shown(f"{len(chosen)} of {len(keys)} mutants of what has changed since {base}, drawn by WPC_MUTANTS_SEED={seed}")
    return {key: mutants[key] for key in chosen}


def main():
    tool, folder, arguments = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    is_full, is_afresh = "--full" in arguments, "--afresh" in arguments
    files = [argument for argument in arguments if argument not in ("--full", "--afresh")]
    if any(not Path(file).is_file() for file in files) or (arguments and not is_full):
        print("usage: .ci/mutants [--full [--afresh] [FILE..]]", file=sys.stderr)
        sys.exit(2)
    folder.mkdir(parents=True, exist_ok=True)
    reasons, everything = listed(), all_mutants(tool)
    for key in reasons.keys() - everything.keys():
        sys.exit(f"mutants: {LIST} names what is no mutant: {key}")
    # What has changed is always tried: results that are kept would show nothing of tests that were taken out.
    kept = folder / ("results.json" if is_full else "changed.json")
    if is_afresh or not is_full:
        kept.unlink(missing_ok=True)
    results = Results(kept)
    mutants = everything if is_full else changed(tool, folder, everything)
    if files:
        mutants = {key: mutant for key, mutant in mutants.items() if file_of(key) in files}
    # The cores first: they are held to more.
    order = {file: place for place, file in enumerate(CORES)}
    mutants = dict(sorted(mutants.items(), key=lambda item: order.get(file_of(item[0]), len(order))))
    run_all(tool, folder, mutants, results)
    judge(mutants, results, reasons, is_full)


main()
