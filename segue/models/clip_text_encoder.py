"""CLIP's text encoder (Radford et al. 2021, arXiv:2103.00020): class names to vectors that images are compared with.

Deviations: vectors that were computed once are computed again when the weights have changed; texts are cut after the
longest one (what follows a text's end cannot influence it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.config.builder.find import find
from segue.errors import InputError
from segue.layers.activation import QuickGELU
from segue.layers.clip_layer import CLIPLayer
from segue.layers.clip_prompts import TEMPLATES
from segue.layers.clip_tokenizer import clip_tokenizer
from segue.layers.norm import LN, Norm

#: class of the dataset that ``dataset_name`` means, by that name without marks and case
DATASETS = {
    "cityscapes": "CityscapesDataset",
    "ade": "ADE20KDataset",
    "ade20k": "ADE20KDataset",
    **dict.fromkeys(("voc", "pascalvoc", "voc12", "voc12aug"), "PascalVOCDataset"),
    **dict.fromkeys(("pcontext", "pascalcontext", "voc2010"), "PascalContextDataset59"),
    **dict.fromkeys(("cocostuff", "cocostuff10k", "cocostuff164k"), "COCOStuffDataset"),
    "loveda": "LoveDADataset",
    "potsdam": "PotsdamDataset",
    "vaihingen": "ISPRSDataset",
    "isaid": "iSAIDDataset",
    "stare": "STAREDataset",
    "lip": "LIPDataset",
    "mapillaryv1": "MapillaryDataset_v1",
    "mapillaryv2": "MapillaryDataset_v2",
    "bdd100k": "BDD100KDataset",
}


class CLIPTextEncoder(nn.Module):
    """A frozen transformer over prompts; a class is the mean over its prompts. Only ``bg_embed`` is trained.

    Args:
        dataset_name: whose classes are encoded, without a first class ``background``.
        vocabulary: class names instead.
        templates: name of a set of prompts (``vild``, ``imagenet``), or prompts with ``{}`` for the class.
        total_vocab_size, context_length: tokens that are known, and longest text.
        embed_dims, num_layers, num_heads, mlp_ratio, output_dims: of the transformer; of the vectors.
        cache_feature: keep the vectors of the classes.
        cat_bg: add a learned vector for "none of them".
        norm: the last one.
        bpe_path: file of CLIP's vocabulary (``bpe_simple_vocab_16e6.txt.gz``); by default it is downloaded.

    Raises:
        InputError: neither or both of ``dataset_name`` and ``vocabulary``; an unknown dataset or set of prompts.
    """

    def __init__(
        self,
        *,
        dataset_name: str | None = None,
        vocabulary: Sequence[str] | None = None,
        templates: str | Sequence[str] = "vild",
        total_vocab_size: int = 49408,
        context_length: int = 77,
        embed_dims: int = 512,
        num_layers: int = 12,
        num_heads: int = 8,
        mlp_ratio: float = 4,
        output_dims: int = 512,
        cache_feature: bool = True,
        cat_bg: bool = True,
        norm: Norm = LN,
        bpe_path: str | Path | None = None,
    ) -> None:
        super().__init__()
        if (dataset_name is None) == (vocabulary is None):
            raise InputError("CLIPTextEncoder: give either dataset_name or vocabulary")
        if isinstance(templates, str) and templates not in TEMPLATES:
            raise InputError(
                f"CLIPTextEncoder: there is no set of prompts {templates!r}; there are: {', '.join(TEMPLATES)}, "
                "or give a list of prompts with {} for the class"
            )
        self.classes = list(vocabulary) if vocabulary is not None else dataset_classes(str(dataset_name))
        self.templates = TEMPLATES[templates] if isinstance(templates, str) else tuple(templates)
        self.context_length = context_length
        self.bpe_path = bpe_path
        self.cache_feature = cache_feature
        self._cache: tuple[Any, Tensor] | None = None
        self.token_embedding = nn.Embedding(total_vocab_size, embed_dims)
        self.positional_embedding = nn.Parameter(torch.empty(context_length, embed_dims))
        self.text_projection = nn.Parameter(torch.empty(embed_dims, output_dims))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.transformer = nn.ModuleList(
            CLIPLayer(embed_dims, num_heads, int(mlp_ratio * embed_dims), act=QuickGELU) for _ in range(num_layers)
        )
        self.ln_final = norm(embed_dims)
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.positional_embedding, std=0.01)
        nn.init.normal_(self.text_projection, std=embed_dims**-0.5)
        for parameter in self.parameters():
            parameter.requires_grad = False
        self.bg_embed = nn.Parameter(torch.randn(1, output_dims) * output_dims**-0.5) if cat_bg else None

    def forward(self) -> Tensor:
        """(classes, output_dims), or one more where there is a background: unit vectors times the logits' scale."""
        found = self.encoded()
        if self.bg_embed is not None:
            found = F.normalize(torch.cat([found, self.bg_embed]), dim=-1)
        return self.logit_scale.exp() * found

    def encoded(self) -> Tensor:
        """The unit vectors (classes, output_dims) of the classes; in an export those of `settle`."""
        if torch.compiler.is_exporting() and self._cache is not None:
            return self._cache[1]
        if not self.cache_feature:
            return self._encode()
        state = self._state()
        if self._cache is None or self._cache[0] != state:
            self._cache = (state, self._encode())
        return self._cache[1]

    def settle(self) -> None:
        """Compute the vectors now, so that an export holds them and not the transformer that makes them."""
        self._cache = (self._state(), self._encode())

    def _state(self) -> tuple[torch.device, torch.dtype, int]:
        """What the vectors that were computed hold for."""
        frozen = [p for p in self.parameters() if p is not self.bg_embed]
        return self.text_projection.device, self.text_projection.dtype, sum(p._version for p in frozen)

    def _encode(self) -> Tensor:
        tokenizer = clip_tokenizer(self.bpe_path)
        # Also under inference_mode: training may use these vectors later.
        with torch.inference_mode(False), torch.no_grad():
            per_template = []
            for template in self.templates:
                tokens = tokenizer([template.format(name) for name in self.classes], self.context_length)
                per_template.append(F.normalize(self.encode_text(tokens), dim=-1))
            return F.normalize(torch.stack(per_template).mean(dim=0), dim=-1)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Tokens (N, L) int64 to (N, output_dims); the largest token ends a text, and its place is read."""
        ends = tokens.argmax(dim=1)
        length = int(ends.max()) + 1
        tokens = tokens[:, :length].to(self.token_embedding.weight.device)
        x = self.token_embedding(tokens) + self.positional_embedding[:length]
        mask = x.new_full((length, length), -math.inf).triu(1)
        for layer in self.transformer:
            x = layer(x, mask)
        x = self.ln_final(x)
        vectors: Tensor = x[torch.arange(len(x), device=x.device), ends.to(x.device)] @ self.text_projection
        return vectors


def dataset_classes(name: str) -> list[str]:
    """The classes of a dataset by one of its names, without a first one called background.

    Raises:
        InputError: no such name.
    """
    key = name.lower().replace("_", "").replace("-", "")
    if key not in DATASETS:
        raise InputError(
            f"CLIPTextEncoder: there is no dataset_name {name!r}; there are: {', '.join(DATASETS)}; "
            "or give vocabulary=[...] with the names of your classes"
        )
    dataset: Any = find("datasets", DATASETS[key])
    classes = list(dataset.METAINFO["classes"])
    return classes[1:] if classes[0].lower() == "background" else classes
