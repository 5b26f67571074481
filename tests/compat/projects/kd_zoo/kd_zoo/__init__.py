from .distiller import Distiller
from .losses import ChannelWiseDivergence
from .adapter import Adapter

__all__ = ['Adapter', 'ChannelWiseDivergence', 'Distiller']
