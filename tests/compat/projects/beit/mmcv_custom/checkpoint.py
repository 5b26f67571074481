import os.path as osp
from collections import OrderedDict

import torch
from mmcv.fileio import FileClient
from mmcv.fileio import load as load_file
from mmcv.parallel import is_module_wrapper
from mmcv.runner import get_dist_info
from mmcv.utils import mkdir_or_exist
from torch.optim import Optimizer


def load_checkpoint(model, filename, map_location='cpu', strict=False, logger=None):
    checkpoint = torch.load(filename, map_location=map_location)
    state_dict = checkpoint.get('state_dict', checkpoint)
    rank, _ = get_dist_info()
    module = model.module if is_module_wrapper(model) else model
    module.load_state_dict(OrderedDict(state_dict), strict)
    return checkpoint


def weights_to_cpu(state_dict):
    return OrderedDict((key, val.cpu()) for key, val in state_dict.items())


def save_checkpoint(model, filename, optimizer=None, meta=None):
    mkdir_or_exist(osp.dirname(filename))
    assert optimizer is None or isinstance(optimizer, Optimizer)
    torch.save(dict(meta=meta or {}, state_dict=weights_to_cpu(model.state_dict())), filename)


__all__ = ['FileClient', 'load_file', 'load_checkpoint', 'save_checkpoint']
