_base_ = 'fcn_r18_slow_start.py'
train_cfg = dict(type='CountingTrainLoop', shift=20)
