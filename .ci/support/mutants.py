"""Chooses mutants, runs them in copies of the tree, keeps what came of each, and judges; `.ci/mutants` says how."""

import functools
import hashlib
import json
import os
import queue
import random
import re
import shutil
import signal
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
# So many of what has changed are tried, one at a time: what takes longest is the first build.
CHANGED_MAX = 8
# The random tests of every build, smaller: a mutant that they miss goes on to the behaviours.
SMALLER = {
    "WPC_SEEDS": "40",
    "WPC_FUZZ_INPUTS": "2000",
    "PROPTEST_CASES": "48",
    "PROPTEST_MAX_SHRINK_ITERS": "1",
    "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "1",
}
# The tests in their order: what is built, how long they may take, which is some five times what they do take, and how large
# they are. A mutant that hangs is caught.
KINDS = {"unit": (["--lib"], 45, SMALLER), "behaviour": (["--test", "it"], 120, {})}
# Slow tests of one folder, left out for the files of all others.
SLOW = {"src/codec": "codec::tests", "src/function": "function::source::tests"}
# Behaviours that take three quarters of the time of all: they come last.
HEAVY = [
    "ledger::",
    "slots::mixed::",
    "what_a_look_meets_is_not_dropped_by_who_looks",
    "no_worker_at_all_and_one_more_than_there_may_be",
    "callers_that_fit_into_the_limits_are_never_rejected_as_saturated",
]
LIST, KEPT = Path("tests/mutants.txt"), Path("tests/mutants.json")


def shown(*words):
    print("mutants:", *words, flush=True)


