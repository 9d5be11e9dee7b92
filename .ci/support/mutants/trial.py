"""Tries mutants in a copy of the tree: builds tests, runs them, and says what they made of it."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from results import digest_of

BUILD_TIMEOUT_S = 1200
# A mutant that hangs is caught: so long at the least, and so many times what the tests take without any.
HANG_MIN_S = 45
HANG_FACTOR = 5
# How often a test that has failed may pass alone before it is taken for one that fails now and then: what a mutant breaks may be
# a matter of time, too.
ALONE_MAX = 3
# So many tests may fail beside a mutant and pass alone: more say that the machine is not fit for this.
FLAKY_MAX = 3
# The random tests of every build, smaller: a mutant that they miss goes on to the behaviours.
SMALLER = {
    "WPC_SEEDS": "40",
    "WPC_FUZZ_INPUTS": "2000",
    "PROPTEST_CASES": "48",
    "PROPTEST_MAX_SHRINK_ITERS": "1",
    "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "1",
}
# The tests in their order: what is built, and how large they are.
KINDS = {"unit": (["--lib"], SMALLER), "behaviour": (["--test", "it"], {})}
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


def skips(names):
    return [word for name in names for word in ("--skip", name)]


def parts_of(kind, file):
    """What is run one after the other, the likely ones to fail first. All of them are all tests, but for slow ones of elsewhere."""
    if kind == "behaviour":
        return [skips(HEAVY), HEAVY]
    slow = skips(test for folder, test in SLOW.items() if not file.startswith(folder))
    module = file.removeprefix("src/").removesuffix(".rs").split("/")[0] + "::"
    return [[module, *slow], ["--skip", module, *slow]]


class Tree:
    """A copy of the tree with a target directory of its own. A mutant is there only while it is tried."""

    def __init__(self, folder, number, programs, say):
        self.path, self.programs, self.say = folder / f"tree-{number}", programs, say
        self.environment = {**os.environ, "CARGO_PROFILE_DEV_DEBUG": "0", "RUST_BACKTRACE": "0"}
        self.environment["CARGO_TARGET_DIR"] = str((folder / f"target-{number}").resolve())
        self.limits_s = {}
        self.copy()

    def copy(self):
        """Brings the copy up to date, and leaves files alone that are as they should be: they are not built anew."""
        command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        wanted = {name for name in output.decode().split("\0") if name and Path(name).is_file()}
        for name in wanted:
            there, text = self.path / name, Path(name).read_bytes()
            if not there.exists() or there.read_bytes() != text:
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(name, there)
        for there in [path for path in self.path.rglob("*") if path.is_file()]:
            if str(there.relative_to(self.path)) not in wanted:
                there.unlink()

    def attempt(self, mutant, digest):
        """What the tests make of it: the result, the kind of tests that it is of, and the tests that failed."""
        source = self.path / mutant.file
        text = source.read_text()
        if digest_of(text) != digest:
            raise RuntimeError(f"{mutant.file} has changed since its mutants were listed")
        for kind in KINDS:
            if kind not in self.limits_s:
                self.measure(kind)
            source.write_text(mutant.made_of(text))
            try:
                result, tests = self.test(kind, mutant.file)
            finally:
                source.write_text(text)
            if result != "missed":
                break
        return result, kind, tests

    def measure(self, kind):
        """Without any mutant the tests pass, and take so long."""
        program = self.build(kind)
        began = time.monotonic()
        code, failed, hung = self.run(kind, [program], BUILD_TIMEOUT_S)
        if program is None or code != 0:
            raise RuntimeError(f"without any mutant the {kind} tests fail: {failed or code}, hung: {hung}")
        self.limits_s[kind] = max(HANG_MIN_S, HANG_FACTOR * (time.monotonic() - began))

    def test(self, kind, file):
        program = self.build(kind)
        if program is None:
            return "unviable", []
        until = time.monotonic() + self.limits_s[kind]
        for part in parts_of(kind, file):
            result, tests = self.part(kind, [program, *part], until)
            if result != "missed":
                return result, tests
        return "missed", []

    def part(self, kind, command, until):
        """Whether these tests notice. What has failed once has to fail again: alone, or if it named no test, all of it."""
        flaky = []
        while True:
            left = max(until - time.monotonic(), 1)
            code, failed, hung = self.run(kind, [*command, *skips(flaky)], left)
            if hung:
                return "timeout", []
            if code == 0:
                return "missed", []
            alone = [command[0], "--exact", failed] if failed else [*command, *skips(flaky)]
            for _ in range(ALONE_MAX):
                code, _, hung = self.run(kind, alone, self.limits_s[kind])
                if hung:
                    return "timeout", []
                if code != 0:
                    return "caught", [failed or f"ended with code {code}"]
            self.say("failed once, and passes when it is run again:", failed or command)
            flaky.append(failed or command)
            if len(flaky) > FLAKY_MAX or not failed:
                raise RuntimeError(f"tests fail now and then: {flaky}")

    def run(self, kind, command, timeout_s):
        _, environment = KINDS[kind]

        def failed(line):
            found = re.match(r"test (\S+)(?: - should panic)? \.\.\. FAILED$", line.rstrip())
            return found and found[1]

        options = {"cwd": self.path, "env": self.environment | environment, "errors": "replace"}
        return self.programs.watch(command, timeout_s, failed, **options)

    def build(self, kind):
        """The program that runs the tests; nothing if the compiler refuses the mutant."""
        target, _ = KINDS[kind]
        command = ["cargo", "test", "--locked", "--all-features", *target, "--no-run", "--message-format", "json"]
        code, printed, errors = self.programs.output(command, BUILD_TIMEOUT_S, cwd=self.path, env=self.environment)
        messages = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
        if code != 0:
            if any(message.get("message", {}).get("level") == "error" for message in messages if "message" in message):
                return None
            raise RuntimeError(f"cargo ended with code {code}, and the compiler has refused nothing:\n{errors[-2000:]}")
        (program,) = {message["executable"] for message in messages if message.get("executable")}
        return program
