from .vit_up_head import VisionTransformerUpHead

__all__ = ['VisionTransformerUpHead']