def tool_output(tool, *arguments):
    command = [tool, "mutants", "--colors", "never", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


class Mutant:
    """One mutant as cargo-mutants describes it: a stretch of a file, and what is to stand there."""

    def __init__(self, described):
        self.file, self.name, self.replacement = described["file"], described["name"], described["replacement"]
        self.start, self.end = (described["span"][which] for which in ("start", "end"))

    def made_of(self, text):
        lines = text.splitlines(keepends=True)

        def place(position):
            return sum(map(len, lines[: position["line"] - 1])) + position["column"] - 1

        return text[: place(self.start)] + self.replacement + text[place(self.end) :]


def list_mutants(tool, *arguments):
    return json.loads(tool_output(tool, "--list", "--json", *arguments) or "[]")


def all_mutants(tool):
    """Each mutant by its key: its name without line and column, numbered where several in a file are called the same."""
    mutants, seen = {}, {}
    for described in list_mutants(tool):
        key = re.sub(r":\d+:\d+: ", ": ", described["name"], count=1)
        seen[key] = seen.get(key, 0) + 1
        mutants[key if seen[key] == 1 else f"{key} #{seen[key]}"] = Mutant(described)
    return mutants


def listed():
    """The survivors that are known, with why each may survive."""
    reasons = {}
    for number, line in enumerate(LIST.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            key, bar, reason = line.rpartition(" | ")
            if not bar or not reason.strip() or key in reasons:
                sys.exit(f"mutants: {LIST}:{number}: a mutant, ' | ' and a reason, each mutant once")
            reasons[key] = reason
    return reasons


class Results:
    """What came of each mutant. Those of a file are void once its code, its tests apart, is another. Of a file that is
    through, `kept` says in few words what it was, and is committed; what is under way is in `path`."""

    def __init__(self, path, kept=None):
        self.path, self.lock = path, threading.Lock()
        self.files = json.loads(path.read_text()) if path.exists() else {}
        self.through = json.loads(kept.read_text()) if kept else {}

    @staticmethod
    @functools.cache
    def digest(file):
        """Of the file as the run found it: what is changed meanwhile is not what is tried."""
        code = re.split(r"(?m)^#\[cfg\((?:all\()?test\b.*\]\nmod ", Path(file).read_text())[0]
        return hashlib.sha1(code.encode()).hexdigest()

    def of(self, file, key):
        """`caught`, `missed`, `timeout` or `unviable`, and whether a time-out was seen a second time; or nothing."""
        digest = self.digest(file)
        if self.files.get(file, {}).get("digest") == digest and key in self.files[file]["mutants"]:
            found = self.files[file]["mutants"][key]
            return found["result"], found["again"]
        if self.through.get(file, {}).get("digest") == digest:
            return self.through[file]["uncaught"].get(key, "caught"), True
        return None

    def put(self, file, key, found):
        with self.lock:
            digest = self.digest(file)
            if self.files.get(file, {}).get("digest") != digest:
                self.files[file] = {"digest": digest, "mutants": {}}
            self.files[file]["mutants"][key] = found
            self.write(self.path, self.files)

    def keep(self, mutants, kept):
        """Commits to paper each file of which every mutant has a result."""
        for file in sorted({mutant.file for mutant in mutants.values()}):
            found = {key: self.of(file, key) for key in mutants if mutants[key].file == file}
            if all(found.values()):
                uncaught = {key: result for key, (result, _) in found.items() if result != "caught"}
                self.through[file] = {"digest": self.digest(file), "mutants": len(found), "uncaught": uncaught}
        self.through = {file: kept for file, kept in self.through.items() if Path(file).exists()}
        self.write(kept, self.through)

    @staticmethod
    def write(path, files):
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(files, indent=1, sort_keys=True) + "\n")
        draft.replace(path)


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

    def __init__(self, number, folder, waiting, results, again):
        super().__init__(daemon=True)
        self.waiting, self.results, self.again = waiting, results, again
        self.tree = folder / f"tree-{number}"
        self.environment = {**os.environ, "CARGO_PROFILE_DEV_DEBUG": "0", "RUST_BACKTRACE": "0"}
        self.environment["CARGO_TARGET_DIR"] = str((folder / f"target-{number}").resolve())
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
        began, source = time.monotonic(), self.tree / mutant.file
        text = source.read_text()
        for kind in KINDS:
            if kind not in self.baselines:
                found = self.test(kind, None)
                if found["result"] != "missed":
                    raise RuntimeError(f"without any mutant the {kind} tests end so: {found}")
                self.baselines.add(kind)
            source.write_text(mutant.made_of(text))
            try:
                found = self.test(kind, mutant.file)
            finally:
                source.write_text(text)
            if found["result"] != "missed":
                break
        self.results.put(mutant.file, key, found | {"again": self.again})
        seconds = time.monotonic() - began
        shown(f"{found['result']} by {kind} tests in {seconds:.0f} s, {self.waiting.qsize()} left:", key)

    def test(self, kind, file):
        """Builds these tests and runs them, those beside the file first: they are the likely ones to fail."""
        target, timeout_s, environment = KINDS[kind]
        command = ["nice", "-n", "15", "cargo", "test", "--locked", *target, "--no-run", "--message-format", "json"]
        built = subprocess.run(
            command, cwd=self.tree, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        if built.returncode != 0:
            return {"result": "unviable", "tests": []}
        messages = [json.loads(line) for line in built.stdout.splitlines()]
        (program,) = {message["executable"] for message in messages if message.get("executable")}
        parts, deadline = [[]], time.monotonic() + timeout_s
        if file and kind == "behaviour":
            parts = [[word for heavy in HEAVY for word in ("--skip", heavy)], HEAVY]
        elif file:
            skips = [word for folder, test in SLOW.items() if not file.startswith(folder) for word in ("--skip", test)]
            module = file.removeprefix("src/").removesuffix(".rs").split("/")[0] + "::"
            parts = [[module, *skips], ["--skip", module, *skips]]
        for part in parts:
            result, tests = first_failure([program, *part], self.tree, self.environment | environment, deadline)
            if result != "missed":
                return {"result": result, "tests": tests}
        return {"result": "missed", "tests": []}


def first_failure(command, tree, environment, deadline):
    """Runs a test program, and ends it where a test fails: a mutant is caught by then."""
    program = subprocess.Popen(
        ["nice", "-n", "15", *command],
        cwd=tree,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    hung = threading.Event()

    def end():
        hung.set()
        os.killpg(program.pid, signal.SIGKILL)

    timer = threading.Timer(max(deadline - time.monotonic(), 0), end)
    timer.start()
    failed = None
    for line in program.stdout:
        failed = re.match(rb"test (\S+) \.\.\. FAILED$", line.rstrip())
        if failed:
            break
    if not failed:
        program.wait()
    timer.cancel()
    try:
        os.killpg(program.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    program.wait()
    if failed:
        return "caught", [failed[1].decode()]
    if hung.is_set():
        return "timeout", []
    # A program that ends by a signal, or that says of no test that it failed, has failed all the same.
    return ("missed", []) if program.returncode == 0 else ("caught", [])


def run_all(folder, mutants, results, reasons, jobs):
    """Tries what has no result yet, and once more what was missed and is not listed: a test may have come that notices it. What
    ran out of time is tried again, one at a time: a machine that is busy is no hang."""

    found = {key: results.of(mutant.file, key) for key, mutant in mutants.items()}
    left = [key for key in mutants if not found[key] or (found[key][0] == "missed" and key not in reasons)]
    run(folder, {key: mutants[key] for key in left}, results, jobs, again=False)
    slow = [key for key, mutant in mutants.items() if results.of(mutant.file, key) == ("timeout", False)]
    run(folder, {key: mutants[key] for key in slow}, results, 1, again=True)


def run(folder, mutants, results, jobs, again):
    waiting = queue.Queue()
    for item in mutants.items():
        waiting.put(item)
    shown(f"{len(mutants)} to try{' again' if again else ''}")
    workers = [Worker(number, folder, waiting, results, again) for number in range(1, jobs + 1)]
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
        result, _ = results.of(mutants[key].file, key)
        if result == "missed":
            result = "listed" if key in reasons else "missed"
            survivors += [key] if result == "missed" else []
        elif key in reasons:
            noticed.append(key)
        row = table.setdefault(mutants[key].file, dict.fromkeys(columns, 0))
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
        bad = noticed or killed < CAUGHT_MIN * viable or any(mutants[key].file in CORES for key in survivors)
    else:
        bad = survivors or noticed
    sys.exit(1 if bad else 0)


def changed(tool, folder, mutants):
    """Some of the mutants of what has changed, or of the cores where nothing has."""
    base = os.environ.get("WPC_MUTANTS_BASE", "HEAD~1")
    diff = subprocess.run(["git", "diff", base, "--", "src"], check=True, stdout=subprocess.PIPE).stdout
    path = folder / "changed.diff"
    path.write_bytes(diff)
    touched = {mutant["name"] for mutant in list_mutants(tool, "--in-diff", str(path))} if diff else set()
    what, keys = f"what has changed since {base}", [key for key in mutants if mutants[key].name in touched]
    if not keys:
        what = f"the cores, since nothing has changed since {base}"
        keys = [key for key in mutants if mutants[key].file in CORES]
    seed = int(os.environ.get("WPC_MUTANTS_SEED", random.randrange(2**32)))
    chosen = random.Random(seed).sample(sorted(keys), min(CHANGED_MAX, len(keys)))
    shown(f"{len(chosen)} of {len(keys)} mutants of {what}, drawn by WPC_MUTANTS_SEED={seed}")
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
    path = folder / ("results.json" if is_full else "changed.json")
    if is_afresh or not is_full:
        path.unlink(missing_ok=True)
    results = Results(path, KEPT if is_full and not is_afresh else None)
    mutants = everything if is_full else changed(tool, folder, everything)
    if files:
        mutants = {key: mutant for key, mutant in mutants.items() if mutants[key].file in files}
    # The cores first: they are held to more.
    order = {file: place for place, file in enumerate(CORES)}
    mutants = dict(sorted(mutants.items(), key=lambda item: order.get(item[1].file, len(order))))
    # A run that is stopped keeps what it has.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("mutants: stopped"))
    try:
        run_all(folder, mutants, results, reasons, int(os.environ.get("WPC_MUTANTS_JOBS", "2" if is_full else "1")))
    finally:
        if is_full:
            results.keep(everything, KEPT)
    judge(mutants, results, reasons, is_full)


main()
