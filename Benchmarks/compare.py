"""Times this program's training step and the authors' in turn, and says how they compare. Called by scripts/compare-with-reference.

First both take the same weights and views and must come to the same losses and the same length of the gradient. Then each row of
the table is measured in rounds: theirs, ours, theirs, ours ..., every process new, and each round gives one ratio; the table has
their median and range. Only the ratios mean anything where the machine's pace changes.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = pathlib.Path(os.environ.get("SELFPATCH_PROGRAM") or HERE.parent / ".build/release/selfpatch").resolve()
# Operations of an exact step of ViT-Small for one image with 2 views of 224 and 8 of 96 pixels, a multiply-add counted as 2.
SMALL_GFLOP = 1354 / 8

CPU_ROWS = [
    # title, size, options of ours
    ("ViT-Small, float32", "small", []),
    ("ViT-Small, float32, low memory", "small", ["--checkpoint-activations"]),
    ("ViT-Tiny, float32", "tiny", []),
    ("ViT-Small, bf16 against their float32", "small", ["--precision", "bf16"]),
]
GPU_ROWS = [
    ("ViT-Small, bf16 against their float16", "small", ["--precision", "bf16"]),
    ("ViT-Small, bf16, low memory", "small", ["--precision", "bf16", "--checkpoint-activations"]),
]


def run(command, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    if result.returncode != 0:
        sys.exit(f"compare: {' '.join(map(str, command[:3]))} ended with {result.returncode}\n{result.stderr[-2000:]}")
    return json.loads(result.stdout.strip().splitlines()[-1] if command[0] != PROGRAM else result.stdout)


def theirs(options, what, size, *more):
    return run([options.python, HERE / "reference_step.py", what, "--reference", options.reference, "--arch", f"vit_{size}",
                "--threads", options.threads, "--device", options.device, *more], options.threads)


def ours(options, *arguments):
    return run([PROGRAM, "bench", *arguments, "--device", options.device, "--threads", options.threads, "--json"], options.threads)


def check(options, size):
    with tempfile.TemporaryDirectory() as folder:
        their = theirs(options, "write", size, "--batch", 2, "--folder", folder)
        our = ours(options, "loss", "--weights", f"{folder}/checkpoint.pth", "--views", f"{folder}/views.pth")
    for name, value in their.items():
        difference = abs(our[name] - value) / abs(value)
        print(f"vit-{size}  {name:13s} theirs {value:.6f}  ours {our[name]:.6f}  difference {difference:.1e}", file=sys.stderr)
        if difference > 1e-4:
            sys.exit(f"compare: {name} differs by {difference:.1e}: these are not the same steps, so their times say nothing.")
    return {"theirs": their, "ours": our}


def row(options, title, size, arguments):
    rounds = []
    autocast = ["--autocast", "float16"] if options.device == "cuda" else []
    for number in range(options.rounds):
        their = theirs(options, "time", size, "--batch", options.batch, "--steps", options.steps, *autocast)
        our = ours(options, "step", "--random-views", "--size", size, "--batch", options.batch, "--steps", options.steps, *arguments)
        rounds.append((their, our))
        print(f"{title}, round {number + 1}: theirs {their['secondsAStep']:.3f} s, ours {our['secondsAStep']:.3f} s", file=sys.stderr)
    ratios = sorted(their["secondsAStep"] / our["secondsAStep"] for their, our in rounds)
    median = lambda side, name: statistics.median(entry[side][name] for entry in rounds)
    return {
        "title": title, "theirSeconds": median(0, "secondsAStep"), "ourSeconds": median(1, "secondsAStep"),
        "ratio": statistics.median(ratios), "lowestRatio": ratios[0], "highestRatio": ratios[-1],
        "theirPeakBytes": median(0, "peakBytes"), "ourPeakBytes": median(1, "peakBytes"), "rounds": rounds,
    }


def pipeline(options):
    """Ten views of each photograph of a folder on one core, images a processor second."""
    rounds = []
    for number in range(options.rounds):
        their = run([options.python, HERE / "reference_pipeline.py", "--reference", options.reference, "--images", options.pipeline], 1)
        our = run([PROGRAM, "bench", "augment", options.pipeline, "--json"], 1)
        rounds.append((their["imagesASecond"], our["perCore"]["median"]))
        print(f"pipeline, round {number + 1}: theirs {rounds[-1][0]:.1f}, ours {rounds[-1][1]:.1f} images/s", file=sys.stderr)
    ratios = sorted(ours / theirs for theirs, ours in rounds)
    median = lambda side: statistics.median(entry[side] for entry in rounds)
    print("| | theirs, images/s a core | ours, images/s a core | times as fast (range) |")
    print("|---|---|---|---|")
    print(f"| ten views of {their['images']} photographs | {median(0):.0f} | {median(1):.0f} | **{statistics.median(ratios):.1f}** "
          f"({ratios[0]:.1f} to {ratios[-1]:.1f}) |")
    return {"rounds": rounds, "pillow": their["pillow"], "torchvision": their["torchvision"]}


def main():
    parser = argparse.ArgumentParser(prog="scripts/compare-with-reference", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", required=True, help="a checkout of the authors' code")
    parser.add_argument("--python", default=sys.executable, help="a Python with torch, numpy and Pillow")
    parser.add_argument("--their-libtorch", action="store_true", help="our program too takes the libtorch of that Python's torch")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--batch", type=int, help="images a step (8, on a GPU 128)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, help="steps of a process that count, after one that does not (3, on a GPU 20)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose title contains this")
    parser.add_argument("--peak", type=float, default=989, help="TFLOP/s of the GPU's sheet, for the share that is reached")
    parser.add_argument("--pipeline", metavar="PHOTOS", help="compare the image pipelines on this folder of JPEGs instead of steps")
    parser.add_argument("--output", help="a file for everything, as JSON")
    options = parser.parse_args()
    if options.their_libtorch:
        lines = "import pathlib, torch; print(torch.__version__, pathlib.Path(torch.__file__).parent / 'lib')"
        version, folder = subprocess.check_output([options.python, "-c", lines], text=True).strip().split(" ", 1)
        if version.split("+")[0] != "2.11.0":
            sys.exit(f"compare: that Python has torch {version}, and the program was built for 2.11.0.")
        os.environ["LD_LIBRARY_PATH"] = ":".join(filter(None, [folder, os.environ.get("LD_LIBRARY_PATH")]))
    if options.pipeline:
        result = pipeline(options)
        if options.output:
            pathlib.Path(options.output).write_text(json.dumps(result, indent=1))
        return
    gpu = options.device == "cuda"
    options.batch = options.batch or (128 if gpu else 8)
    options.steps = options.steps or (20 if gpu else 3)
    rows = [entry for entry in (GPU_ROWS if gpu else CPU_ROWS) if options.only.lower() in entry[0].lower()]
    if not rows:
        sys.exit(f"compare: no row's title contains '{options.only}'")
    result = {"date": datetime.date.today().isoformat(), "machine": platform.platform(), "batch": options.batch,
              "threads": options.threads, "check": {size: check(options, size) for size in sorted({entry[1] for entry in rows})},
              "rows": []}
    for entry in rows:  # what is measured is kept, whatever becomes of the next
        result["rows"].append(row(options, *entry))
        if options.output:
            pathlib.Path(options.output).write_text(json.dumps(result, indent=1))
    print("| | theirs, s a step | ours, s a step | times as fast (range) | peak memory, theirs | ours | share |")
    print("|---|---|---|---|---|---|---|")
    for entry in result["rows"]:
        print(f"| {entry['title']} | {entry['theirSeconds']:.2f} | {entry['ourSeconds']:.2f} | **{entry['ratio']:.2f}** "
              f"({entry['lowestRatio']:.2f} to {entry['highestRatio']:.2f}) | {entry['theirPeakBytes'] / 1e9:.2f} GB | "
              f"{entry['ourPeakBytes'] / 1e9:.2f} GB | {entry['ourPeakBytes'] / entry['theirPeakBytes']:.2f} |")
    for entry in result["rows"] if gpu else []:
        pace = options.batch / entry["ourSeconds"]
        print(f"{entry['title']}: {pace:.0f} images/s, {100 * pace * SMALL_GFLOP / 1e3 / options.peak:.1f} % of the sheet")


main()
