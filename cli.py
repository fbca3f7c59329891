"""The command `train` in a checkout, `python cli.py`; installed, it starts in `trainer.shell.main` itself."""

from trainer.shell.main import main, run

__all__ = ["main", "run"]

if __name__ == "__main__":
    main()
