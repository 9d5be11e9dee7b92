"""Judges what a soak has sampled: whether memory, threads and descriptors stayed what they were. `.ci/soak` uses it.

Memory is judged twice: as the system sees it (resident), and as the bytes that are allocated and not freed (heap), which a leak raises
also where the allocator has room for it. The slope is that of least squares over all parts together, where each part has a level of
its own: each is another process. The first minute of a part is left out, or the first quarter of a short one: what the process keeps
for ever comes then.
"""

import argparse
import csv
import statistics
import sys
from pathlib import Path

# MiB an hour.
SLOPE_MAX = 1.0
# A slope whose standard error is greater than that, in MiB an hour, tells nothing.
ERROR_MAX = 0.3
WARM_UP_S = 60
COLUMNS = ("elapsed_ms", "calls", "rss_kib", "heap_bytes", "threads", "fds")
MEMORY = {
    "resident memory": lambda sample: sample["rss_kib"] / 1024,
    "heap": lambda sample: sample["heap_bytes"] / (1 << 20),
}
# The median of a quarter of a part may differ by so many threads from that of another, which is as many as there are workers; it is
# one of fewer samples than these by chance.
THREADS_DIFFER_MAX = 4
QUARTER_SAMPLES_MIN = 10
# The points of a plot's line: more cannot be seen.
POINTS_MAX = 400


def read(path):
    try:
        with open(path, newline="") as file:
            lines = csv.DictReader(file)
            if tuple(lines.fieldnames or ()) != COLUMNS:
                sys.exit(f"soak: {path}: the columns are {lines.fieldnames}, not {', '.join(COLUMNS)}")
            samples = [{name: int(line[name]) for name in COLUMNS} for line in lines]
    except (OSError, TypeError, ValueError) as error:
        sys.exit(f"soak: {path}: {error}")
    if len(samples) < 6:
        sys.exit(f"soak: {path}: {len(samples)} samples say nothing, and 6 are the least")
    return samples


