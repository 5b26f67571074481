from .deformable_head_with_time import DeformableHeadWithTime
from .multi_stage_merging import MultiStageMerging
from .position_encoding import ShapesPositionalEncoding
from .segmentor import DDP

__all__ = ['DDP', 'DeformableHeadWithTime', 'MultiStageMerging', 'ShapesPositionalEncoding']
