"""What this program uses of Hydra's private interfaces: what each is for, and what to do when a release of Hydra has it no more.

`trainer/shell/hydra_private.py` is the one place to mend. Run this file first with a new Hydra.
"""

from __future__ import annotations

import copy
import warnings

import composing
import pytest
from composing import CONF, compose
from hydra import __version__
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import ConfigCompositionException
from hydra.types import RunMode
from omegaconf import OmegaConf

from trainer.shell import hydra_private
from trainer.shell.composing import Composer

pytestmark = pytest.mark.filterwarnings("error")


def parse(*words: str):
    return OverridesParser.create().parse_overrides(list(words))


def test_the_release_is_one_that_these_tests_know():
    """The two pairs that this program was run with. For another Hydra: run all of tests/shell with it, then widen the bounds in
    pyproject.toml and this line."""
    assert __version__.startswith(("1.3.", "1.4."))


def test_defaults_are_those_of_1_3_and_nothing_warns():
    """Hydra 1.3 without a version base behaves as 1.1 and changes the working directory. Once 1.3 is no longer supported,
    remove `choose_defaults`: 1.4 deprecates what it calls."""
    hydra_private.choose_defaults()
    assert compose(composing.loader()).hydra.job.chdir in (None, False)


def test_a_resolver_can_be_replaced():
    """Keeps environment variables out of outputs: `oc.env` answers for a list of names alone. Once OmegaConf 2.3 is no longer
    supported, call `OmegaConf.register_resolver` in place."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for answer in ("first", "second"):
            hydra_private.replace_resolver("test_only", lambda answer=answer: answer)
            assert OmegaConf.create({"key": "${test_only:}"}).key == answer
    OmegaConf.clear_resolver("test_only")


def test_a_search_path_takes_a_folder_and_after_it_the_users(tmp_path):
    """`create_config_search_path`: where YAML is looked for, without the decorator `hydra.main`. If it has gone, build the path
    with `hydra.core.config_search_path.ConfigSearchPath`."""
    paths = [entry.path for entry in hydra_private.search_path(CONF, tmp_path).get_path()]
    assert paths.index(str(CONF)) < paths.index(f"file://{tmp_path}")
    assert "pkg://hydra.conf" in paths


def test_a_loader_composes_a_configuration_without_a_decorator():
    """`ConfigLoaderImpl`, the class that `Composer` is made from, and `Hydra`, which starts sweepers and shows configurations.
    If they have gone, compose by the public `hydra.compose`, and give up `Composer`: a sweep of 100 cells then starts 6 seconds
    later."""
    assert issubclass(Composer, hydra_private.ConfigLoaderImpl)
    hydra = hydra_private.Hydra("train", composing.loader())
    config = hydra.compose_config("config", ["optimizer=adam"], RunMode.MULTIRUN, validate_sweep_overrides=False)
    assert config.optimizer.name == "adam"
    for used in ("multirun", "show_cfg", "show_info", "hydra_help"):
        assert callable(getattr(hydra, used))


def test_a_value_is_put_into_a_configuration_that_has_been_composed():
    """`_apply_overrides_to_config`: a cell that differs in numbers alone is a copy with other numbers. If it has gone, have
    `Composer.load_sweep_config` call Hydra's own for every cell."""
    config = compose(composing.loader())
    hydra_private.ConfigLoaderImpl._apply_overrides_to_config(parse("optimizer.lr=0.25", "epochs=7"), config)
    assert (config.optimizer.lr, config.epochs) == (0.25, 7)


def test_a_job_has_what_hydra_runs_it_with():
    """`Callbacks`, which `HydraContext` wants for `run_job`. If it has gone, write `.hydra/` ourselves, as the launcher does."""
    loader = composing.loader()
    context = hydra_private.context(loader, compose(loader))
    assert context.config_loader is loader and callable(context.callbacks.on_job_start)


def test_words_that_hydra_cannot_sweep_over_are_refused():
    """`validate_sweep_overrides_legal`: Hydra's own error for such a word before anything is started. If it has gone, drop the
    check: Hydra refuses the word later."""
    hydra_private.check_sweep_grammar(parse("seed=0,1"))
    with pytest.raises(ConfigCompositionException, match="Sweeping over Hydra's configuration"):
        hydra_private.check_sweep_grammar(parse("hydra.verbose=true,false"))


