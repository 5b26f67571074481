from .lines_hook import LinesHook
from .lovely_fcn import LovelyFCNHead

__all__ = ['LinesHook', 'LovelyFCNHead']
