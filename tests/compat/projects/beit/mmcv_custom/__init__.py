# -*- coding: utf-8 -*-
from .checkpoint import load_checkpoint
from .layer_decay_optimizer_constructor import StageDecayOptimizerConstructor
from .optimizer_hook import DistOptimizerHook
from .runner import IterBasedRunnerAmp
from .train_api import train_segmentor

__all__ = ['load_checkpoint', 'StageDecayOptimizerConstructor', 'DistOptimizerHook', 'IterBasedRunnerAmp', 'train_segmentor']
