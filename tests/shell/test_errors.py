"""A user's mistakes and their answers, word for word: the texts are part of the contract. Nothing is written for any of them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from trainer.errors import ConfigError
from trainer.shell.main import check_python
from trainer.shell.options import parse_line

ROOT = Path(__file__).parents[2]

MISTAKES = [
    (
        "optimizer=momentm",
        "There is no optimizer=momentm. Did you mean 'momentum'? Choose one of: sgd, batch_gd, momentum, "
        "heavy_ball, nesterov, adagrad, rmsprop, adam, adamw.",
    ),
    (
        "optimizer=null",
        "There is no optimizer=null. Choose one of: sgd, batch_gd, momentum, heavy_ball, nesterov, "
        "adagrad, rmsprop, adam, adamw.",
    ),
    (
        "optimizer=0.1",
        "There is no optimizer=0.1. Choose one of: sgd, batch_gd, momentum, heavy_ball, nesterov, adagrad, "
        "rmsprop, adam, adamw.",
    ),
    (
        "optimizer={name:sgd}",
        "optimizer={name:sgd}: optimizer takes a word, and its numbers are set one by one, as in optimizer.lr=0.1.",
    ),
    (
        "optimizer=[sgd,adam]",
        "optimizer=[sgd,adam]: a run has one optimizer. To try several type: train -m optimizer=sgd,adam",
    ),
    (
        "optimizer=sgd,adam",
        "optimizer=sgd,adam has several values. To train them all type: train -m optimizer=sgd,adam",
    ),
    (
        "optimizer.name=adam",
        "optimizer.name=adam: the word alone decides. Type: train optimizer=adam",
    ),
    (
        "optimizer@clip=adam",
        "optimizer@clip=adam: each group has one place. Type: train optimizer=adam",
    ),
    (
        "optimiser=adam",
        "There is no key 'optimiser'. Did you mean 'optimizer'? Known: name, seed, epochs, batch_size, "
        "device, threads, precision, target, record_every, checkpoint, report, dataset, model, optimizer, clip, "
        "decay, normalization, dropout, staleness, stop, experiment.",
    ),
    (
        "optimizer.beta=0.9",
        "optimizer.beta belongs to optimizer=momentum, heavy_ball and nesterov: add one of them, for "
        "instance optimizer=momentum.",
    ),
    (
        "optimizer.momentum=0.9",
        "There is no key 'optimizer.momentum'. Did you mean 'optimizer.beta'? Known: optimizer.lr, "
        "optimizer.weight_decay, optimizer.beta, optimizer.eps, optimizer.alpha, optimizer.beta1, "
        "optimizer.beta2.",
    ),
    (
        "optimizer=adam optimizer.beta=0.9",
        "optimizer.beta belongs to optimizer=momentum, heavy_ball and nesterov: add one of them, for "
        "instance optimizer=momentum.",
    ),
    (
        "optimizer.lr=-1",
        "optimizer.lr=-1 is not allowed: it must be a number above 0.",
    ),
    (
        "optimizer.lr=nan",
        "optimizer.lr=nan is not allowed: it must be a number above 0.",
    ),
    (
        "optimizer.lr=fast",
        "optimizer.lr=fast is not allowed: it must be a number above 0.",
    ),
    (
        "lr=0.1",
        "There is no key 'lr'. Did you mean 'optimizer.lr'? Known: name, seed, epochs, batch_size, device, "
        "threads, precision, target, record_every, checkpoint, report, dataset, model, optimizer, clip, decay, "
        "normalization, dropout, staleness, stop, experiment.",
    ),
    (
        "dropout.rate=0.3",
        "dropout.rate belongs to dropout=half: add dropout=half.",
    ),
    (
        "dropout=half dropout.rate=1.5",
        "dropout.rate=1.5 is not allowed: it must be a number of at least 0 and below 1.",
    ),
    (
        "dropout=0.5",
        "There is no dropout=0.5. Choose one of: none, half.",
    ),
    (
        "clip.threshold=1",
        "clip.threshold belongs to clip=grad, grad_value, grad_article, agc, weight, weight_norm and "
        "weight_article: add one of them, for instance clip=grad.",
    ),
    (
        "clip=grad clip.treshold=1",
        "There is no key 'clip.treshold'. Did you mean 'clip.threshold'? Known: clip.threshold, "
        "clip.grad_threshold, clip.weight_threshold.",
    ),
    (
        "clip=gradient",
        "There is no clip=gradient. Did you mean 'grad'? Choose one of: none, grad, grad_value, "
        "grad_article, agc, weight, weight_norm, weight_article, grad_weight.",
    ),
    (
        "decay=cosine decay.final=2",
        "decay.final=2 is not allowed: it must be a number of at least 0 and at most 1.",
    ),
    (
        "decay=exponential decay.gamma=1.1",
        "decay.gamma=1.1 is not allowed: it must be a number above 0 and at most 1.",
    ),
    (
        "decay.per=epochs",
        "decay.per=epochs is not allowed: it must be 'update' or 'epoch'.",
    ),
    (
        "normalization=batchnorm",
        "There is no normalization=batchnorm. Did you mean 'batch'? Choose one of: none, batch, batch_article, layer.",
    ),
    (
        "normalization=batch batch_size=1",
        "normalization=batch needs at least 2 samples a batch: choose batch_size=2 or more.",
    ),
    (
        "normalization=batch model.hidden=[]",
        "normalization=batch normalizes hidden layers and model.hidden=[] has none: choose "
        "normalization=none or model.hidden=[128].",
    ),
    (
        "model=cnn",
        "There is no model=cnn. Choose one of: mlp.",
    ),
    (
        "model.hidden=[0]",
        "model.hidden=0 is not allowed: it must be a whole number of at least 1.",
    ),
    (
        "model.hidden=128",
        "model.hidden=128 is not allowed: it must be a list like [128,64].",
    ),
    (
        "model.hidden=128,64",
        "model.hidden=128,64 has several values. To train them all type: train -m model.hidden=128,64, or "
        "as one list: train 'model.hidden=[128,64]'",
    ),
    (
        "model.activation=swish",
        "model.activation=swish is not allowed: it must be 'relu' or 'tanh' or 'sigmoid' or 'gelu'.",
    ),
    (
        "model.init_scale=0",
        "model.init_scale=0 is not allowed: it must be a number above 0.",
    ),
    (
        "dataset=mnits",
        "There is no dataset=mnits. Did you mean 'mnist'? Choose one of: mnist, fashion_mnist, kmnist, "
        "qmnist, digits, synthetic, files.",
    ),
    (
        "dataset.samples=100",
        "dataset.samples belongs to dataset=synthetic: add dataset=synthetic.",
    ),
    (
        "dataset.limit=60000",
        "dataset.limit=60000 does not fit: mnist has 55,000 training images beside the 5,000 held out; "
        "type dataset.limit= with a number from 1 to 55000, or null for all.",
    ),
    (
        "dataset.validation=60000",
        "dataset.validation=60000 does not fit: mnist has 60,000 training images; type dataset.validation= "
        "with a number from 0 to 59999.",
    ),
    (
        "dataset.fallback=cifar",
        "dataset.fallback=cifar is not allowed: it must be 'digits' or 'synthetic' or null.",
    ),
    (
        "epochs=1e2",
        "epochs=1e2 is not allowed: it must be a whole number of at least 0.",
    ),
    (
        "epochs=-1",
        "epochs=-1 is not allowed: it must be a whole number of at least 0.",
    ),
    (
        "epochs=true",
        "epochs=true is not allowed: it must be a whole number of at least 0.",
    ),
    (
        "epochs.x=1",
        "There is no key 'epochs.x'. Did you mean 'stop.epochs'? Known: name, seed, epochs, batch_size, device, threads, "
        "precision, target, record_every, checkpoint, report, dataset, model, optimizer, clip, decay, normalization, dropout, "
        "staleness, stop, experiment.",
    ),
    (
        "epoch=3",
        "There is no key 'epoch'. Did you mean 'epochs'? Known: name, seed, epochs, batch_size, device, "
        "threads, precision, target, record_every, checkpoint, report, dataset, model, optimizer, clip, decay, "
        "normalization, dropout, staleness, stop, experiment.",
    ),
    (
        "seed=x",
        "seed=x is not allowed: it must be a whole number of at least 0 and at most 9223372036854775807.",
    ),
    (
        "seed=-1",
        "seed=-1 is not allowed: it must be a whole number of at least 0 and at most 9223372036854775807.",
    ),
    (
        "seed=1,2",
        "seed=1,2 has several values. To train them all type: train -m seed=1,2",
    ),
    (
        "'seed=range(3)'",
        "seed=range(3) has several values. To train them all type: train -m 'seed=range(3)'",
    ),
    (
        "seed=???",
        "seed=??? says that a value is still missing: type seed= with one.",
    ),
    (
        "'seed=${foo}'",
        "seed: Interpolation key 'foo' not found.",
    ),
    (
        "batch_size=0",
        "batch_size=0 is not allowed: it must be a whole number of at least 1 or 'full' or null.",
    ),
    (
        "batch_size=ful",
        "batch_size=ful is not allowed: it must be a whole number of at least 1 or 'full' or null.",
    ),
    (
        "optimizer=batch_gd batch_size=64",
        "optimizer=batch_gd means one update from the whole training set: leave out batch_size=64, or "
        "choose optimizer=sgd.",
    ),
    (
        "device=gpu",
        "There is no device=gpu. Choose one of: auto, cpu, cuda, cuda:N, mps.",
    ),
    (
        "threads=0",
        "threads=0 is not allowed: it must be a whole number of at least 1 or 'auto'.",
    ),
    (
        "precision=float64",
        "precision=float64 is not allowed: it must be 'float32' or 'tf32' or 'bf16'.",
    ),
    (
        "target=97",
        "target=97 is not allowed: it must be a number above 0 and at most 1 or null.",
    ),
    (
        "target=0.97 dataset.validation=0",
        "target=0.97 is an accuracy on validation images and dataset.validation=0 holds none out: leave "
        "one of them out.",
    ),
    (
        "record_every=0",
        "record_every=0 is not allowed: it must be a whole number of at least 1 or null.",
    ),
    (
        "checkpoint.seconds=0",
        "checkpoint.seconds=0 is not allowed: it must be a number above 0 or null.",
    ),
    (
        "checkpoint.minutes=1",
        "There is no key 'checkpoint.minutes'. Did you mean 'checkpoint.epochs'? Known: checkpoint.epochs, "
        "checkpoint.seconds, checkpoint.keep.",
    ),
    (
        "name=../elsewhere",
        "name=../elsewhere can't name a directory: use up to 100 letters, digits and _ - . = , +, first a letter or digit.",
    ),
    (
        "'name=two words'",
        "name=two words can't name a directory: use up to 100 letters, digits and _ - . = , +, first a letter or digit.",
    ),
    (
        "name=.hidden",
        "name=.hidden can't name a directory: use up to 100 letters, digits and _ - . = , +, first a letter or digit.",
    ),
    (
        "name=a/b",
        "name=a/b can't name a directory: use up to 100 letters, digits and _ - . = , +, first a letter or digit.",
    ),
    (
        "+epochs=3",
        "+epochs=3: leave out the +. Type: train epochs=3",
    ),
    (
        "++foo=1",
        "There is no key 'foo'. Known: name, seed, epochs, batch_size, device, threads, precision, target, "
        "record_every, checkpoint, report, dataset, model, optimizer, clip, decay, normalization, dropout, staleness, stop.",
    ),
    (
        "~epochs",
        "~epochs: nothing can be deleted. Leave epochs out, and it has its default.",
    ),
    (
        "=3",
        "'=3' has no key: write key=value.",
    ),
    (
        "epochs=[",
        "'epochs=[' can't be read as key=value. Does a ']' lack?",
    ),
    (
        "'name=a:b;c'",
        "'name=a:b;c' can't be read as key=value. Put a text with special characters in two kinds of "
        "quotes: 'name=\"...\"'",
    ),
    (
        "experiment=artcle",
        "There is no experiment=artcle. Did you mean 'article'? Choose one of: article, baseline, "
        "clipping, decay, dropout, exploding, learning_rates, normalization, optimizers, staleness, vanishing.",
    ),
    (
        "experiment=[baseline,article]",
        "experiment=[baseline,article]: a run has one experiment. To try several type: train -m "
        "experiment=baseline,article",
    ),
    (
        "--optimizer momentum",
        "Settings are written key=value. Type: train optimizer=momentum",
    ),
    (
        "--optimizer=momentum --clip grad epochs=3",
        "Settings are written key=value. Type: train optimizer=momentum clip=grad epochs=3",
    ),
    (
        "--batch-size 64",
        "Settings are written key=value. Type: train batch_size=64",
    ),
    (
        "optimizer momentum",
        "Settings are written key=value. Type: train optimizer=momentum",
    ),
    (
        "momentum",
        "Settings are written key=value. Type: train optimizer=momentum",
    ),
    ("--lr 0.1", "Settings are written key=value. Type: train optimizer.lr=0.1"),
    (
        "epochs=2 --learning-rate=0.1 --wd 0",
        "Settings are written key=value. Type: train epochs=2 optimizer.lr=0.1 optimizer.weight_decay=0",
    ),
    ("--hidden", "Settings are written key=value. Type: train model.hidden=VALUE"),
    ("--adam", "Settings are written key=value. Type: train optimizer=adam"),
    ("--momentum 0.9", "--momentum may be optimizer=momentum or normalization.momentum=0.9: type one of them."),
    ("--eps 0.1 seed=1", "--eps may be optimizer.eps=0.1 or normalization.eps=0.1: type one of them."),
    (
        "optimizer = momentum epochs =3 clip= grad",
        "Settings are written key=value. Type: train optimizer=momentum epochs=3 clip=grad",
    ),
    ("= momentum", "'=' has nothing before it: write key=value, without blanks."),
    (
        "optimizer =",
        "optimizer needs a value, written without spaces: "
        "optimizer=sgd|batch_gd|momentum|heavy_ball|nesterov|adagrad|rmsprop|adam|adamw",
    ),
    ("list", "There is no list here: train runs lists the runs that there are, train --help all choices."),
    ("epochs=2 --list", "There is no --list here: train runs lists the runs that there are, train --help all choices."),
    (
        "optimizer=adam --dry-run epochs=2",
        "There is no --dry-run. To see the configuration without running it type: train --cfg job optimizer=adam epochs=2",
    ),
    (
        "-m optimizer=sgd,adam --dry-run",
        "There is no --dry-run: every run of a sweep is checked before the first is trained.",
    ),
    ("optimizer=adam help", "help comes first: type train help, and what belongs to it."),
    ("name=x runs", "runs comes first: type train runs, and what belongs to it."),
    (
        "adagard",
        "'adagard' is neither a command nor key=value. Did you mean 'adagrad'? See: train --help",
    ),
    (
        "none",
        "'none' may be clip=none or decay=none or normalization=none or dropout=none or staleness=none or stop=none: "
        "type one of them.",
    ),
    (
        "optimizer",
        "optimizer needs a value, written without spaces: "
        "optimizer=sgd|batch_gd|momentum|heavy_ball|nesterov|adagrad|rmsprop|adam|adamw",
    ),
    (
        "--epoch 3",
        "There is no option --epoch. Did you mean 'epochs'? See: train --help",
    ),
    (
        "--verbose",
        "There is no option --verbose. Did you mean '--version'? See: train --help",
    ),
    (
        "--experimental-rerun job.pickle",
        "There is no option --experimental-rerun. Did you mean 'experiment'? See: train --help",
    ),
    (
        "-m --cfg job",
        "--cfg and --info show the configuration of one run: leave out -m. See: train --help",
    ),
    (
        "--cfg jb",
        "Argument --cfg/-c: invalid choice: 'jb' (choose from 'job', 'hydra', 'all'). See: train --help",
    ),
    (
        "-cn other",
        "There is no configuration 'other' in conf/ (or in --config-dir).",
    ),
    (
        "-cd nowhere",
        "There is no directory nowhere for --config-dir.",
    ),
    (
        "-sc install=csh",
        "-sc prints the script for tab completion, also for zsh and fish: type train -sc install=bash. See: train --help",
    ),
    (
        "-m optimizer=sgd,adm",
        "There is no optimizer=adm. Did you mean 'adam'? Choose one of: sgd, batch_gd, momentum, "
        "heavy_ball, nesterov, adagrad, rmsprop, adam, adamw. (In run optimizer=adm. Nothing was started.)",
    ),
    (
        "-m optimizer.lr=0.1,-1 clip=grad",
        "optimizer.lr=-1 is not allowed: it must be a number above 0. (In run optimizer.lr=-1 "
        "clip=grad. Nothing was started.)",
    ),
    (
        "-m clip=none,grad clip.threshold=1",
        "clip.threshold is unknown to 1 of 2 runs, those with clip=none: leave it out, or train those in a sweep of their own.",
    ),
    (
        "-m clip=none,weight,grad clip.grad_threshold=1",
        "clip.grad_threshold belongs to clip=grad_weight: add clip=grad_weight.",
    ),
    (
        "-m optimizer=sgd,momentum seed=1,2 optimizer.beta=0.9",
        "optimizer.beta is unknown to 2 of 4 runs, those with optimizer=sgd: leave it out, or train those in a sweep of "
        "their own.",
    ),
    (
        "-m name=a,b",
        "name=a,b: a sweep has one name, and its runs are named by what differs.",
    ),
    (
        "-m 'seed=range(0)'",
        "seed=range(0) leaves nothing to train: one of the lists is empty.",
    ),
    (
        "-m 'optimizer=glob(x*)'",
        "optimizer=glob(x*) leaves nothing to train: one of the lists is empty.",
    ),
    (
        "-m 'seed=interval(0,1)'",
        "seed=interval(0,1) is no list of values: type one, or choose a sweeper that searches.",
    ),
    (
        "-m hydra.launcher.workers=0",
        "hydra.launcher.workers=0 is not allowed: it must be null or a whole number from 1.",
    ),
    (
        "hydra.launcher.workers=two",
        "hydra.launcher.workers: Value 'two' of type 'str' could not be converted to Integer.",
    ),
    (
        "hydra/launcher=stak",
        "There is no hydra/launcher=stak. Did you mean 'stack'? Choose one of: basic, stack, stack_ray, stack_slurm.",
    ),
    (
        "hydra.job.chdir=true",
        "hydra.job.chdir=true: the working directory of a run is never changed. Leave it out.",
    ),
    (
        "hydra.job.env_copy=[HOME]",
        "hydra.job.env_copy would write environment variables into outputs: leave it out.",
    ),
    (
        "hydra.sweeps.dir=x",
        "hydra.sweeps: Key 'sweeps' not in 'HydraConf'.",
    ),
    (
        "'name=${oc.env:HOME}'",
        "${oc.env:HOME} is not read: outputs keep the configuration, and environment variables may be "
        "secret. If this one is not, let the shell write its value: key=$HOME",
    ),
    (
        "-m 'name=${oc.env:HOME}' seed=1,2",
        "${oc.env:HOME} is not read: outputs keep the configuration, and environment variables may be "
        "secret. If this one is not, let the shell write its value: key=$HOME",
    ),
    (
        "resume",
        "train resume takes one directory, for instance one below runs/: train resume RUN_DIR [epochs=N].",
    ),
    (
        "resume nowhere",
        "There is no directory nowhere to resume.",
    ),
    (
        "resume a b",
        "train resume takes one directory, for instance one below runs/: train resume RUN_DIR [epochs=N].",
    ),
    (
        "resume . seed=3",
        "seed can't be changed by resuming: start a new run for another seed. Allowed here: epochs, dataset.path, device, "
        "threads, dataset.root, dataset.fallback, checkpoint.*, report.*.",
    ),
    (
        "resume . epoch=3",
        "There is no key 'epoch'. Did you mean 'epochs'? Known: name, seed, epochs, batch_size, device, threads, precision, "
        "target, record_every, checkpoint, report, dataset, model, optimizer, clip, decay, normalization, dropout, staleness, "
        "stop, experiment.",
    ),
    (
        "resume . epochs=3 threads=2 epochs=4",
        "epochs is given twice, epochs=3 epochs=4: leave one of them out.",
    ),
    (
        "resume runs/first/optimizer=adam,seed=0 epochs=2",
        "There is no directory runs/first/optimizer=adam,seed=0 to resume.",
    ),
    (
        "optimizer=adam optimizer=sgd",
        "optimizer is given twice, optimizer=adam optimizer=sgd: leave one of them out.",
    ),
    (
        "-m 'seed=range(3)' epochs=1 'seed=range(5)'",
        "seed is given twice, 'seed=range(3)' 'seed=range(5)': leave one of them out.",
    ),
    (
        "hydra.sweep.dir=a hydra.sweep.dir=b",
        "hydra.sweep.dir is given twice, hydra.sweep.dir=a hydra.sweep.dir=b: leave one of them out.",
    ),
    (
        "study margin=1 margin=2",
        "margin is given twice, margin=1 margin=2: leave one of them out.",
    ),
    (
        "study optimizer=sgd,adam optimizer=momentum",
        "optimizer is given twice, optimizer=sgd,adam optimizer=momentum: leave one of them out.",
    ),
    (
        "-cd . --config-dir /tmp",
        "--config-dir is given twice: leave one of them out. See: train --help",
    ),
    (
        "-cn config -cn other",
        "-cn is given twice: leave one of them out. See: train --help",
    ),
    (
        "-m -r seed=1,2",
        "-m trains every combination and -r one network: leave out one of them. See: train --help",
    ),
    (
        "--resolve",
        "--resolve and --package say how --cfg shows the configuration: add --cfg job. See: train --help",
    ),
    (
        "-m experiment=optimizers,clipping",
        "experiment=optimizers is a sweep itself, and can't be one of several recipes: give each a command of its own. "
        "Type: train -m experiment=optimizers",
    ),
    (
        "-m epochs=3 experiment=baseline,clipping 'seed=range(2)'",
        "experiment=clipping is a sweep itself, and can't be one of several recipes: give each a command of its own. "
        "Type: train -m epochs=3 experiment=clipping 'seed=range(2)'",
    ),
    (
        "-m seed=1,1",
        "Two runs of this sweep are the same, seed=1: leave one of them out.",
    ),
    (
        "-m optimizer.lr=0.1,1e-1",
        "Two runs of this sweep are the same, optimizer.lr=0.1: leave one of them out.",
    ),
    (
        "experiment=1",
        "There is no experiment=1. Choose one of: article, baseline, clipping, decay, dropout, exploding, learning_rates, "
        "normalization, optimizers, staleness, vanishing.",
    ),
    (
        "-m optimizer=sgd,1",
        "There is no optimizer=1. Choose one of: sgd, batch_gd, momentum, heavy_ball, nesterov, adagrad, rmsprop, adam, adamw. "
        "(In run optimizer=1. Nothing was started.)",
    ),
    (
        "experiment=null",
        "There is no experiment=null. Choose one of: article, baseline, clipping, decay, dropout, exploding, learning_rates, "
        "normalization, optimizers, staleness, vanishing.",
    ),
    (
        "hydra/launcher=1",
        "There is no hydra/launcher=1. Choose one of: basic, stack, stack_ray, stack_slurm.",
    ),
    (
        "hydra/launcher=null",
        "There is no hydra/launcher=null. Choose one of: basic, stack, stack_ray, stack_slurm.",
    ),
    (
        "hydra/launcher=[basic,stack]",
        "hydra/launcher=[basic,stack]: hydra/launcher takes one word.",
    ),
    (
        "hydra=3",
        "hydra=3: Hydra's settings are set one by one, as in hydra.run.dir=runs/mine.",
    ),
    (
        "hydra.verbose=1e-3",
        "hydra.verbose=1e-3 is not allowed: it must be true, false or names of loggers.",
    ),
    (
        "hydra.sweeper.params.seed=1",
        "hydra.sweeper.params.seed=1: that is for recipes, which are files. Type: train -m seed=1",
    ),
    (
        "-m epochs=3 'hydra.sweeper.params.optimizer=sgd,adam' 'model.hidden=[8]'",
        "hydra.sweeper.params.optimizer=sgd,adam: that is for recipes, which are files. Type: train -m epochs=3 "
        "optimizer=sgd,adam 'model.hidden=[8]'",
    ),
    (
        "'hydra.sweeper.params={seed: \"1,2\", optimizer: adam}' epochs=3",
        'hydra.sweeper.params={seed: "1,2", optimizer: adam}: that is for recipes, which are files. Type: train -m seed=1,2 '
        "optimizer=adam epochs=3",
    ),
    (
        "-m hydra.launcher._target_=foo.bar seed=1,2",
        "hydra.launcher._target_=foo.bar: a configuration can't name code. Choose by a word, as in hydra/launcher=basic.",
    ),
    (
        "-m hydra.sweeper.max_batch_size=0 seed=1,2",
        "hydra.sweeper.max_batch_size=0 is not allowed: Hydra refuses it.",
    ),
    (
        "'hydra.output_subdir=${oc.env:HOME}'",
        "${oc.env:HOME} is not read: outputs keep the configuration, and environment variables may be secret. If this one is "
        "not, let the shell write its value: key=$HOME",
    ),
    (
        "hydra/job_logging=default hydra.job.name=../../x",
        "hydra.job.name=../../x is not allowed: it must be a plain name, for instance train.",
    ),
    (
        "hydra/job_logging=stdout hydra.job_logging.root.level=DEBUG",
        "hydra.job_logging: logging names code, and a configuration can't. Choose it by a word of Hydra's, as in "
        "hydra/job_logging=default.",
    ),
    (
        "-m seed=1,2 hydra/launcher=basic hydra/job_logging=stdout hydra.job_logging.handlers.console.class=os.system",
        "hydra.job_logging: logging names code, and a configuration can't. Choose it by a word of Hydra's, as in "
        "hydra/job_logging=default.",
    ),
    (
        "hydra.output_subdir=../../x",
        "hydra.output_subdir=../../x is not allowed: it must be null or the name of a folder in the run's directory, for "
        "instance .hydra.",
    ),
    (
        "hydra.output_subdir=",
        "hydra.output_subdir= is not allowed: it must be null or the name of a folder in the run's directory, for instance "
        ".hydra.",
    ),
    (
        "hydra.run.dir=",
        "hydra.run.dir= names no directory: leave it out, or type one, for instance runs/mine.",
    ),
    (
        "-m hydra/launcher=basic hydra.sweep.subdir=../../x seed=1,2",
        "hydra.sweep.subdir=../../x is not allowed: each run has a directory of its own in the sweep's.",
    ),
    (
        "--config-name ../mine",
        "--config-name takes the name of a file without its path: name its folder by --config-dir. See: train --help",
    ),
    (
        "from=nowhere",
        "from=nowhere: there is no such directory.",
    ),
    (
        "from=a from=b",
        "from= is given twice, a and b: a run starts from one configuration.",
    ),
    (
        "-cn mine from=a",
        "The configuration is named twice, by from= and by --config-name: leave out one of them. See: train --help",
    ),
    (
        "from runs/a",
        "Settings are written key=value. Type: train from=runs/a",
    ),
    (
        "dataset.root=~nobody.here/x",
        "~nobody.here/x: there is no home directory ~nobody.here.",
    ),
    (
        "-m epochs=3 optimizer=[sgd,adam] 'seed=range(3)'",
        "optimizer=[sgd,adam]: a run has one optimizer. To try several type: train -m epochs=3 "
        "optimizer=sgd,adam 'seed=range(3)'",
    ),
    (
        "epochs=3 'seed=range(3)' optimizer=sgd,adam",
        "seed=range(3) has several values. To train them all type: train -m epochs=3 'seed=range(3)' optimizer=sgd,adam",
    ),
    (
        "resum runs",
        "'resum' is neither a command nor key=value. Did you mean 'resume'? See: train --help",
    ),
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """An empty working directory, and no switches from outside."""
    monkeypatch.chdir(tmp_path)
    for name in ("TRAIN_TRACEBACK", "HYDRA_FULL_ERROR", "TRAIN_DATA"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(("command", "answer"), MISTAKES, ids=[command for command, _ in MISTAKES])
def test_a_mistake_has_one_sentence(command, answer, elsewhere, capsys):
    assert cli.run(shlex.split(command)) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"train: {answer}\n")
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("answer", [answer for _, answer in MISTAKES if "ype: train" in answer])
def test_a_command_that_is_to_be_typed_can_be(answer):
    """Whole, to the end of the line, and quoted: its grammar is that of the command, and nothing is left to fill in."""
    for line in re.split(r", or as one list: (?=train)", answer[answer.index("train", answer.index("ype: train")) :]):
        words = shlex.split(line)
        assert words[0] == "train" and "…" not in line and not line.endswith(".")
        parse_line(words[1:])


def test_the_table_is_long_enough_and_has_no_doubles():
    assert len({command for command, _ in MISTAKES}) == len(MISTAKES) >= 40


def train(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real command."""
    command = [sys.executable, str(ROOT / "cli.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60)


@pytest.mark.parametrize("command", ["optimizer=momentm", "--optimizer momentum", "-m optimizer=sgd,adm", "epochs=1e2"])
def test_the_real_command_answers_so_too(command, elsewhere):
    done = train(*shlex.split(command))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"train: {dict(MISTAKES)[command]}\n"
    assert list(elsewhere.iterdir()) == []


def test_a_device_that_is_not_there_is_named_before_anything_is_read(elsewhere, capsys):
    torch = pytest.importorskip("torch")
    count = torch.cuda.device_count()
    assert cli.run([f"device=cuda:{count}", "dataset.root=nowhere", "dataset.fallback=null"]) == 2
    assert f"device=cuda:{count} is not available" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("switch", ["TRAIN_TRACEBACK", "HYDRA_FULL_ERROR"])
def test_one_switch_shows_the_whole_trace(switch, monkeypatch, capsys):
    monkeypatch.setenv(switch, "1")
    assert cli.run(["epochs=-1"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Traceback") and err.endswith("it must be a whole number of at least 0.\n")


def test_python_that_hydra_crashes_on_is_refused(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda _: "1.3.8")
    with pytest.raises(ConfigError, match=r"Hydra 1\.3\.8 does not work with Python 3\.14\. Type: pip install"):
        check_python(3, 14)
    check_python(3, 13)
    monkeypatch.setattr("importlib.metadata.version", lambda _: "1.4.0rc3")
    check_python(3, 14)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_directory_is_one_sentence(elsewhere, capsys):
    elsewhere.chmod(0o500)
    assert cli.run(["dataset=synthetic", "epochs=0"]) == 2
    assert "can't be made: Permission denied." in capsys.readouterr().err


def test_a_file_in_the_place_of_runs_is_one_sentence(elsewhere, capsys):
    (elsewhere / "runs").touch()
    assert cli.run(["dataset=synthetic", "epochs=0"]) == 2
    assert capsys.readouterr().err.startswith("train: runs can't be made: File exists.")


def test_a_sweep_does_not_take_over_the_directory_of_a_run(elsewhere, capsys):
    (elsewhere / "runs" / "mine").mkdir(parents=True)
    (elsewhere / "runs" / "mine" / "config.yaml").touch()
    assert cli.run(["-m", "name=mine", "seed=1,2", "dataset=synthetic", "epochs=0"]) == 2
    expected = "train: runs/mine holds a single run, not a sweep: choose another name.\n"
    assert capsys.readouterr().err == expected


RECIPES = {
    "plain": (
        "model: {hidden: [3]}",
        "experiment=plain sets nothing as it is: write '# @package _global_' into the first line",
    ),
    "other": ("defaults: [override /optimizer: adam]", "experiment=other sets nothing as it is"),
    "broken": ("# @package _global_\n[1,2", "experiment=broken is not allowed: while parsing"),
    "number": ("# @package _global_\n3", "experiment=number is not allowed: Invalid loaded object"),
    "bytes": ("# @package _global_\nx: '\udcff'", "experiment=bytes is not allowed: 'utf-8' codec can't decode"),
    "code": (
        "# @package _global_\nhydra: {launcher: {_target_: os.getcwd}}",
        "experiment=code is not allowed: ",
    ),
    "callback": (
        "# @package _global_\nhydra: {callbacks: {x: {_target_: os.getcwd}}}",
        "hydra.callbacks would run code",
    ),
    "logging": (
        "# @package _global_\nhydra: {job_logging: {version: 7, root: {}}}",
        "hydra.job_logging: logging names code, and a configuration can't. "
        "Choose it by a word of Hydra's, as in hydra/job_logging=default.",
    ),
    "handler": (
        "# @package _global_\nhydra: {job_logging: {handlers: {x: {class: os.system}}, root: {handlers: [x]}}}",
        "hydra.job_logging: logging names code, and a configuration can't.",
    ),
    "factory": (
        "# @package _global_\nhydra: {hydra_logging: {handlers: {x: {(): os.getcwd}}, root: {handlers: [x]}}}",
        "hydra.hydra_logging: logging names code, and a configuration can't.",
    ),
    "file": (
        "# @package _global_\ndefaults: [override /hydra/job_logging: default]\n"
        "hydra: {job_logging: {handlers: {file: {filename: elsewhere}}}}",
        "hydra.job_logging: logging names code, and a configuration can't.",
    ),
    "environment": (
        "# @package _global_\nhydra: {job: {env_set: {A=B: x}}}",
        "hydra.job.env_set: a run's environment is never changed. Set variables in the shell instead.",
    ),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_that_can_not_be_used_is_one_sentence(name, elsewhere, capsys):
    text, answer = RECIPES[name]
    (elsewhere / "own" / "experiment").mkdir(parents=True)
    (elsewhere / "own" / "experiment" / f"{name}.yaml").write_bytes(text.encode(errors="surrogateescape"))
    ways = [[], ["-m", "seed=1,2"], ["-m", "seed=1,2", "hydra/launcher=basic"]]
    for sweep in ways[1:2] if name == "code" else ways:  # a single run has no launcher
        assert cli.run(["-cd", "own", f"experiment={name}", "dataset=synthetic", "epochs=0", *sweep]) == 2
        out, err = capsys.readouterr()
        err = err.replace(" hydra/launcher=basic is not", " is not")  # where it is not known which of the two is meant
        assert (out, err.count("\n")) == ("", 1) and err.startswith(f"train: {answer}")
        assert [path.name for path in elsewhere.iterdir()] == ["own"]


@pytest.mark.parametrize("words", ["hydra/job_logging=mine", "-m hydra/launcher=basic seed=1,2 hydra/job_logging=mine"])
@pytest.mark.parametrize("where", ["-cd own", "hydra.searchpath=[own]"])
def test_logging_of_ones_own_is_refused_wherever_it_comes_from(words, where, elsewhere, capsys):
    (elsewhere / "own/hydra/job_logging").mkdir(parents=True)
    handler = "handlers: {x: {class: logging.FileHandler, filename: elsewhere}}"
    (elsewhere / "own/hydra/job_logging/mine.yaml").write_text(f"version: 1\nroot: {{handlers: [x]}}\n{handler}\n")
    assert cli.run([*words.split(), *where.split(), "dataset=synthetic", "epochs=0"]) == 2
    assert capsys.readouterr().err.startswith(
        "train: hydra.job_logging: logging names code, and a configuration can't."
    )
    assert [path.name for path in elsewhere.iterdir()] == ["own"]


def test_a_cell_that_would_log_in_its_own_way_is_refused(elsewhere, capsys):
    (elsewhere / "own/experiment").mkdir(parents=True)
    (elsewhere / "own/experiment/loud.yaml").write_text(RECIPES["handler"][0])
    words = ["-m", "hydra/launcher=basic", "-cd", "own", "experiment=baseline,loud", "dataset=synthetic", "epochs=0"]
    assert cli.run(words) == 2
    assert capsys.readouterr().err.startswith("train: hydra.job_logging: logging names code")
    assert [path.name for path in elsewhere.iterdir()] == ["own"]


@pytest.mark.parametrize("option", ["-cd", "-cp"])
def test_a_runs_directory_is_no_folder_of_choices(option, elsewhere, capsys):
    (elsewhere / "a,b=c d").mkdir()
    for name in ("config.yaml", "summary.json"):
        (elsewhere / "a,b=c d" / name).touch()
    assert cli.run([option, "a,b=c d", "-cn", "config"]) == 2
    expected = "train: a,b=c d is a run's directory. To train its configuration again type: train 'from=a,b=c d'\n"
    assert capsys.readouterr().err == expected


def test_a_main_configuration_that_would_not_be_read_is_refused(elsewhere, capsys):
    (elsewhere / "config.yaml").write_text("epochs: 3\n")
    assert cli.run(["-cd", "."]) == 2
    assert "./config.yaml would not be read" in capsys.readouterr().err


def test_a_working_directory_that_is_gone(elsewhere, tmp_path_factory, monkeypatch, capsys):
    gone = tmp_path_factory.mktemp("gone")
    monkeypatch.chdir(gone)
    gone.rmdir()
    for words in ([], ["-m", "seed=1,2"], ["--cfg", "job"], ["resume", "x"]):
        assert cli.run(words) == 2
        assert capsys.readouterr().err == "train: The working directory is gone: change to one that exists (cd).\n"
    assert cli.run(["--help"]) == cli.run(["--version"]) == 0


@pytest.mark.parametrize("name", ["a${b}c", "a${b", "${now:%Y}", "${oc.env:HOME}"])
def test_a_working_directory_that_hydra_would_read_as_a_reference(name, elsewhere, monkeypatch, capsys):
    (elsewhere / name).mkdir()
    monkeypatch.chdir(elsewhere / name)
    for words in ([], ["-m", "seed=1,2"], ["-m", "hydra/launcher=basic", "seed=1,2"]):
        assert cli.run(["dataset=synthetic", "epochs=0", *words]) == 2
        assert "has ${ in its name, which configurations take for a reference" in capsys.readouterr().err
    assert [path.name for path in elsewhere.rglob("*")] == [name]
