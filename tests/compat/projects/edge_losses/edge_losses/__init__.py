from .losses import BalancedCE, EdgeDice, OldFormLoss, PolyLoss, soft_jaccard

__all__ = ['BalancedCE', 'EdgeDice', 'OldFormLoss', 'PolyLoss', 'soft_jaccard']
