"""Every file of weights that training with a config reads."""

from __future__ import annotations

from segue.config.builder.pretrained import needed_weights


def test_pretrained_weights_and_files_of_the_model() -> None:
    """Of ``init_cfg`` and ``pretrained``, once each; then what other arguments of the model name."""
    init = {"type": "Pretrained", "checkpoint": "open-mmlab://resnet50_v1c"}
    cfg = {
        "model": {
            "pretrained": "torchvision://resnet50",
            "backbone": {"type": "ResNet", "init_cfg": init},
            "neck": [{"init_cfg": init, "embedding": "https://x.org/classes.pth"}],
            "text_encoder": {"type": "CLIPTextEncoder"},
        },
        "work_dir": "a.pth",
    }
    *found, vocabulary = needed_weights(cfg)
    assert found == ["torchvision://resnet50", "open-mmlab://resnet50_v1c", "https://x.org/classes.pth"]
    assert vocabulary.endswith("/bpe_simple_vocab_16e6.txt.gz")


def test_load_from_comes_instead() -> None:
    """As training does: where it is set, the pretrained weights are not read."""
    cfg = {"load_from": "a.pth", "model": {"pretrained": "torchvision://resnet50"}}
    assert needed_weights(cfg) == ["a.pth"]
    assert needed_weights({"load_from": None, "model": {}}) == []


def test_own_vocabulary() -> None:
    assert needed_weights({"model": {"type": "CLIPTextEncoder", "bpe_path": "v.txt.gz"}}) == ["v.txt.gz"]
