_base_ = ['_base_/fcn_r18_0x.py', '_base_/shapes_0x.py', '_base_/runtime_0x.py']
