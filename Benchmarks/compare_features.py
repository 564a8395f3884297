"""Times how fast this program and PyTorch give features of ViT-S/16, in turn. Called by scripts/compare-features.

The network is timm's vit_small_patch16_224 with weights drawn from a seed, which this program reads as timm saves them. First both
take the same bytes and must come to the same class token and mean patch. Then each row of the table is measured in rounds: theirs,
ours, theirs, ours ..., every process new, and each round gives one ratio; the table has their median and range. Both sides take
bytes, normalise them, and give the last block's tokens after the final norm.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = os.environ.get("SELFPATCH_PROGRAM", HERE.parent / ".build/release/selfpatch")
MEAN, DEVIATION = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)  # timm's for this network.
ROWS = [
    # title, engine, their precision, ours
    ("PyTorch eager, float32", "eager", "float32", "float32"),
    ("PyTorch eager, bf16", "eager", "bf16", "bf16"),
    ("OpenVINO, float32", "openvino", "float32", "float32"),
]


def network():
    sys.path.insert(0, str(HERE.parent / "Tests/Interoperability"))
    import check

    declarations = check.import_torchvision()  # noqa: F841
    import timm

    torch.manual_seed(0)
    return timm.create_model("vit_small_patch16_224", num_classes=0).eval()


def normalized(views):
    shape = (1, 3, 1, 1)
    return (views.float() / 255 - torch.tensor(MEAN).view(shape)) / torch.tensor(DEVIATION).view(shape)


def write(folder):
    """Weights as timm saves them, and a batch of bytes."""
    from safetensors.torch import save_file

    (folder / "timm").mkdir()
    save_file(network().state_dict(), folder / "timm/model.safetensors")
    arguments = {"img_size": 224, "num_heads": 6}
    config = {"architecture": "vit_small_patch16_224", "num_classes": 0, "model_args": arguments,
              "pretrained_cfg": {"mean": MEAN, "std": DEVIATION, "input_size": [3, 224, 224]}}
    (folder / "timm/config.json").write_text(json.dumps(config))
    generator = torch.Generator().manual_seed(1)
    torch.save({"views": torch.randint(0, 256, (4, 3, 224, 224), generator=generator, dtype=torch.uint8)}, folder / "views.pth")


def engine(name, precision, example):
    """A function from bytes to tokens [images, 197, 384]."""
    model = network()
    if name == "eager":
        def run(views):
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                return model.forward_features(normalized(views)).float()
        return run
    import openvino

    model.forward = lambda images: model.forward_features(images)
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    example = normalized(example)
    converted = openvino.convert_model(model, example_input=example, input=[tuple(example.shape)])
    compiled = core.compile_model(converted, "CPU", settings)
    return lambda views: torch.from_numpy(compiled(normalized(views).numpy())[0])


def measure(name, precision, batch, batches, threads, views=None, features=None):
    """One process: seconds of each batch, or features of given views in a file."""
    torch.set_num_threads(threads)
    if views:
        views = torch.load(views)["views"]
        tokens = engine(name, precision, views)(views)
        numpy.savez(features, summary=tokens[:, 0].numpy(), mean_patch=tokens[:, 1:].mean(1).numpy())
        return
    views = torch.randint(0, 256, (batch, 3, 224, 224), dtype=torch.uint8)
    run = engine(name, precision, views)
    seconds = []
    for number in range(batches + 1):
        start = time.perf_counter()
        run(views)
        if number:
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"imagesASecond": batch / statistics.median(seconds), "version": torch.__version__,
                      "peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


def process(command, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    if result.returncode != 0:
        sys.exit(f"compare: {' '.join(map(str, command[:4]))} ended with {result.returncode}\n{result.stderr[-2000:]}")
    return result.stdout


def theirs(options, name, precision, *more):
    return process([sys.executable, __file__, "--engine", name, "--precision", precision, "--threads", options.threads,
                    "--batch", options.batch, "--batches", options.batches, *more], options.threads)


def ours(options, weights, precision, *more):
    text = process([PROGRAM, "bench", "features", "--weights", weights, "--precision", precision, "--threads",
                    options.threads, "--batches", options.batches, "--json", *more], options.threads)
    return json.loads(text)


def check(options, folder, name, their_precision, precision):
    """Largest difference of the features, over the largest feature."""
    from safetensors.numpy import load_file

    views = folder / "views.pth"
    theirs(options, name, their_precision, "--views", views, "--features", folder / "theirs.npz")
    ours(options, folder / "timm", precision, "--views", views, "--features", folder / "ours.safetensors")
    their, our = numpy.load(folder / "theirs.npz"), load_file(folder / "ours.safetensors")
    worst = max(numpy.abs(our[b] - their[a]).max() / numpy.abs(their[a]).max()
                for a, b in (("summary", "summary"), ("mean_patch", "mean-patch")))
    allowed = 1e-4 if precision == "float32" else 5e-2
    print(f"{name}, {precision}: features differ by {worst:.1e} of the largest", file=sys.stderr)
    if worst > allowed:
        sys.exit(f"compare: that is above {allowed:.0e}: these are not the same networks, so their times say nothing.")
    return float(worst)


def row(options, folder, title, name, their_precision, precision):
    difference = check(options, folder, name, their_precision, precision)
    rounds = []
    for number in range(options.rounds):
        their = json.loads(theirs(options, name, their_precision).splitlines()[-1])
        our = ours(options, folder / "timm", precision, "--batch", options.batch, "--side", 224)
        rounds.append((their, our))
        print(f"{title}, round {number + 1}: theirs {their['imagesASecond']:.1f}, ours {our['imagesASecond']:.1f} images/s",
              file=sys.stderr)
    ratios = sorted(our["imagesASecond"] / their["imagesASecond"] for their, our in rounds)
    def median(side, key): return statistics.median(entry[side][key] for entry in rounds)
    return {"title": title, "difference": difference, "theirs": median(0, "imagesASecond"), "ours": median(1, "imagesASecond"),
            "ratio": statistics.median(ratios), "lowestRatio": ratios[0], "highestRatio": ratios[-1],
            "theirPeakBytes": median(0, "peakBytes"), "ourPeakBytes": median(1, "peakBytes"), "rounds": rounds}


def has_openvino():
    try:
        import openvino  # noqa: F401
        return True
    except ImportError:
        print("compare: no row for OpenVINO, which this Python does not have", file=sys.stderr)
        return False


def main():
    parser = argparse.ArgumentParser(prog="scripts/compare-features", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32, help="images that go through the network together (32)")
    parser.add_argument("--batches", type=int, default=8, help="batches of a process that count, after one that does not (8)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="rows whose title contains this")
    parser.add_argument("--output", help="a file for everything, as JSON")
    for name in ("engine", "precision", "views", "features"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        return measure(options.engine, options.precision, options.batch, options.batches, options.threads, options.views,
                       options.features)
    rows = [entry for entry in ROWS if options.only.lower() in entry[0].lower() and (entry[1] != "openvino" or has_openvino())]
    if not rows:
        sys.exit(f"compare: no row's title contains '{options.only}'")
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        write(folder)
        result = [row(options, folder, *entry) for entry in rows]
    if options.output:
        pathlib.Path(options.output).write_text(json.dumps(result, indent=1))
    print("| | theirs, images/s | ours, images/s | times as fast (range) | peak memory, theirs | ours |")
    print("|---|---|---|---|---|---|")
    for entry in result:
        print(f"| {entry['title']} | {entry['theirs']:.1f} | {entry['ours']:.1f} | **{entry['ratio']:.2f}** "
              f"({entry['lowestRatio']:.2f} to {entry['highestRatio']:.2f}) | {entry['theirPeakBytes'] / 1e9:.2f} GB | "
              f"{entry['ourPeakBytes'] / 1e9:.2f} GB |")


main()
