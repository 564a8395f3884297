"""What other programs make of selfpatch's files: see scripts/interoperability.

Every golden checkpoint is exported each way and read by the programs that the way leads to; their features are held against
those that the checkpoint's own code gave. The last line says how many checks passed; the exit code is 1 where one did not.
"""

import ast
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import mmsegmentation
import numpy
import onnx
import onnxruntime
import safetensors
import safetensors.numpy
import safetensors.torch
import torch

torch.set_num_threads(2)
repository = pathlib.Path(__file__).resolve().parents[2]
program = os.environ.get("SELFPATCH_PROGRAM") or str(repository / ".build/release/selfpatch")

results = []


def check(what, passed, figure=""):
    results.append(passed)
    print(f"{'ok    ' if passed else 'FAILED'} {what} {figure}", flush=True)


def difference(ours, theirs):
    """Largest difference, relative to the largest number."""
    if ours.shape != theirs.shape:
        return float("inf")
    return float(numpy.abs(ours.astype("float64") - theirs).max() / numpy.abs(theirs).max())


def agree(what, ours, theirs, tolerance=1e-4):
    found = difference(ours, theirs)
    check(what, found <= tolerance, f"{found:.1e}")


def selfpatch(*arguments):
    run = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"selfpatch {' '.join(map(str, arguments))}\n{run.stderr}")
    return run.stdout


def roots():
    """The goldens in the repository, or those that SELFPATCH_GOLDEN names; with --all those of SELFPATCH_SHARED too."""
    chosen = os.environ.get("SELFPATCH_GOLDEN")
    shared = os.environ.get("SELFPATCH_SHARED")
    yield pathlib.Path(chosen) if chosen else repository / "Tests/Goldens"
    if shared and not chosen and "--all" in sys.argv:
        yield pathlib.Path(shared) / "golden"


class Golden:
    def __init__(self, folder):
        self.folder = folder
        self.case = json.loads((folder / "expected.json").read_text())
        self.tensors = safetensors.torch.load_file(folder / self.case["features"])
        self.network = self.case["networks"][0]
        size = self.case["sizes"]["own"]
        self.own_size = (size["height"], size["width"])

    def images(self, size):
        norm = self.case["normalisation"]
        pixels = self.tensors[f"images.{size}"].permute(0, 3, 1, 2).float() / 255
        mean, deviation = (torch.tensor(norm[key]).view(-1, 1, 1) for key in ("mean", "std"))
        return (pixels - mean) / deviation

    def outputs(self):
        """Features that the checkpoint's own code gave: size, kind, numbers."""
        for output in self.case["outputs"]:
            if output["network"] == self.network:
                yield output["size"], output["kind"], self.tensors[output["tensor"]].numpy()

    def export(self, to, output, *options):
        if self.case["heads_from"] == "option":
            options += ("--heads", self.case["architecture"]["heads"])
        return selfpatch("export", "--weights", self.folder / self.case["files"][0], "--to", to, "--output", output, *options)


def goldens():
    seen = set()
    for root in roots():
        for file in sorted((root / "checkpoints").rglob("expected.json")):
            name = str(file.parent.relative_to(root / "checkpoints"))
            if name not in seen:
                seen.add(name)
                yield name, Golden(file.parent)


