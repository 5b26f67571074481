from .heads import GatedKernelUpdateHead, GroupIterativeHead, TunedMaskFormerHead

__all__ = ['GatedKernelUpdateHead', 'GroupIterativeHead', 'TunedMaskFormerHead']
