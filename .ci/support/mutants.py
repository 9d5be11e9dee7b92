"""Chooses mutants, runs them in copies of the tree, keeps what came of each, and judges. `.ci/mutants` says how to call it."""

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
# So many are given to the tool at once: what is lost, at most, when a run is stopped.
BATCH = 5
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
    return subprocess.run([tool, "mutants", "--colors", "never", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def all_mutants(tool, *arguments):
    """Each mutant's name by its key: the name without its line, numbered where several in a file are called the same."""
    named, seen = {}, {}
    for mutant in json.loads(tool_output(tool, "--list", "--json", *arguments) or "[]"):
        key = re.sub(r":\d+:\d+: ", ": ", mutant["name"], count=1)
        seen[key] = seen.get(key, 0) + 1
        named[key if seen[key] == 1 else f"{key} #{seen[key]}"] = mutant["name"]
    return named


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
    output = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], check=True, stdout=subprocess.PIPE).stdout
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
    """Takes batches until none is left, and tries them in a copy of the tree of its own."""

    def __init__(self, number, tool, folder, batches, results):
        super().__init__(daemon=True)
        self.tool, self.batches, self.results = tool, batches, results
        self.tree, self.output = folder / f"tree-{number}", folder / f"output-{number}"
        self.environment = {**os.environ, "CARGO_TARGET_DIR": str(folder / f"target-{number}"), "CARGO_PROFILE_DEV_DEBUG": "0"}
        self.baselines, self.failure = set(), None

    def run(self):
        try:
            copy_tree(self.tree)
            while True:
                try:
                    file, batch = self.batches.get_nowait()
                except queue.Empty:
                    return
                self.attempt(file, batch)
        except BaseException as failure:
            self.failure = failure

    def attempt(self, file, batch):
        began = time.monotonic()
        skips = [word for folder, test in SLOW.items() if not file.startswith(folder) for word in ("--skip", test)]
        found = self.try_all(batch, "unit", UNIT_TIMEOUT_S, SMALLER, ["--lib", "--", *skips])
        missed = {key: name for key, name in batch.items() if found[key]["result"] == "missed"}
        if missed:
            found |= self.try_all(missed, "behaviour", BEHAVIOUR_TIMEOUT_S, {}, ["--test", "it"])
        self.results.put(file, found)
        left = [key for key in found if found[key]["result"] == "missed"]
        shown(f"{file}: {len(batch)} tried in {time.monotonic() - began:.0f} s,", f"{len(left)} missed", f"({self.batches.qsize()} batches left)")
        for key in left:
            shown("  missed", key)

    def try_all(self, batch, kind, timeout_s, environment, tests):
        """Runs these mutants against these tests; the first time, the tests are seen to pass without any."""
        shutil.rmtree(self.output, ignore_errors=True)
        self.output.mkdir(parents=True)
        names = [word for name in batch.values() for word in ("--re", "^" + re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", name) + "$")]
        command = ["nice", "-n", "15", self.tool, "mutants", "--colors", "never", "--in-place", "--no-shuffle", "-d", str(self.tree)]
        command += ["--output", str(self.output), "--timeout", str(timeout_s), "--build-timeout", "600"]
        command += ["--baseline", "skip" if kind in self.baselines else "run", *names, "--", *tests]
        done = subprocess.run(command, env=self.environment | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # 0 none missed, 2 some missed, 3 some hung: anything else says that nothing was shown.
        if done.returncode not in (0, 2, 3):
            raise RuntimeError(f"cargo mutants ended with code {done.returncode}:\n{done.stdout}")
        self.baselines.add(kind)
        keys = {name: key for key, name in batch.items()}
        found = {}
        for outcome in json.loads((self.output / "mutants.out/outcomes.json").read_text())["outcomes"]:
            if outcome["scenario"] != "Baseline":
                name = outcome["scenario"]["Mutant"]["name"]
                log = self.output / "mutants.out" / outcome["log_path"]
                failed = re.findall(r"(?m)^test (\S+) \.\.\. FAILED", log.read_text(errors="replace"))
                found[keys[name]] = {"result": SUMMARIES[outcome["summary"]], "by": kind, "tests": failed[:3]}
        if found.keys() != batch.keys():
            raise RuntimeError(f"{len(batch)} mutants were asked for, {len(found)} were tried:\n{done.stdout}")
        return found


def run_all(tool, folder, named, results):
    """Tries what has no result yet, and once more what was missed: a test may have come that notices it."""
    by_file = {}
    for key, name in named.items():
        if results.of(file_of(key)).get(key, {"result": "missed"})["result"] == "missed":
            by_file.setdefault(file_of(key), []).append((key, name))
    batches = queue.Queue()
    for file, mutants in by_file.items():
        for start in range(0, len(mutants), BATCH):
            batches.put((file, dict(mutants[start : start + BATCH])))
    shown(f"{sum(map(len, by_file.values()))} of {len(named)} to try")
    workers = [Worker(number, tool, folder, batches, results) for number in range(1, int(os.environ.get("WPC_MUTANTS_JOBS", "2")) + 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for worker in workers:
        if worker.failure:
            sys.exit(f"mutants: {worker.failure}")


def judge(named, results, reasons, is_full):
    """Prints the figures of each file, and says whether they are good enough."""
    columns = ("caught", "missed", "listed", "timeout", "unviable")
    table, survivors, noticed = {}, [], []
    for key in named:
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


def changed(tool, folder):
    base = os.environ.get("WPC_MUTANTS_BASE", "HEAD~1")
    diff = subprocess.run(["git", "diff", base, "--", "src"], check=True, stdout=subprocess.PIPE).stdout
    path = folder / "changed.diff"
    path.write_bytes(diff)
    named = all_mutants(tool, "--in-diff", str(path)) if diff else {}
    if not named:
        shown(f"nothing that can be mutated has changed since {base}")
        sys.exit(0)
    # The numbers of what is called the same are those of the whole file.
    keys = {name: key for key, name in all_mutants(tool).items()}
    seed = int(os.environ.get("WPC_MUTANTS_SEED", random.randrange(2**32)))
    chosen = random.Random(seed).sample(sorted(named.values()), min(CHANGED_MAX, len(named)))
    shown(f"{len(chosen)} of the {len(named)} mutants of what has changed since {base}, drawn by WPC_MUTANTS_SEED={seed}")
    return {keys[name]: name for name in chosen}


def main():
    tool, folder, arguments = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    is_full, is_afresh = "--full" in arguments, "--afresh" in arguments
    files = [argument for argument in arguments if argument not in ("--full", "--afresh")]
    if any(not Path(file).is_file() for file in files) or (arguments and not is_full):
        sys.exit("usage: .ci/mutants [--full [--afresh] [FILE..]]")
    folder.mkdir(parents=True, exist_ok=True)
    reasons, everything = listed(), all_mutants(tool)
    for key in reasons.keys() - everything.keys():
        sys.exit(f"mutants: {LIST} names what is no mutant: {key}")
    # What has changed is always tried: results that are kept would show nothing of tests that were taken out.
    kept = folder / ("results.json" if is_full else "changed.json")
    if is_afresh or not is_full:
        kept.unlink(missing_ok=True)
    results = Results(kept)
    named = everything if is_full else changed(tool, folder)
    if files:
        named = {key: name for key, name in named.items() if file_of(key) in files}
    # The cores first: they are held to more.
    order = {file: place for place, file in enumerate(CORES)}
    named = dict(sorted(named.items(), key=lambda mutant: order.get(file_of(mutant[0]), len(order))))
    run_all(tool, folder, named, results)
    judge(named, results, reasons, is_full)


main()
