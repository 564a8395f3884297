"""Times reading regions of feature maps and suppressing boxes, by torchvision and by this program, in turn. Called by
scripts/compare-detection.

This program draws maps, regions and boxes, and writes them with what it makes of them; torchvision takes the same and must come to the
same pooled regions, gradients and kept boxes. Then each case is measured in rounds: theirs, ours, theirs, ours ..., every process
new, and each round gives one ratio, of the fastest repetitions, for other work on the machine only ever adds to them; the table has
the ratios' median and range. torchvision computes RoIAlign on one thread whatever it is given.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import torchvision
from safetensors.torch import load_file
from torchvision.ops import nms, roi_align

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = os.environ.get("SELFPATCH_PROGRAM", HERE.parent / ".build/release/selfpatch")
STRIDES = (4, 8, 16, 32)
OVERLAP = 0.7
CASES = [(1000, 7, 2000), (512, 7, 4800), (128, 14, 1000)]  # regions, bins in either direction, boxes
KINDS = ("forward", "forwardAndBackward", "suppression")


def titles(regions, size, boxes):
    return (f"{regions:,} regions, {size} x {size}, forward", f"{regions:,} regions, {size} x {size}, forward and backward",
            f"suppression of {boxes:,} boxes")


def pooled(tensors, size):
    return [roi_align(tensors[f"p{level}-map"], tensors[f"p{level}-regions"], size, 1 / stride, 0, True)
            for level, stride in enumerate(STRIDES, 2)]


def forward_and_backward(tensors, size):
    for level in range(2, 6):
        tensors[f"p{level}-map"].requires_grad_().grad = None
    torch.autograd.backward(pooled(tensors, size), [tensors[f"p{level}-upstream"] for level in range(2, 6)])


def suppressed(tensors):
    return nms(tensors["boxes"], tensors["scores"], OVERLAP)


def measure(file, size, repetitions, threads):
    """One process: the fastest of each kind, in seconds."""
    torch.set_num_threads(threads)
    tensors = load_file(file)
    result = {}
    # The forward by itself comes first: after it the maps ask for gradients.
    for kind, body in zip(KINDS, (lambda: pooled(tensors, size), lambda: forward_and_backward(tensors, size),
                                  lambda: suppressed(tensors))):
        seconds = []
        for number in range(repetitions + 1):
            start = time.perf_counter()
            body()
            if number:
                seconds.append(time.perf_counter() - start)
        result[kind] = {"fastest": min(seconds)}
    print(json.dumps(result))


def check(file, size):
    """Largest difference of pooled regions and gradients over the largest of either; kept boxes must be the same ones."""
    tensors = load_file(file)
    forward_and_backward(tensors, size)
    with torch.no_grad():
        outputs, worst = pooled(tensors, size), 0
    for level, output in enumerate(outputs, 2):
        for mine, their in ((f"p{level}-pooled", output), (f"p{level}-gradient", tensors[f"p{level}-map"].grad)):
            if their.numel():
                worst = max(worst, float((tensors[mine] - their).abs().max() / their.abs().max()))
    same = torch.equal(tensors["kept"], suppressed(tensors))
    print(f"{size} x {size}: regions and gradients differ by {worst:.1e} of the largest, kept boxes "
          f"{'are the same' if same else 'differ'}", file=sys.stderr)
    if worst > 1e-5 or not same:
        sys.exit("compare: these are not the same computations, so their times say nothing.")
    return worst


def process(command, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    if result.returncode != 0:
        sys.exit(f"compare: {' '.join(map(str, command[:4]))} ended with {result.returncode}\n{result.stderr[-2000:]}")
    return json.loads(result.stdout)


def rows(options, folder, regions, size, boxes):
    file = folder / "drawn.safetensors"

    def ours(*more):
        return process([PROGRAM, "bench", "regions", "--regions", regions, "--size", size, "--boxes", boxes, "--overlap", OVERLAP,
                        "--threads", options.threads, "--repetitions", options.repetitions, "--json", *more], options.threads)

    ours("--tensors", file)
    difference = check(file, size)
    rounds = []
    for number in range(options.rounds):
        their = process([sys.executable, __file__, "--measure", file, "--size", size, "--threads", options.threads,
                         "--repetitions", options.repetitions], options.threads)
        rounds.append((their, ours()))
    for kind, title in zip(KINDS, titles(regions, size, boxes)):
        pairs = [(their[kind]["fastest"], our[kind]["fastest"]) for their, our in rounds]
        ratios = sorted(their / our for their, our in pairs)
        yield {"title": title, "difference": difference, "theirs": statistics.median(pair[0] for pair in pairs),
               "ours": statistics.median(pair[1] for pair in pairs), "ratio": statistics.median(ratios),
               "lowestRatio": ratios[0], "highestRatio": ratios[-1], "rounds": pairs}


def main():
    parser = argparse.ArgumentParser(prog="scripts/compare-detection", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=8, help="of a process that count, after one that does not (8)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", help="a file for everything, as JSON")
    for name in ("measure", "size"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return measure(options.measure, int(options.size), options.repetitions, options.threads)
    with tempfile.TemporaryDirectory() as place:
        result = [row for case in CASES for row in rows(options, pathlib.Path(place), *case)]
    if options.output:
        pathlib.Path(options.output).write_text(json.dumps(result, indent=1))
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, {options.threads} threads\n")
    print("| | theirs, ms | ours, ms | times as fast (range) |")
    print("|---|---|---|---|")
    for entry in result:
        print(f"| {entry['title']} | {1e3 * entry['theirs']:.2f} | {1e3 * entry['ours']:.2f} | **{entry['ratio']:.2f}** "
              f"({entry['lowestRatio']:.2f} to {entry['highestRatio']:.2f}) |")


main()
