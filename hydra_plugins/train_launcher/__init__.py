"""Hydra's side of the command: how a command line becomes experiments, and the launcher that trains a sweep together.

Hydra imports every module of `hydra_plugins` at each start, and twice those already imported; names that begin with an
underscore it leaves alone.
"""
