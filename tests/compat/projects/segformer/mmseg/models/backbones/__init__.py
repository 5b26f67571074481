from .mix_transformer import MixVisionTransformer, mit_t0

__all__ = ['MixVisionTransformer', 'mit_t0']
