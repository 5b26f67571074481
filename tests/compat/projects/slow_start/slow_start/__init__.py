from .constructor import DepthDecayConstructor
from .hooks import FreezeStemHook, TemperatureHook
from .loops import CountingTrainLoop

__all__ = ['CountingTrainLoop', 'DepthDecayConstructor', 'FreezeStemHook', 'TemperatureHook']
