"""Imported by the server of commands alone: the fork server that they inherit and whose workers have imported torch."""

from trainer.sweep.starting import prepare

prepare("cpu")
