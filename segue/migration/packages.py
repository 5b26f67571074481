"""Imports that fail: what the missing name is, and what to do. Only names known to be distributions are ever advised.

Anyone may publish a package under a name that a project uses for a folder, a script or an extension of its own; so a
name that is not in `KNOWN` is never something to install.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from segue.migration.source import FAMILY, Source

#: the distributions whose import name is their own
_SAME = (
    "timm einops fvcore iopath kornia albumentations scipy pandas matplotlib seaborn tqdm tensorboard "
    "tensorboardX wandb xformers natten rasterio rioxarray xarray geopandas shapely tifffile imageio imgaug "
    "h5py zarr nibabel monai torchvision torchmetrics torchaudio lightning pytorch_lightning transformers "
    "diffusers accelerate safetensors ftfy regex prettytable addict yapf terminaltables termcolor tabulate "
    "rich click fire yacs omegaconf easydict thop ptflops calflops pycocotools cityscapesscripts lvis lmdb "
    "numba cupy triton onnx onnxruntime openvino tensorrt pydicom nltk requests psutil gdown ninja packaging "
    "future six dill joblib networkx sympy segmentation_models_pytorch efficientnet_pytorch huggingface_hub "
    "peft mamba_ssm causal_conv1d flash_attn numpy torch gradio streamlit comet_ml neptune mlflow clearml "
    "dvclive aim boto3 webcolors labelme supervision ultralytics plyfile trimesh"
)
#: the name to install for the name to import
KNOWN: dict[str, str] = {
    **{name: name.replace("_", "-") for name in _SAME.split()},
    "IPython": "ipython",
    "PIL": "pillow",
    "SimpleITK": "SimpleITK",
    "cv2": "opencv-python-headless",
    "git": "gitpython",
    "open_clip": "open-clip-torch",
    "osgeo": "gdal",
    "pytorch_grad_cam": "grad-cam",
    "pywt": "PyWavelets",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "tensorboardX": "tensorboardX",
    "ts": "torchserve",
    "yaml": "pyyaml",
}
#: what a Segue environment lacks because only mmengine or mmseg required it
CAME_ALONG = ("addict", "matplotlib", "prettytable", "terminaltables", "yapf", "termcolor", "ftfy", "regex")
_MADE = re.compile(r"Extension\(|\bmake_cuda_ext\(|cpp_extension|setup\(")
_NAME = re.compile(r"(?:Extension|make_cuda_ext|load)\(\s*(?:name\s*=\s*)?['\"]([\w.]+)['\"]")
_COMPILED = re.compile(r"cuda|_ext\b|ext_|_C$|_C\.|extlib|_kernels?$|MultiScaleDeformableAttention")


@dataclass
class Own:
    """What is the project's own.

    Attributes:
        tops: first parts of the names by which its files import each other.
        places: {stem of a file or name of a folder with Python files: its path}.
        extensions: {compiled extension that it builds: the file that says so}.
    """

    tops: set[str] = field(default_factory=set)
    places: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, str] = field(default_factory=dict)

    def __contains__(self, top: object) -> bool:
        return top in self.tops


def own_of(sources: Iterable[Source], folders: Iterable[str]) -> Own:
    """What is a project's own, by its files; ``folders`` are where its imports may start."""
    found = Own()
    folders = list(folders)
    for source in sources:
        path = PurePosixPath(source.path)
        for folder in folders:
            if path.is_relative_to(folder):
                found.tops.add(path.relative_to(folder).parts[0].removesuffix(".py"))
        found.places.setdefault(path.stem, source.path)
        for parent in path.parents:
            if parent.name:
                found.places.setdefault(parent.name, f"{parent}/")
        if _MADE.search(source.text):
            for name in _NAME.findall(source.text):
                found.extensions.setdefault(name.rpartition(".")[2], source.path)
    return found


def install_name(name: str, own: Own) -> str:
    """What to install for an import that is missing; "" where it is there, the project's own, or not known."""
    top = name.partition(".")[0]
    if top in own or top in own.extensions or top in FAMILY or there(top):
        return ""
    return KNOWN.get(top, "")


def missing_said(name: str, own: Own) -> str:
    """What a module is that cannot be imported, and what to do, in one sentence.

    Args:
        name: the module's whole name, such as ``timm.models.layers.helpers``.
        own: the project's.
    """
    top = name.partition(".")[0]
    if top in FAMILY:
        return f"needs {name!r}, and {top} is not part of Segue: install it, or replace what you use of it"
    if top in own.extensions:
        return (
            f"needs {name!r}, a compiled extension that {own.extensions[top]} builds: build it, or replace what uses it"
        )
    place = own.places.get(top, "")
    if top in own and name != top:
        return f"needs {name!r}, which the project does not contain ({place or top} is there)"
    if "." in name and there(top):
        has = f"the installed {top}{version_of(top)}"
        return f"needs {name!r}, which {has} has not: the project was written for another version"
    if place and (top in own or top not in KNOWN):
        folder = str(PurePosixPath(place).parent)
        return f"needs {top!r}, which is the project's own {place}: run with PYTHONPATH={folder}"
    if top in KNOWN:
        came = "came with mmengine or mmseg and " if top in CAME_ALONG else ""
        return f"needs {top!r}, which {came}is neither in the project nor installed: pip install {KNOWN[top]}"
    if _COMPILED.search(top):
        return f"needs {top!r}, by its name a compiled extension: build it, or replace what uses it"
    return (
        f"needs {top!r}, which is neither in the project nor installed; the project's own documentation may say where "
        "it is from (a package of that name on an index can be anybody's)"
    )


def there(top: str) -> bool:
    """Whether a package can be imported; it is looked for, not imported."""
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def version_of(top: str) -> str:
    """`` 1.0.9``, or "" where that is not known."""
    names: Mapping[str, list[str]] = importlib.metadata.packages_distributions()
    for name in names.get(top, [])[:1]:
        return f" {importlib.metadata.version(name)}"
    return ""
