"""Times the score of boxes and masks by this program and by pycocotools, in turn. Called by scripts/compare-coco.

Both read the same generated files (Benchmarks/generate_coco.py: 5,000 images with 100 detections each, 36,000 objects of 80
classes) in new processes, theirs, ours, theirs, ours. Every figure of the twelve has to agree within 1e-12. Times are those of
loading annotations and results, and of the score itself (pycocotools: evaluate, accumulate, summarize); each round gives
ratios, and the table has their median and range. The results have boxes alone for boxes, and for masks run lengths alone, so that
both score the same thing.
"""

import argparse
import contextlib
import io
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = os.environ.get("SELFPATCH_PROGRAM", HERE.parent / ".build/release/selfpatch")
NAMES = ["AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR1", "AR10", "AR100", "AR_small", "AR_medium", "AR_large"]


def theirs(annotations, results, kind):
    """Runs pycocotools in this process and prints its figures and times."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        truth = COCO(annotations)
        found = truth.loadRes(results)
        loaded = time.perf_counter()
        score = COCOeval(truth, found, kind)
        score.evaluate()
        score.accumulate()
        score.summarize()
        end = time.perf_counter()
    print(json.dumps({"figures": list(score.stats), "loading": loaded - start, "scoring": end - loaded}))


def run_theirs(folder, results, kind):
    text = subprocess.check_output([sys.executable, __file__, "--theirs", folder / "annotations/instances_val.json", results, kind])
    return json.loads(text)


def run_ours(folder, results, kind, threads):
    text = subprocess.check_output(
        [PROGRAM, "detect", "--score", results, "--data", folder, "--threads", str(threads), "--json"])
    report = json.loads(text)
    figures = report["report"]["boxes" if kind == "bbox" else "masks"]
    return {"figures": [-1 if figures[name] is None else figures[name] for name in NAMES],
            "loading": report["seconds"]["loading"], "scoring": report["seconds"][kind]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=0, help="of this program; 0: as many as there are cores")
    parser.add_argument("--only", choices=["bbox", "segm"])
    parser.add_argument("--data", type=pathlib.Path, help="files made before, by --keep; else they are made anew")
    parser.add_argument("--keep", type=pathlib.Path, help="make the files here and leave them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.data or options.keep or pathlib.Path(scratch)
        if not options.data:
            subprocess.check_call([sys.executable, HERE / "generate_coco.py", folder, "--images", str(options.images),
                                   "--objects", str(options.images * 36 // 5), "--masks"])
        with open(folder / "results.json") as file:
            results = json.load(file)
        files = {}
        for kind, left_out in [("bbox", "segmentation"), ("segm", "bbox")]:
            files[kind] = folder / f"results-{kind}.json"
            with open(files[kind], "w") as file:
                json.dump([{key: value for key, value in found.items() if key != left_out} for found in results], file)
        del results
        print("| scored | | pycocotools, s | selfpatch, s | ratio, median (range) |\n|---|---|---|---|---|")
        for kind, words in [("bbox", "boxes"), ("segm", "masks")]:
            if options.only not in (None, kind):
                continue
            rounds = []
            for _ in range(options.rounds):
                a, b = run_theirs(folder, files[kind], kind), run_ours(folder, files[kind], kind, options.threads)
                worst = max(abs(x - y) for x, y in zip(a["figures"], b["figures"]))
                if worst > 1e-12:
                    sys.exit(f"{kind}: the figures differ by {worst}:\n  {a['figures']}\n  {b['figures']}")
                rounds.append((a, b))
            for part in ["loading", "scoring", "both"]:
                pairs = [[sum(side[key] for key in (["loading", "scoring"] if part == "both" else [part])) for side in pair]
                         for pair in rounds]
                ratios = [a / b for a, b in pairs]
                left, right = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
                print(f"| {words} | {part} | {left:.2f} | {right:.2f} | {statistics.median(ratios):.1f} "
                      f"({min(ratios):.1f} to {max(ratios):.1f}) |", flush=True)


if __name__ == "__main__":
    if "--theirs" in sys.argv:
        theirs(*sys.argv[sys.argv.index("--theirs") + 1:])
    else:
        main()
