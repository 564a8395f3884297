"""The authors' image pipeline on one core, for scripts/compare-with-reference: ten views of each JPEG of a folder, again and again.

Files are read into memory first. Processor time counts, so that other programs disturb little. Run by the Python that has torch,
torchvision and Pillow.

    reference_pipeline.py --reference DIR --images PHOTOS --seconds 8        images a processor second, as one JSON line
"""

import argparse
import io
import json
import pathlib
import random
import statistics
import time

import PIL
import torch
from PIL import Image

import reference_step


def torchvision_alone():
    """torchvision, also where its compiled operators are another torch's: no transform needs any, so none is registered."""
    register = torch.library.register_fake
    torch.library.register_fake = lambda *names, **options: lambda function: function
    try:
        import torchvision
    finally:
        torch.library.register_fake = register
    return torchvision


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", required=True)
    parser.add_argument("--images", required=True, type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random.seed(0)
    torchvision = torchvision_alone()
    augment = reference_step.authors_modules(options.reference)[0].DataAugmentationDINO((0.25, 1.0), (0.05, 0.25), 8)
    files = [path.read_bytes() for path in sorted(options.images.iterdir()) if path.suffix.lower() in (".jpg", ".jpeg")]
    paces, begin = [], time.process_time()
    while len(paces) < 2 or time.process_time() - begin < options.seconds:
        start = time.process_time()
        for data in files:
            views = augment(Image.open(io.BytesIO(data)).convert("RGB"))
        paces.append(len(files) / (time.process_time() - start))
    assert [tuple(view.shape) for view in views] == [(3, 224, 224)] * 2 + [(3, 96, 96)] * 8
    print(json.dumps({"imagesASecond": statistics.median(paces[1:]), "images": len(files), "pillow": PIL.__version__,
                      "torchvision": torchvision.__version__}))


main()
