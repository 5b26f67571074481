from .blocks import TinyEncoder
from .heads import SumHead

__all__ = ['SumHead', 'TinyEncoder']
