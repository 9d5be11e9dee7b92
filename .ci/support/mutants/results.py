"""What came of each mutant, for as long as the code that it was made of stays the same.

What is found goes to a file below the target directory as it comes. Of a file that is through, `tests/mutants.json` says in few words
what was found, so that it is known on another machine too.
"""

import hashlib
import json
import re
import threading
from pathlib import Path


def digest_of(text):
    """A digest of the code, without the tests that it ends with."""
    code = re.sub(r"\n#\[cfg\((?:test|all\(test\b[^\n]*)\)\]\nmod \w+ \{\n.*\Z", "", text, flags=re.S)
    return hashlib.sha1(code.rstrip().encode()).hexdigest()


class Results:
    """Of `mutants`, by their keys: `caught`, `missed`, `timeout` or `unviable`, and whether a time-out was seen twice."""

    def __init__(self, mutants, path, kept):
        self.path, self.kept, self.lock = path, kept, threading.Lock()
        self.files = self.read(path)
        self.through = self.read(kept) if kept else {}
        self.keys = {}
        for key, mutant in mutants.items():
            self.keys.setdefault(mutant.file, []).append(key)
        self.digests = {file: digest_of(Path(file).read_text()) for file in self.keys}

    @staticmethod
    def read(path):
        return json.loads(path.read_text()) if path.exists() else {}

    def forget(self, files):
        for file in files:
            self.files.pop(file, None)
            self.through.pop(file, None)

    def listing(self, file):
        return hashlib.sha1("\n".join(sorted(self.keys[file])).encode()).hexdigest()

    def of(self, file, key):
        """What came of it, or nothing."""
        code = self.digests[file]
        here, there = self.files.get(file, {}), self.through.get(file, {})
        if here.get("code") == code and key in here["mutants"]:
            return here["mutants"][key]["result"], here["mutants"][key]["again"]
        if (there.get("code"), there.get("listing")) == (code, self.listing(file)):
            return there["uncaught"].get(key, "caught"), True
        return None

    def put(self, file, key, found):
        with self.lock:
            if self.files.get(file, {}).get("code") != self.digests[file]:
                self.files[file] = {"code": self.digests[file], "mutants": {}}
            self.files[file]["mutants"][key] = found
            self.write(self.path, self.files)

    def keep(self):
        """Writes down what is known of each file that is through, and leaves what is known of others as it is."""
        for file, keys in self.keys.items():
            found = {key: self.of(file, key) for key in keys}
            if all(result and result != ("timeout", False) for result in found.values()):
                self.through[file] = {
                    "code": self.digests[file],
                    "listing": self.listing(file),
                    "mutants": len(found),
                    "uncaught": {key: result for key, (result, _) in found.items() if result != "caught"},
                }
        self.write(self.kept, {file: known for file, known in self.through.items() if file in self.keys})

    @staticmethod
    def write(path, files):
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(files, indent=1, sort_keys=True) + "\n")
        draft.replace(path)
