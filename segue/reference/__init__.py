"""What mmseg, mmengine and mmcv name, and where Segue has it: tables to read, without any effect on ``import``."""