def test_the_cells_of_a_sweep_are_known_beforehand():
    """`BasicSweeper`: all cells are listed and checked before the first is trained. If `split_arguments` has gone, the product is
    `itertools.product` over each word's `sweep_string_iterator`."""
    sweeper = compose(composing.loader()).hydra.sweeper._target_
    assert hydra_private.is_basic_sweeper(sweeper) and not hydra_private.is_basic_sweeper("a.plugin.Optuna")
    cells = hydra_private.product(parse("optimizer=sgd,adam", "seed=range(2)", "epochs=1"))
    seeds = [[f"optimizer={word}", f"seed={seed}", "epochs=1"] for word in ("sgd", "adam") for seed in (0, 1)]
    assert cells == seeds


def test_a_cell_has_the_name_that_hydra_gives_it():
    """`hydra.job.override_dirname`, which users may write into `hydra.sweep.subdir`: set in each cell with Hydra 1.3, computed by
    1.4. Once 1.3 is no longer supported, remove `set_override_dirname`."""
    loader = composing.loader()
    cell = loader.load_sweep_config(compose(loader), ["seed=3", "epochs=2"])
    assert cell.hydra.job.override_dirname == "epochs=2,seed=3"


def test_an_installed_choice_is_told_from_a_users(tmp_path):
    """`ConfigLoaderImpl.repository`, which says who provides a choice: logging must not be the user's own. If it has gone, allow
    only the words in hydra/conf/hydra/job_logging."""
    for folder in ("job_logging", "hydra_logging"):
        (tmp_path / "hydra" / folder).mkdir(parents=True)
        (tmp_path / "hydra" / folder / "mine.yaml").write_text("version: 1\n")
    loader = Composer(hydra_private.search_path(CONF, tmp_path))
    assert hydra_private.installed_choice(loader, "hydra/job_logging", "none") == {
        "version": 1,
        "root": None,
        "disable_existing_loggers": False,
    }
    assert hydra_private.installed_choice(loader, "hydra/job_logging", "mine") is None
    assert hydra_private.installed_choice(loader, "hydra/job_logging", "nothing") is None
    assert (
        hydra_private.installed_choice(Composer(hydra_private.search_path(tmp_path, None)), "hydra/job_logging", "mine")
        is None
    )


def test_a_file_is_read_once_for_all_compositions_and_each_may_change_what_it_gets(tmp_path):
    """`ConfigRepository`, which `ConfigLoaderImpl.repository` is and which each composition copies: a sweep of three optimizers
    composes in 150 ms instead of 200. If either has gone, remove `Repository`: nothing but time depends on it."""
    file = tmp_path / "optimizer/mine.yaml"
    file.parent.mkdir()
    file.write_text("lr: 1")
    path = hydra_private.search_path(CONF, tmp_path)
    repository = hydra_private.Repository(path)
    first = repository.load_config("optimizer/mine")
    assert first
    first.config.lr = 2
    file.unlink()
    copied = copy.deepcopy(repository)
    again = copied.load_config("optimizer/mine")
    assert again and again.config == {"lr": 1}
    copied.initialize_sources(path)
    assert copied.load_config("optimizer/mine") is None
    assert repository.load_config("optimizer/mine")


def test_a_composition_changes_nothing_for_the_next():
    """Hydra puts the nodes of some files into its result as they are, and then changes them."""
    path = hydra_private.search_path(CONF, None)
    loader, repository = Composer(path), hydra_private.Repository(path)
    loader.repository = repository  # compositions copy it, with what was read
    for words in (["epochs=3", "checkpoint.keep=false", "~report.images"], ["experiment=clipping", "+x=1"], []):
        config = loader.load_configuration("config", words, RunMode.MULTIRUN)
    loader.load_sweep_config(config, ["optimizer=momentum", "optimizer.lr=2", "hydra.job.chdir=true", "seed=7"])
    assert len(repository.read) > 20
    for name, result in repository.read.items():
        fresh = hydra_private.Repository(path).load_config(name)
        assert (result and vars(result)) == (fresh and vars(fresh)), name
