"""The logs that trainings leave, Segue's and those of mmengine and mmcv 0.x: read, drawn, put in tables, compared."""