def settled(samples):
    """A part without its warm-up."""
    warm_up = min(WARM_UP_S * 1000, samples[-1]["elapsed_ms"] // 4)
    return [sample for sample in samples if sample["elapsed_ms"] >= warm_up]


def slope(parts, amount_of):
    """By how many MiB an hour the memory rises, and the standard error of that, were the samples independent."""
    above = below = rest = count = 0.0
    for samples in parts:
        hours = [sample["elapsed_ms"] / 3_600_000 for sample in samples]
        memory = [amount_of(sample) for sample in samples]
        middle, level = statistics.fmean(hours), statistics.fmean(memory)
        above += sum((hour - middle) * (amount - level) for hour, amount in zip(hours, memory))
        below += sum((hour - middle) ** 2 for hour in hours)
        rest += sum((amount - level) ** 2 for amount in memory)
        count += len(samples)
    rise = above / below
    return rise, (max(rest - rise * above, 0) / max(count - len(parts) - 1, 1) / below) ** 0.5


def quarters(samples, name):
    size = len(samples) // 4
    return [statistics.median(sample[name] for sample in samples[at * size : (at + 1) * size]) for at in range(4)]


def judge(parts, is_held):
    """What is not as it must be."""
    bad = []
    after = [settled(samples) for samples in parts]
    calls = sum(samples[-1]["calls"] for samples in parts)
    hours = sum(samples[-1]["elapsed_ms"] for samples in parts) / 3_600_000
    print(f"soak: {calls} calls in {len(parts)} parts, {hours:.2f} h, {sum(map(len, parts))} samples")
    for name, amount_of in MEMORY.items():
        rise, error = slope(after, amount_of)
        what = f"{name} rises by {rise:+.3f} MiB/h, standard error {error:.3f}"
        print(f"soak: {what}; " + (f"less than {SLOPE_MAX} is allowed" if is_held else "too short a run to be held to it"))
        each = [slope([samples], amount_of) for samples in after]
        print("soak:   part by part: " + ", ".join(f"{part:+.3f} (standard error {error:.3f})" for part, error in each))
        # A part alone is shorter, and has to be clearly above it.
        if is_held and (rise >= SLOPE_MAX or error > ERROR_MAX or any(part - 2 * spread >= SLOPE_MAX for part, spread in each)):
            bad.append(f"{what}: less than {SLOPE_MAX} is allowed, of all and of each part, and an error of {ERROR_MAX}")
    for number, samples in enumerate(after, 1):
        threads, descriptors = quarters(samples, "threads"), quarters(samples, "fds")
        ranges = (f"{name} {min(map(of, samples)):.2f} to {max(map(of, samples)):.2f} MiB" for name, of in MEMORY.items())
        print(f"soak: part {number}: {'; '.join(ranges)}; by quarters: threads {threads}, descriptors {descriptors}")
        if len(samples) >= 4 * QUARTER_SAMPLES_MIN and max(threads) - min(threads) > THREADS_DIFFER_MAX:
            bad.append(f"the threads of part {number} are no flat line: {threads}")
        # One that is open for a moment, as a pool starts and asks how many cores there are, is in one sample or another.
        if len(set(descriptors)) > 1:
            bad.append(f"the descriptors of part {number} are no flat line: {descriptors}")
    return bad


class Panel:
    """One of the plot's four: a name, and lines over the hours, from zero."""

    LEFT, WIDTH, HEIGHT = 70, 790, 120

    def __init__(self, top, name, value):
        self.top, self.name, self.value = top, name, value

    def draw(self, parts):
        ends = [samples[-1]["elapsed_ms"] for samples in parts]
        most = max(self.value(sample) for samples in parts for sample in samples)
        step = next(step for power in range(7) for step in (10**power, 2 * 10**power, 5 * 10**power) if most <= 4 * step)
        high = step * 4
        bottom = self.top + self.HEIGHT
        yield f'<text x="{self.LEFT}" y="{self.top - 8}" fill="#1f2328">{self.name}</text>'
        for tick in range(0, high + 1, step):
            y = bottom - self.HEIGHT * tick / high
            yield f'<path d="M{self.LEFT} {y:.1f}h{self.WIDTH}" stroke="#e1e4e8"/>'
            yield f'<text x="{self.LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#59636e">{tick}</text>'
        begun = 0
        for samples, end in zip(parts, ends):
            points = " ".join(
                f"{self.LEFT + self.WIDTH * (begun + sample['elapsed_ms']) / sum(ends):.1f},"
                f"{bottom - self.HEIGHT * self.value(sample) / high:.1f}"
                for sample in samples[:: -(-len(samples) * len(parts) // POINTS_MAX)]
            )
            yield f'<polyline points="{points}" fill="none" stroke="#0072b2" stroke-width="1.2"/>'
            begun += end
            if begun < sum(ends):
                x = self.LEFT + self.WIDTH * begun / sum(ends)
                yield f'<path d="M{x:.1f} {self.top}v{self.HEIGHT}" stroke="#b6bdc6" stroke-dasharray="3 3"/>'


def plot(parts):
    hours = sum(samples[-1]["elapsed_ms"] for samples in parts) / 3_600_000
    calls = sum(samples[-1]["calls"] for samples in parts)
    panels = [
        Panel(90, "resident memory, MiB", MEMORY["resident memory"]),
        Panel(250, "heap: allocated and not freed, MiB", MEMORY["heap"]),
        Panel(410, "threads", lambda sample: sample["threads"]),
        Panel(570, "descriptors", lambda sample: sample["fds"]),
    ]
    title = f"A soak of {calls:,} calls with faults"
    yield (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 740" width="900" height="740" font-family="sans-serif" '
        f'font-size="12" role="img">\n<title>{title}</title>\n<rect width="100%" height="100%" fill="#ffffff"/>'
    )
    yield f'<text x="24" y="34" font-size="18" font-weight="600" fill="#1f2328">{title}</text>'
    yield (
        f'<text x="24" y="54" font-size="13" fill="#59636e">over {hours:.2f} h; a dashed line is where another '
        "process begins. Of its memory, two bytes for each call are the storm's own ledger</text>"
    )
    for panel in panels:
        yield from panel.draw(parts)
    last = panels[-1]
    y = last.top + last.HEIGHT + 18
    for tick in range(5):
        x = last.LEFT + last.WIDTH * tick / 4
        yield f'<text x="{x:.1f}" y="{y}" text-anchor="middle" fill="#59636e">{hours * tick / 4:.2f} h</text>'
    yield "</svg>\n"


def save(folder, parts):
    with open(folder / "soak.csv", "w", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("part", *COLUMNS))
        for number, samples in enumerate(parts, 1):
            every = -(-len(samples) * len(parts) // POINTS_MAX)
            lines.writerows((number, *sample.values()) for sample in samples[::every])
    (folder / "soak.svg").write_text("\n".join(plot(parts)))
    print(f"soak: {folder / 'soak.csv'} and {folder / 'soak.svg'}")


def main():
    parser = argparse.ArgumentParser(prog="soak.py")
    parser.add_argument("--held", action="store_true", help="the rise of the memory is held to its limit")
    parser.add_argument("--save", type=Path, metavar="FOLDER")
    parser.add_argument("samples", nargs="+", type=Path, metavar="SAMPLES.csv")
    arguments = parser.parse_args()
    parts = [read(path) for path in arguments.samples]
    bad = judge(parts, arguments.held)
    if arguments.save:
        save(arguments.save, parts)
    for what in bad:
        print(f"soak: {what}", file=sys.stderr)
    sys.exit(1 if bad else 0)


main()
