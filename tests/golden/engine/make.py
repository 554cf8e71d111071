"""Rewrites all golden files of the engine: python3 tests/golden/engine/make.py"""
import torch

import op_cases
import training

torch.set_num_threads(1)

for family in op_cases.families():
    family.write()
training.write_all()
