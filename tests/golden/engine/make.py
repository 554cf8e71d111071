"""Rewrites all golden files of the engine: python3 tests/golden/engine/make.py"""
import torch

import loss_scaling
import losses
import networks
import op_cases
import op_cases_functions
import op_cases_images
import segmentation_metrics
import training

torch.set_num_threads(1)

for family in op_cases.families():
    family.write()
training.write_all()
networks.write_all()
losses.write_all()
loss_scaling.write_all()
segmentation_metrics.write_all()
for module in (op_cases_functions, op_cases_images):
    for family in module.families():
        family.write()
