from .datasets import FieldsDataset
from .metrics import BoundaryErrors, IoUWithCounts
from .transforms import AddIndexChannel, CropLeft, LoadFieldAnnotations, PackFieldInputs

__all__ = [
    'AddIndexChannel', 'BoundaryErrors', 'CropLeft', 'FieldsDataset', 'IoUWithCounts', 'LoadFieldAnnotations',
    'PackFieldInputs'
]