def import_torchvision():
    """timm imports torchvision, whose compiled half may be for another torch than this one: nothing of it is called here, so
    the operators that its Python half asks for are declared without being there."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for _ in range(20):
        try:
            import torchvision  # noqa: F401

            return library  # Its declarations last as long as somebody holds it.
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if not missing:
                raise
            for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[module]
            library.define(f"{missing[1]}(Tensor boxes) -> Tensor")
    raise RuntimeError("torchvision cannot be imported")


def check_timm(name, golden, folder):
    import timm
    from timm.models.vision_transformer import VisionTransformer

    said = golden.export("timm", folder)
    model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    prefix = model.num_prefix_tokens
    images = golden.images("own")
    with torch.no_grad():
        patches = model.forward_features(images)[:, prefix:].numpy()
    for size, kind, expected in golden.outputs():
        if size == "own" and kind == "patches":
            # timm norms 1e-6, and has no place for another epsilon in its configuration.
            tolerance = 1e-4 if golden.case["architecture"]["epsilon"] == 1e-6 else 5e-3
            agree(f"{name}: timm's patches", patches, expected, tolerance)
        if size == "own" and kind == "pooled":
            with torch.no_grad():
                agree(f"{name}: timm's pooled features", model(images).numpy(), expected)
    line = next(line for line in said.splitlines() if "VisionTransformer(" in line)
    call = ast.parse(line[line.index("VisionTransformer(") :], mode="eval").body
    by_hand = VisionTransformer(**{word.arg: ast.literal_eval(word.value) for word in call.keywords})
    outcome = by_hand.load_state_dict(safetensors.torch.load_file(folder / "model.safetensors"), strict=True)
    check(f"{name}: timm loads strictly with the printed arguments", not outcome.missing_keys)


def check_authors(name, golden, path):
    golden.export("authors", path)
    written = torch.load(path, weights_only=True)
    check(f"{name}: --to authors has no prefixes", set(map(type, written.values())) == {torch.Tensor})
    if golden.case["origin"] == "selfpatch-backbone":
        theirs = torch.load(golden.folder / golden.case["files"][0], weights_only=True)
        same = list(written) == list(theirs) and all(torch.equal(written[key], theirs[key]) for key in theirs)
        check(f"{name}: --to authors is the authors' own file, to the bit", same)


def check_mmseg(name, golden, path):
    """Loaded strictly by mmsegmentation's own Vision Transformer, with the arguments that the export prints."""
    architecture = golden.case["architecture"]
    said = golden.export("mmseg", path)
    line = next(line for line in said.splitlines() if line.startswith("img_size="))
    model = mmsegmentation.vision_transformer()(**eval(f"dict({line})", {"__builtins__": {}, "dict": dict}))
    model.eval()
    weights = torch.load(path, weights_only=True)
    model.load_state_dict(weights, strict=True)
    # Its rule for other sizes is this one; elsewhere the features are the same on the own grid alone.
    sizes = golden.case["sizes"] if golden.case["position_rule"] == "bicubic-size" else ["own"]
    for size, kind, expected in golden.outputs():
        if size in sizes and kind == "patches":
            with torch.no_grad():
                (maps,) = model(golden.images(size))
            agree(f"{name}: mmsegmentation's patches, {size}", maps.flatten(2).transpose(1, 2).numpy(), expected)

    if not (architecture["class_token"] or architecture["final_norm"]):
        # The fork's names are the same, without what mmsegmentation always has.
        golden.export("mmseg-authors", path)
        theirs = torch.load(path, weights_only=True)
        stock = dict(weights, pos_embed=weights["pos_embed"][:, 1:])
        unused = [stock.pop("cls_token"), weights["pos_embed"][:, :1]]
        same = stock.keys() == theirs.keys() and all(torch.equal(stock[key], theirs[key]) for key in stock)
        check(f"{name}: --to mmseg-authors has the same weights", same and not any(map(torch.any, unused)))


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check_onnx(name, golden, path):
    given = {kind for _, kind, _ in golden.outputs()}
    summary = next((kind for kind in ("summary", "pooled", "class") if kind in given), "none")
    kinds = {"patches": "patches", summary: "image_summary"}
    for number, tolerance in (("float32", 1e-4), ("float16", 1e-2)):
        golden.export("onnx", path, "--size", "any", "--type", number)
        onnx.checker.check_model(str(path), full_check=True)
        model = session(path)
        for size, kind, expected in golden.outputs():
            if kind in kinds:
                images = golden.images(size).numpy().astype(number)
                found = model.run([kinds[kind]], {"images": images})[0]
                agree(f"{name}: ONNX Runtime, {number}, {size}: {kind}", found, expected, tolerance)
    mean = json.loads(model.get_modelmeta().custom_metadata_map["mean"])
    check(f"{name}: ONNX metadata", mean == golden.case["normalisation"]["mean"])

    # Of a fixed size the positions are resized by selfpatch, not in the graph. One more pixel than the own size: there the
    # authors' rule differs although the grid is the table's.
    height, width = golden.own_size
    for height, width in ((height, width), (height, width + 1)):
        golden.export("onnx", path, "--size", "any", "--features", "patches")
        images = numpy.random.default_rng(1).standard_normal((3, 3, height, width)).astype("float32")
        any_size = session(path).run(None, {"images": images})
        golden.export("onnx", path, "--size", f"{height}x{width}", "--features", "patches")
        fixed = session(path).run(None, {"images": images})
        check(f"{name}: ONNX gives what was asked for", len(any_size) == len(fixed) == 1)
        agree(f"{name}: ONNX Runtime, fixed size {height} x {width}", any_size[0], fixed[0])


