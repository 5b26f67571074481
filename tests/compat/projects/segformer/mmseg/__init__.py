# as in mmseg 0.x
