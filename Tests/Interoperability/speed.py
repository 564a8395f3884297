"""ONNX Runtime's speed with a model of selfpatch's, beside the same network as torch.onnx.export writes it.

ViT-S/16 at 224, float32. Both are timed in turn, each time in a process of its own: two pools of threads in one disturb each
other. What is compared is the best of all rounds, which other programs at work spoil least.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import onnxruntime

THREADS = 2
ROUNDS = 6


def measure(path, batch):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    images = numpy.random.default_rng(0).standard_normal((batch, 3, 224, 224)).astype("float32")
    feed = {session.get_inputs()[0].name: images}
    session.run(None, feed)
    times = []
    end = time.perf_counter() + 2.5
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - start)
    return batch / min(times)


def write_models(folder):
    import check

    declarations = check.import_torchvision()  # noqa: F841
    import timm
    import torch

    torch.manual_seed(0)
    arguments = dict(class_token=False, global_pool="avg", final_norm=False)
    model = timm.create_model("vit_small_patch16_224", num_classes=0, **arguments).eval()
    # Written as timm's exporter sees it best: attention as products, which opset 17 has.
    for block in model.blocks:
        block.attn.fused_attn = False
    model.forward = model.forward_features
    theirs = folder / "pytorch.onnx"
    torch.onnx.export(
        model, (torch.zeros(2, 3, 224, 224),), str(theirs), opset_version=17, dynamo=False, input_names=["images"],
        output_names=["patches"], dynamic_axes={"images": {0: "batch"}, "patches": {0: "batch"}})
    (folder / "timm").mkdir()
    check.safetensors.torch.save_file(model.state_dict(), folder / "timm/model.safetensors")
    config = {"architecture": "vit_small_patch16_224", "model_args": {"img_size": 224, "num_heads": 6, **arguments}}
    (folder / "timm/config.json").write_text(json.dumps(config))
    ours = folder / "selfpatch.onnx"
    check.selfpatch("export", "--weights", folder / "timm", "--to", "onnx", "--features", "patches", "--output", ours)

    images = numpy.random.default_rng(0).standard_normal((2, 3, 224, 224)).astype("float32")
    found = [check.session(path).run(["patches"], {"images": images})[0] for path in (ours, theirs)]
    check.agree("both models give the same patches", *found)
    return {"selfpatch": ours, "PyTorch": theirs}


def main():
    with tempfile.TemporaryDirectory() as place:
        models = write_models(pathlib.Path(place))
        worst = 1e9
        for batch in (1, 16):
            speeds = {name: [] for name in models}
            for _ in range(ROUNDS):
                for name, path in models.items():
                    run = subprocess.run(
                        [sys.executable, __file__, str(path), str(batch)], capture_output=True, text=True, check=True)
                    speeds[name].append(float(run.stdout))
            best = {name: max(values) for name, values in speeds.items()}
            medians = {name: statistics.median(values) for name, values in speeds.items()}
            ratio = best["selfpatch"] / best["PyTorch"]
            worst = min(worst, ratio)
            print(
                f"batch {batch}: selfpatch {best['selfpatch']:.1f} images/s, PyTorch's export {best['PyTorch']:.1f}: "
                f"{ratio:.2f} x (medians {medians['selfpatch'] / medians['PyTorch']:.2f} x)", flush=True)
    return 0 if worst >= 0.95 else 1


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(measure(sys.argv[1], int(sys.argv[2])))
    else:
        sys.exit(main())
