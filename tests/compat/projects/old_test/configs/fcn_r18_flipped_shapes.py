_base_ = './fcn_r18_64x64_2_shapes.py'
