"""The experiment on noisy data: does pruning help where labels are wrong, and does it find them?"""
