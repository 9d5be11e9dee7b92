"""Mutants: what cargo-mutants lists, under names that stay, and those that may survive."""

import json
import re
import subprocess
import sys
from pathlib import Path

REASONS = Path("tests/mutants.txt")


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


def listed(tool, *arguments):
    command = [tool, "mutants", "--colors", "never", "--list", "--json", *arguments]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [Mutant(described) for described in json.loads(output or "[]")]


def by_key(mutants):
    """Each mutant by its key: its name without line and column, numbered where several in a file are called the same."""
    keyed, seen = {}, {}
    for mutant in mutants:
        key = re.sub(r":\d+:\d+: ", ": ", mutant.name, count=1)
        seen[key] = seen.get(key, 0) + 1
        keyed[key if seen[key] == 1 else f"{key} #{seen[key]}"] = mutant
    return keyed


def reasons():
    """Why each mutant may survive that may."""
    found = {}
    for number, line in enumerate(REASONS.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            key, bar, reason = line.rpartition(" | ")
            if not bar or not reason.strip() or key in found:
                sys.exit(f"mutants: {REASONS}:{number}: a mutant, ' | ' and a reason, each mutant once")
            found[key] = reason
    return found
