"""Rewrites all golden files of detection: python3 tests/golden/detection/make.py"""
import torch

import loss
import mask_loss
import measures
import pose_loss
import pose_measures
import step

torch.set_num_threads(1)
loss.write()
mask_loss.write()
measures.write()
pose_loss.write()
pose_measures.write()
step.write()
