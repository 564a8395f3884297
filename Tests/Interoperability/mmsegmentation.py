"""mmsegmentation's own Vision Transformer, from an installation without most of what mmsegmentation imports.

Importing one backbone imports them all, with the data sets and pictures of the whole program. What none of the Vision
Transformer's lines call is answered with an empty stand-in: other packages, and mmcv's compiled operators.
"""

import importlib.abc
import importlib.machinery
import sys
import unittest.mock

ABSENT = {
    "cv2", "ftfy", "matplotlib", "mmcv.ops", "mpl_toolkits", "prettytable", "pycocotools", "regex", "rich", "scipy",
    "termcolor", "yapf",
}


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        parts = name.split(".")
        if {parts[0], ".".join(parts[:2])} & ABSENT:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return unittest.mock.MagicMock(name=spec.name, __version__="0")

    def exec_module(self, module):
        pass


def vision_transformer():
    """The class; torchvision has to be imported before."""
    stand_ins = StandIns()
    sys.meta_path.insert(0, stand_ins)
    try:
        from mmseg.models.backbones import VisionTransformer
    finally:
        sys.meta_path.remove(stand_ins)
    return VisionTransformer
