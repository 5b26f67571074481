from typing import List

import torch.nn as nn


def set_requires_grad(model: nn.Module, keywords: List[str]):
    """Only parameters whose name contains one of the keywords are trained."""
    requires_grad_names = []
    for name, param in model.named_parameters():
        if any(key in name for key in keywords):
            param.requires_grad = True
            requires_grad_names.append(name)
        else:
            param.requires_grad = False
    return requires_grad_names


def set_train(model: nn.Module, keywords: List[str]):
    """Only modules whose name contains one of the keywords are in training mode."""
    model.train(False)
    for name, module in model.named_modules():
        if any(key in name for key in keywords):
            module.train()
