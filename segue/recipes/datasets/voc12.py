"""PASCAL VOC 2012 alone, 21 classes. http://host.robots.ox.ac.uk/pascal/VOC"""

from dataclasses import replace

from segue.recipes.datasets import voc12aug

DATA = replace(voc12aug.DATA, joined=(), train=voc12aug.DATA.joined[0])