def check_safetensors(name, golden, path):
    golden.export("safetensors", path)
    with safetensors.safe_open(path, "pt") as file:
        keys = list(file.keys())
        check(f"{name}: safetensors reads ours", "backbone.pos_embed" in keys and file.metadata()["format"].startswith("selfpatch"))


def check_embed(name, golden, folder):
    """Rows of NumPy and safetensors are the same, whole and half, and numpy maps them."""
    from PIL import Image

    (folder / "images").mkdir(parents=True)
    for index in range(3):
        pixels = numpy.random.default_rng(index).integers(0, 255, (90, 120, 3), "uint8")
        Image.fromarray(pixels).save(folder / "images" / f"{index}.png")
    (folder / "images" / "broken.jpg").write_bytes(b"no picture")
    options = ["--weights", golden.folder / golden.case["files"][0]]
    if golden.case["heads_from"] == "option":
        options += ["--heads", golden.case["architecture"]["heads"]]
    for output in ("a.npy", "b.safetensors"):
        selfpatch("embed", folder / "images", *options, "--output", folder / output)
    features = numpy.load(folder / "a.npy", mmap_mode="r")
    names = (folder / "a.names.txt").read_text().split("\n")[:-1]
    check(f"{name}: numpy reads embed's rows", features.shape == (3, golden.case["architecture"]["width"]))
    check(f"{name}: each row has its name", names == ["0.png", "1.png", "2.png"])
    check(f"{name}: what was skipped is named", "broken.jpg" in (folder / "a.skipped.txt").read_text())
    tensors = safetensors.numpy.load_file(folder / "b.safetensors")
    check(f"{name}: safetensors reads the same", numpy.array_equal(tensors["features"], features))
    selfpatch(
        "embed", folder / "images", *options, "--features", "dense", "--type", "float16", "--output", folder / "c.npy")
    dense = numpy.load(folder / "c.npy")
    rows, columns = golden.case["sizes"]["own"]["grid"]
    check(f"{name}: dense rows", dense.shape == (3, rows, columns, features.shape[1]) and dense.dtype == "float16")


def main():
    declarations = import_torchvision()  # noqa: F841
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        for index, (name, golden) in enumerate(goldens()):
            architecture = golden.case["architecture"]
            check_safetensors(name, golden, place / f"{index}.safetensors")
            check_timm(name, golden, place / f"timm-{index}")
            check_onnx(name, golden, place / f"{index}.onnx")
            check_embed(name, golden, place / f"embed-{index}")
            if not (architecture["class_token"] or architecture["final_norm"] or architecture.get("pooled_norm")):
                check_authors(name, golden, place / f"{index}.pth")
            if not (architecture["register_tokens"] or architecture.get("pooled_norm")):
                check_mmseg(name, golden, place / f"mmseg-{index}.pth")
    print(f"{sum(results)} of {len(results)} checks passed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
