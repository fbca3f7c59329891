"""What configurations may read of the environment."""

from __future__ import annotations

import os
from typing import Any

from trainer.errors import ConfigError
from trainer.shell.hydra_private import replace_resolver

ENVIRONMENT = ("TRAIN_DATA",)
"""The environment variables that a configuration may read. Outputs keep configurations, and secrets are not for outputs."""


def restrict_environment() -> None:
    """Let configurations read the few environment variables that are meant for them, and no others."""
    replace_resolver("oc.env", _environment)


def _environment(name: str, default: Any = None) -> Any:
    if name not in ENVIRONMENT:
        raise ConfigError(
            f"${{oc.env:{name}}} is not read: outputs keep the configuration, and environment variables may be secret. "
            f"If this one is not, let the shell write its value: key=${name}"
        )
    return os.environ.get(name, default)
