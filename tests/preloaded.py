"""Imported by the server of commands: what commands import in their course, and the fork server of their sweeps' workers."""

from importlib import import_module

from trainer.sweep.starting import prepare

NEEDED = (
    *("numpy.random", "scipy.special", "hydra_plugins.train_launcher.stack_launcher"),
    *("tensorboard.compat.proto.event_pb2", "tensorboard.plugins.custom_scalar.layout_pb2"),
    *("tensorboard.plugins.hparams.api_pb2", "tensorboard.plugins.hparams.plugin_data_pb2"),
    *("trainer.compare.command", "trainer.listing.command", "trainer.show.command"),
    *("trainer.run.run", "trainer.shell.command", "trainer.sweep.sweep", "trainer.sweep.closing"),
)

for name in NEEDED:
    import_module(name)
prepare()
