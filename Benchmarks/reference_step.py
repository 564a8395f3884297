"""The authors' training step, for scripts/compare-with-reference: timed, or once on given views.

Their modules are imported from a checkout of their code; what those import without needing it for a step is replaced by empty
modules. Run by the Python that has torch.

    reference_step.py time --reference DIR --arch vit_small --batch 8 --steps 4        seconds a step, as one JSON line
    reference_step.py write --reference DIR --arch vit_small --batch 2 --folder OUT    weights, views and their losses
"""

import argparse
import importlib
import json
import pathlib
import resource
import statistics
import sys
import time
import types

import torch

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Anything(types.ModuleType):
    """A module that has whatever it is asked for, as a class that does nothing."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda self, *a, **k: None})


def authors_modules(folder):
    sys.path.insert(0, folder)
    for name in ("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.models", "timm", "timm.data",
                 "timm.data.constants"):
        try:
            importlib.import_module(name)
        except (ImportError, RuntimeError):  # not there, or made for another torch
            sys.modules[name] = Anything(name)
    return [importlib.import_module(name) for name in ("main_selfpatch", "selfpatch_vision_transformer", "utils")]


class Reference:
    """Student, teacher, loss and optimiser as the authors' training script sets them up."""

    def __init__(self, options, drop_path):
        self.options = options
        self.main, self.vits, self.utils = authors_modules(options.reference)
        store = torch.distributed.HashStore()
        torch.distributed.init_process_group(
            "nccl" if options.device == "cuda" else "gloo", store=store, rank=0, world_size=1)
        torch.manual_seed(0)
        self.student, self.teacher = self.network(drop_path), self.network(0.0)
        self.teacher.load_state_dict(self.student.state_dict())
        for parameter in self.teacher.parameters():
            parameter.requires_grad = False
        self.loss = self.main.DINOLoss(
            options.image_prototypes, options.patch_prototypes, options.locals + 2, 0.04, 0.04, 0, 300).to(options.device)
        self.optimizer = torch.optim.AdamW(self.utils.get_params_groups(self.student), lr=1e-4, weight_decay=0.04)
        self.scaler = torch.amp.GradScaler("cuda") if options.autocast == "float16" else None

    def network(self, drop_path):
        options = self.options
        backbone = self.vits.__dict__[options.arch](patch_size=16, drop_path_rate=drop_path)
        width = backbone.embed_dim
        return self.main.MultiCropWrapper(
            backbone, self.vits.SelfPatchHead(width, backbone.num_heads, 4),
            self.vits.DINOHead(width, options.image_prototypes, norm_last_layer=True),
            self.vits.DINOHead(width, options.patch_prototypes, norm_last_layer=True)).to(options.device)

    def losses(self, views):
        options = self.options
        with torch.autocast(options.device, getattr(torch, options.autocast or "float32"), enabled=bool(options.autocast)):
            with torch.no_grad():
                targets = [self.teacher(group, loc=True) for group in views]
            given = [self.student(group, loc=False) for group in views]
            return self.loss(self.teacher, self.student, given, targets, 1, 0)

    def step(self, views):
        loss = self.losses(views)[0]
        self.optimizer.zero_grad()
        if self.scaler:
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            self.utils.clip_gradients(self.student, 3.0)
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            loss.backward()
            self.utils.clip_gradients(self.student, 3.0)
            self.optimizer.step()
        with torch.no_grad():
            for mine, follower in zip(self.student.parameters(), self.teacher.parameters()):
                follower.data.mul_(0.996).add_(0.004 * mine.detach().data)
        return loss


def timed(options):
    reference = Reference(options, drop_path=0.1)
    views = [torch.randn(count * options.batch, 3, side, side, device=options.device)
             for count, side in ((2, 224), (options.locals, 96))]
    seconds = []
    for _ in range(options.steps + options.warmup):
        start = time.perf_counter()
        reference.step(views).item()
        seconds.append(time.perf_counter() - start)
    peak = (torch.cuda.max_memory_allocated() if options.device == "cuda"
            else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    print(json.dumps({"secondsAStep": statistics.median(seconds[options.warmup:]), "peakBytes": peak,
                      "torch": torch.__version__}))


def written(options):
    torch.backends.cudnn.allow_tf32 = False  # numbers are compared, and ours are float32
    folder = pathlib.Path(options.folder)
    reference = Reference(options, drop_path=0.0)
    generator = torch.Generator().manual_seed(1)
    pixels = [torch.randint(0, 256, (count * options.batch, 3, side, side), generator=generator, dtype=torch.uint8)
              for count, side in ((2, 224), (options.locals, 96))]
    shape = (1, 3, 1, 1)
    mean, deviation = torch.tensor(MEAN).reshape(shape), torch.tensor(DEVIATION).reshape(shape)
    total, image, patch = reference.losses([((group / 255 - mean) / deviation).to(options.device) for group in pixels])
    total.backward()
    squares = sum(float((parameter.grad.double() ** 2).sum())
                  for parameter in reference.student.parameters() if parameter.grad is not None)
    students = {"module." + name: tensor.cpu() for name, tensor in reference.student.state_dict().items()}
    teachers = {name: tensor.cpu() for name, tensor in reference.teacher.state_dict().items()}
    torch.save({"student": students, "teacher": teachers, "args": argparse.Namespace(arch=options.arch, patch_size=16)},
               folder / "checkpoint.pth")
    torch.save({"global": pixels[0], "local": pixels[1]}, folder / "views.pth")
    print(json.dumps({"loss": total.item(), "imageLoss": image, "patchLoss": patch, "gradientNorm": squares ** 0.5}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["time", "write"])
    parser.add_argument("--reference", required=True)
    parser.add_argument("--arch", default="vit_small")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--locals", type=int, default=8)
    parser.add_argument("--image-prototypes", type=int, default=65536)
    parser.add_argument("--patch-prototypes", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--autocast", default="", choices=["", "float16", "bfloat16"])
    parser.add_argument("--folder")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    (timed if options.what == "time" else written)(options)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
