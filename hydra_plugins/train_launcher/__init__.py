"""The launcher that trains a sweep together. Hydra imports every module of `hydra_plugins` at each start."""
