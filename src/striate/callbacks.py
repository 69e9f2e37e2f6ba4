"""The callbacks, importable as in Keras: `from striate.callbacks import EarlyStopping`."""

from typing import NoReturn

from striate.errors import UsageError
from striate.training.callbacks import Callback, History
from striate.training.monitors import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from striate.training.simple_callbacks import (
    CSVLogger,
    LambdaCallback,
    LearningRateScheduler,
    TerminateOnNaN,
)
from striate.training.tensorboard import TensorBoard

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]

UNSUPPORTED = {
    "BackupAndRestore": "a run folder resumes training after any step: run = Run.create(RunRecord(recipe, "
    "data.fingerprint), FOLDER) of striate.training, then model.train(data, run=run); on the command line, striate "
    "train --resume",
    "ProgbarLogger": "pass verbose=1 to fit, which shows the same",
    "RemoteMonitor": "Striate sends nothing over the network; write on_epoch_end of a custom Callback",
    "SwapEMAWeights": "pass ema_decay=0.99 to compile: the average is validated, and becomes the weights at the end",
    "CallbackList": "fit(callbacks=[…]) calls them",
    "OrbaxCheckpoint": "use ModelCheckpoint, which writes one safe file",
}


def __getattr__(name: str) -> NoReturn:
    """Raise an error for callbacks that only Keras has, which says what to use instead."""
    if name in UNSUPPORTED:
        raise UsageError(f"There is no callback {name}: {UNSUPPORTED[name]}.")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
