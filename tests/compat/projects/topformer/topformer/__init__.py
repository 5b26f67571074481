from .simple_head import SimpleHead
from .topformer import Topformer

__all__ = ['SimpleHead', 'Topformer']
