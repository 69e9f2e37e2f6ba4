"""The model: a network with its weights and an engine, and the methods of Keras: compile, fit, evaluate, predict."""

import os
import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing, nullcontext
from typing import Any, ClassVar

from striate._types import Logs, Weights
from striate.arguments import check_arguments, check_methods, check_whole
from striate.data import Augmentation, Dataset
from striate.engines.choose import AUTO, EngineSettings
from striate.engines.losses import Loss
from striate.engines.optimizers import Optimizer, get_optimizer
from striate.engines.weight_files import check_finite, check_model_name, find_model_file
from striate.errors import ModelFileError, UsageError
from striate.files import atomic_write
from striate.images import ImagePolicy
from striate.model_files import ModelFile, read_model, write_model
from striate.model_layers import LayeredModel
from striate.model_structure import is_chain
from striate.network import Network, Tensor
from striate.notebook import Page
from striate.processes import current_process
from striate.tasks import Decision, Task
from striate.training import Recipe, Run, Samples, Schedule, check_inputs, fit, get_schedule
from striate.training.by_recipe import train_by_recipe
from striate.training.callbacks import Callback, CallbackList, History, check_callbacks
from striate.training.compilation import Compilation, make_compilation
from striate.training.fitting import check_split, make_validation, open_validation_data, training_source
from striate.training.inference import evaluate_batches, predict_batches
from striate.training.live_optimizer import LiveOptimizer
from striate.training.losses import default_losses, losses_for_targets
from striate.training.metrics import Figures, to_scores
from striate.training.progress import Verbose, make_inference_progress
from striate.training.samples import warn_of_missing_classes
from striate.training.saved_training import INVALID, MACHINE, SavedTraining
from striate.training.user_data import LARGEST_COUNT, UserData
from striate.training.weighting import by_class_number


@check_methods
class Model(LayeredModel):
    """A network that can be trained and predict.

    Args:
        inputs: Symbolic tensors or Input layers, one or a list, as for `Network`.
        outputs: Symbolic tensors, one or a list.
        name: Name of the model.
        seed: Decides the initial weights, the order of the samples and dropout; 0 or more.

    Attributes:
        classes: Names of the classes or labels, or of the numbers that are predicted; empty if unknown.
        decision: What is predicted (one class, labels or numbers), and how outputs become predictions.
        policy: How image files become pixels; None if unknown.
        recipe: How the model was trained; None if it was not.
        fingerprint: Fingerprint of the data on which it was trained, if known.
        figures: Loss and metrics of the last epoch.
        extras: Arrays saved beside the weights, under names with a colon such as "unknown:scale"; removed when the
            model is trained further.
        notes: What to know about a model from an ONNX file, such as outputs that were left out.
        history: What the last `fit` returned; None before.
    """

    @classmethod
    def from_onnx(cls, path: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> "Model":
        """Load the network of an ONNX file, from any program, as a model to predict with, train further or save.

        No other file is opened, and nothing in the file is executed.

        Args:
            path: The ONNX file.
            size: Height and width, for a file that takes images of any size.

        Returns:
            A model that takes the same arrays as the file, for example float32 (N, C, H, W) from PyTorch. Files that
            Striate exported also restore the classes and the image policy.

        Raises:
            ModelFileError: The file is damaged, not ONNX, or unsafe.
            NetworkError: An operator, which the message names, has no corresponding layer.
        """
        from striate.onnx.importing import import_onnx
        from striate.transfer.open_set import OpenSetDetector

        imported = import_onnx(path, size=size)
        model = Model.from_network(imported.network)
        metadata = imported.metadata
        model.classes, model.policy, model.figures = metadata.classes, metadata.policy, metadata.figures
        model.decision = metadata.decision
        check_finite(imported.weights, path)
        model._set_weights(imported.weights)
        model.notes = imported.notes
        if imported.detector:
            model.extras = OpenSetDetector(str(metadata.detector_layer), **imported.detector).to_extras()
        return model

    def _state(self) -> tuple[str, ...]:
        if self._saved_training:
            return ("compile settings saved",)
        if self.optimizer is None:
            return ("not compiled",)
        figures = (f"{name} {value:.4f}" for name, value in self.figures.items() if name != "learning_rate")
        return f"compiled with {type(self.optimizer.description).__name__}", *figures

    def _initialize(self, network: Network | None, seed: int) -> None:
        self.classes: tuple[str, ...] = ()
        self.decision = Decision()
        self.policy: ImagePolicy | None = None
        self.recipe: Recipe | None = None
        self.fingerprint: str | None = None
        self.figures: Logs = {}
        self.extras: Weights = {}
        self.notes: tuple[str, ...] = ()
        self.history: History | None = None
        self._compilation: Compilation | None = None
        self._compiled = False  # whether the engine is
        self._compile_arguments: dict[str, Any] | None = None
        self._frozen_by_layers: list[str] = []  # when the model was compiled
        self._must_compile = False  # because the network is built later or again, or the model was loaded
        self._saved_training: SavedTraining | None = None  # of a loaded model that was not compiled yet
        self.learning_rate = 0.0
        self.iterations = self.epochs_done = 0
        self.stop_training = False
        super()._initialize(network, seed)

    _is_sequential = False
    _chain_class: "ClassVar[type[Model] | None]" = None  # Sequential, once its module is imported

    def _make(self, inputs: list[Tensor], outputs: list[Tensor], name: str) -> "Model":
        return Model(inputs, outputs, name=name)

    def __getstate__(self) -> dict[str, Any]:
        """Return the model for `copy` and `pickle`: weights and the optimizer's state in place of the engine."""
        state = dict(self.__dict__)
        engine = state["_engine"]
        if engine is not None:
            state |= {"_engine": None, "_pending_weights": self.named_weights}
            state |= {"_slots": engine.slots} if self._compiled else {}
        elif self._shared and self._shared.any_known:
            state["_pending_weights"] = self.named_weights
        state["_frozen_names"] = self.frozen_layers()
        state |= {"_structure": None, "_shared": None}  # a copy has layer objects of its own
        return state | {"_network": None, **self._copied_parts()} if self._has_parts else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        slots, frozen = state.pop("_slots", None), state.pop("_frozen_names", ())
        self.__dict__.update(state)
        if self._has_parts:
            weights, self._pending_weights = self._pending_weights, None
            self._rebuild()
            if weights:
                _ = self.structure  # the layers, which the weights are for
                self._set_weights(weights)
        self._freeze(frozen)
        if self._compiled and self._compilation:
            self.engine.compile(self._compilation.settings)
            self.engine.slots = slots or {}

    def build(self, input_shape: Any = None) -> None:
        """Build the network, as in `BuildableModel`, and compile it if that was asked for before."""
        super().build(input_shape)
        self._compile_if_asked()

    def _compile_if_asked(self) -> None:
        """Compile a network that was loaded, built after `compile`, or whose layers were changed since."""
        if self._must_compile and self._compile_arguments is not None:
            if self._saved_training and self.built:
                self._continue_training(self._saved_training)
            else:
                self.compile(**self._compile_arguments)

    def _restore(self, saved: SavedTraining) -> None:
        """Set what a file says of compile and of the progress; the engine is made when it is needed."""
        self._saved_training, self._compile_arguments, self._must_compile = saved, saved.arguments, True
        self.seed, self.learning_rate = saved.seed, saved.learning_rate
        self.iterations, self.epochs_done = saved.iterations, saved.epochs_done
        self._freeze(saved.frozen)

    def _continue_training(self, saved: SavedTraining) -> None:
        arguments = dict(saved.arguments)
        if self._engine_settings != EngineSettings():  # chosen after loading
            arguments = {name: value for name, value in arguments.items() if name not in MACHINE}
        try:
            self.compile(**arguments)
        except UsageError as error:
            if all(arguments.get(name) is None for name in MACHINE):
                raise
            warnings.warn(f"The model is compiled for another engine than it was saved with: {error}", stacklevel=4)
            self.compile(**{name: value for name, value in arguments.items() if name not in MACHINE})
        try:
            self.engine.slots = saved.slots
        except INVALID as error:
            raise ModelFileError(f"The saved state of the optimizer does not fit '{self.name}': {error}.") from error
        self.learning_rate, self.iterations, self.epochs_done = (
            saved.learning_rate, saved.iterations, saved.epochs_done
        )  # fmt: skip

    def _inference_layers(self) -> list[str]:
        """Return the names of layers that were called with training=False, which model files do not know."""
        return self._structure.inference_layers() if self._structure else []

    def _training_to_save(self) -> SavedTraining | None:
        """Return compile settings and the state of the optimizer; None, with a warning, if they contain own code."""
        if self._saved_training or not (self._compiled and self._compilation and self._compile_arguments):
            return self._saved_training
        settings, classifies = self._compilation.settings, self._classifies
        default = self._compilation.default_loss and settings.losses == default_losses(
            self.network, classifies=classifies
        )
        arguments = self._compile_arguments | {
            "optimizer": settings.optimizer, "learning_rate": None, "loss": None if default else list(settings.losses),
            "frozen": list(dict.fromkeys([*self._compile_arguments["frozen"], *self._inference_layers()])),
        }  # fmt: skip
        saved = SavedTraining(
            arguments, tuple(self.frozen_layers()), self.seed, self.iterations, self.epochs_done, self.learning_rate,
            self.engine.slots,
        )  # fmt: skip
        try:
            saved.to_dict()
        except UsageError as error:
            warnings.warn(
                f"The file does not contain how '{self.name}' was compiled: {error}. Compile the model again after "
                "loading it.",
                stacklevel=4,
            )
            return None
        return saved

    def _disconnect(self) -> None:
        super()._disconnect()
        self._must_compile, self._compiled = self._must_compile or self._compiled, False

    def _forget_training(self) -> None:
        self._compiled = False

    @property
    def optimizer(self) -> LiveOptimizer | None:
        """The optimizer passed to compile, whose `learning_rate` can be set; None before."""
        self._compile_if_asked()
        compiled = self._compilation if self._compiled else None
        return LiveOptimizer(compiled.settings.optimizer, self) if compiled else None

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The loss of each output; before compile, that which matches its activation."""
        self._compile_if_asked()
        if self._compilation:
            return tuple(self._compilation.settings.losses)
        return default_losses(self.network, classifies=self._classifies)

    @property
    def _classifies(self) -> bool:
        """Whether an output of several numbers without activation is the logits of classes."""
        return bool(self.classes) and self.decision.task is Task.CLASSIFICATION

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics; before compile, of those that match the losses."""
        return self.reported.names

    @property
    def reported(self) -> Figures:
        """The figures that training and `evaluate` report besides the loss."""
        return self._figures_of(self.losses)

    def _figures_of(self, losses: Sequence[Loss]) -> Figures:
        return self._compilation.figures(self.network, losses) if self._compilation else Figures(self.network, losses)

    def compile(
        self,
        optimizer: str | Optimizer = "adam",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        *,
        learning_rate: float | None = None,
        clip_norm: float | None = None,
        average: float | None = None,
        frozen: Collection[str] = (),
        engine: str | None = None,
        device: str | None = None,
        precision: str | None = None,
        deterministic: bool | None = None,
        compiled: bool | None = None,
        run_eagerly: bool = False,
        jit_compile: bool | str = "auto",
        steps_per_execution: int = 1,
        auto_scale_loss: bool = True,
    ) -> None:
        """Set how to train. The weights are kept; the optimizer's state is cleared.

        Args:
            optimizer: Its Keras name, or an `Optimizer`.
            loss: Its Keras name or a `Loss`; one for all outputs, or a list or dict with one for each. None uses the
                one that matches the activation of the output: categorical cross-entropy for softmax and log_softmax,
                binary cross-entropy for sigmoid. An output without activation is numbers (mean squared error), unless
                the model has classes or the targets are class numbers: then it is logits (categorical cross-entropy).
                Cross-entropy of an output without activation is always computed from logits. A function of your own,
                f(y_true, y_pred), returns (loss, gradient) as NumPy arrays on either engine; with engine="torch" it may
                also be a function of PyTorch tensors that returns the loss, which is differentiated.
            metrics: Names such as "accuracy", objects from `striate.metrics`, or functions of y_true and y_pred, NumPy
                arrays, that return a number or one for each sample. A list; with several outputs also a list of lists,
                or a dict by the name of the output layer; in a plain list, each applies to the outputs that it
                matches. None uses the ones that match the losses.
            loss_weights: Factors of the losses of several outputs, a list or a dict by the name of the output layer.
            weighted_metrics: As `metrics`, for metrics in which samples count with their `sample_weight`.
            learning_rate: Replaces that of the optimizer.
            clip_norm: As in `Recipe`.
            average: As in `Recipe`.
            frozen: Names of layers that keep their weights and work as in inference, in addition to those whose
                `trainable` is False.
            engine: As in `use_engine`. If this and the settings below are all None, the engine is kept.
            device: As in `EngineSettings`.
            precision: As in `EngineSettings`.
            deterministic: As in `EngineSettings`.
            compiled: As in `EngineSettings`.
            run_eagerly: Has no effect; an argument of Keras, as the three below.
            jit_compile: Has no effect; see `compiled`.
            steps_per_execution: Has no effect.
            auto_scale_loss: Has no effect: losses in float16 are always scaled.

        Raises:
            UsageError: A name is unknown, a value is out of range, or losses and outputs do not match.

        Example:
            >>> import striate as st
            >>> layers = st.layers
            >>> model = st.Sequential([st.Input((1,)), layers.Dense(2, activation="softmax", name="out")])
            >>> model.compile("adam", learning_rate=0.01)
            >>> model.metrics
            ('accuracy',)
        """
        self._compile_arguments = {name: value for name, value in locals().items() if name != "self"}
        self._saved_training = None
        self._must_compile = not self.built
        if self._must_compile:
            get_optimizer(optimizer)  # raises now; the rest is checked when the model is built
            return
        inference = self._inference_layers()
        self._frozen_by_layers = self.frozen_layers()
        inference.extend(self._frozen_by_layers)
        compilation = make_compilation(
            self.network, optimizer, loss, metrics, loss_weights, weighted_metrics, classifies=self._classifies,
            seed=self.seed, learning_rate=learning_rate, clip_norm=clip_norm, average=average,
            frozen=[*frozen, *(name for name in inference if name not in frozen)],
        )  # fmt: skip
        asked = {"device": device, "precision": precision, "deterministic": deterministic, "compiled": compiled}
        options = {name: value for name, value in asked.items() if value is not None}
        if engine or options:
            self.use_engine(engine or "auto", **options)
        self._compile(compilation)
        self.learning_rate = compilation.settings.optimizer.rate_at(0)

    def _compile(self, compilation: Compilation) -> None:
        self._compilation, self._compiled = compilation, True
        self.engine.compile(compilation.settings)
        self.iterations = self.epochs_done = 0

    def _losses_for(self, data: UserData) -> tuple[Loss, ...]:
        """Return the losses to use with these targets; a loss that was passed to compile is never changed."""
        if self._compilation is None:
            return losses_for_targets(self.network, self.losses, data.first_y)
        if not self._compilation.default_loss:
            return self.losses
        return tuple(self._compilation.for_targets(self.network, data.first_y).settings.losses)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Verbose = "auto",
        callbacks: Callback | Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int | str, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        *,
        augmentation: Augmentation | None = None,
        schedule: str | Schedule | None = None,
    ) -> History:
        """Train the model. The arguments are those of Keras, in its order, and two more.

        Args:
            x: uint8 images (N, H, W, C), or any numbers of the input's shape; a list of arrays for several inputs.
                Where the network scales pixels itself, values that were divided by 255 are refused. Or any iterable of
                batches (x, y) or (x, y, sample_weight): a generator, a list of tuples, a DataLoader of PyTorch, an
                object with `__len__` and `__getitem__`.
            y: Class numbers (N,) or one-hot rows (N, classes); (N, …) for sigmoid and linear outputs; a list of arrays
                for several outputs.
            batch_size: Samples per step; None: 32. For arrays only.
            epochs: The number of the last epoch: how many times to go through the samples if they begin at 0.
            verbose: 0 (nothing), 1 (a progress bar), 2 (a line per epoch), or "auto".
            callbacks: From `striate.callbacks`, or your own; a list or a single one.
            validation_split: The fraction of the samples that is used for validation. It is chosen by content, and not
                the last samples as in Keras, which may be of one class.
            validation_data: What to validate on after each epoch: (x, y), (x, y, sample_weight), an iterable of
                batches, or a part of a data set such as `data.validation`.
            shuffle: Whether each epoch has an order of its own, which is a function of the seed and the epoch.
            class_weight: Weight in the loss by class number or name; 1 for those that are missing. Not for validation.
            sample_weight: Weight of each sample in the loss (N,); a list or dict of them for several outputs.
            initial_epoch: The number of the first epoch, to continue a training.
            steps_per_epoch: Batches in an epoch; the next epoch goes on where it ended. Needed for generators that
                never end. None: all batches.
            validation_steps: Number of batches to validate on; None: all.
            validation_batch_size: Samples per batch in validation, which changes only its speed unless
                `validation_steps` is given.
            validation_freq: Validate after every so many epochs, or after the epochs in this list, counted from 1.
            augmentation: How training images are varied. For arrays only.
            schedule: How the learning rate changes during training; None keeps it constant.

        Returns:
            A `History`; its `history` maps loss and metrics to lists with one value per epoch.

        Raises:
            DataError: The samples do not match the network.
            UsageError: The model is not compiled, or a setting is out of range.

        Example:
            >>> import numpy as np
            >>> import striate as st
            >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
            >>> layers = st.layers
            >>> model = st.Sequential([st.Input((1,)), layers.Dense(2, activation="softmax", name="out")])
            >>> model.compile("sgd", learning_rate=0.5)
            >>> history = model.fit(x, y, epochs=3, verbose=0)
            >>> len(history.history["loss"])
            3
        """
        chosen, split = check_callbacks(callbacks), check_split(validation_split, validation_data)
        first = check_whole("initial_epoch", initial_epoch, 0)
        data = UserData(
            x, y, sample_weight=sample_weight, class_weight=by_class_number(class_weight, self.classes),
            batch_size=batch_size, steps=steps_per_epoch,
            epochs=check_whole("epochs", epochs, 1, LARGEST_COUNT) - first, shuffle_seed=self.seed if shuffle else None,
            steps_name="steps_per_epoch",
        )  # fmt: skip
        self._build_for_data(data)
        settings = self._require_compiled("fit").settings
        if self.frozen_layers() != self._frozen_by_layers:
            warnings.warn(
                "The attribute trainable of a layer was changed after compile, which has no effect before the next "
                "compile: call compile again.",
                stacklevel=3,
            )
        recipe = Recipe(
            epochs, 32 if batch_size is None else batch_size, settings.optimizer, get_schedule(schedule),
            augmentation=augmentation, seed=self.seed, clip_norm=settings.clip_norm, average=settings.average,
            frozen=tuple(settings.frozen),
        )  # fmt: skip
        held: UserData | Samples | None = None
        if validation_data is not None:
            size = validation_batch_size or (batch_size if validation_steps else None)
            held = open_validation_data(validation_data, batch_size=size, steps=validation_steps, epochs=epochs - first)
        losses, network = self._compile_for(data), self.network
        train, part = training_source(data, network, losses, recipe, self.engine, shuffle=shuffle, split=split)
        held = part or held
        validation = None if held is None else make_validation(held, network, losses, self.engine, validation_freq)
        self.recipe, self.extras, self.decision = recipe, {}, Decision(self.decision.task)
        self.history = fit(
            self, recipe, train, validation, callbacks=chosen, verbose=verbose, initial_epoch=first,
            report_rate=schedule is not None,
        )  # fmt: skip
        return self.history

    def _freeze(self, names: Collection[str]) -> None:
        for name in names:
            self.structure.layers[name].trainable = False

    def _build_for_data(self, data: UserData, *, compiled: bool = True) -> None:
        """Build the network for the first batch if it is not built; also compile it if that was asked for before."""
        if not self.built:
            self._build_for(data.first_x)
        if compiled:
            self._compile_if_asked()

    def _require_compiled(self, verb: str) -> Compilation:
        if self._compilation is None or not self._compiled:
            raise UsageError(f"The model is not compiled: call compile(optimizer, loss, metrics) before {verb}.")
        return self._compilation

    def _compile_for(self, data: UserData) -> tuple[Loss, ...]:
        """Return the losses, after compiling again if the targets show that outputs are logits of classes."""
        if self._compilation and self._compilation.default_loss:
            compilation = self._compilation.for_targets(self.network, data.first_y)
            if compilation is not self._compilation:
                self._compile(compilation)
        return self.losses

    def train(
        self,
        data: Dataset,
        recipe: Recipe | None = None,
        *,
        callbacks: Sequence[Callback] | None = (),
        run: Run | None = None,
        verbose: Verbose = "auto",
    ) -> History:
        """Compile by a recipe and train on a data set.

        The model takes over the classes and the image policy of the data set. If the weights were never used or set,
        they are initialized from the recipe's seed. Numbers are standardized for training, so that the loss of a
        regression is in units of their variance; the trained model gives the numbers themselves.

        Args:
            data: The data set.
            recipe: How to train; None uses that of the run, or the default.
            callbacks: As in `fit`.
            run: A run folder that receives the checkpoints, the history and the model. A run that was interrupted
                resumes where it stopped.
            verbose: As in `fit`.

        Returns:
            The loss and metrics of each epoch.

        Raises:
            DataError: The network does not match the data.
            RunError: The run began with other data.
        """
        self._build_for(data.train.x)
        recipe = recipe or (run.recipe if run else Recipe())
        with run.locked() if run else nullcontext():
            if run:
                run.require_data(data.fingerprint)
                self._use_precision(run.record.precision)
            return train_by_recipe(self, data, recipe, callbacks=callbacks, run=run, verbose=verbose)

    def _use_precision(self, precision: str | None) -> None:
        """Use the precision with which a run began, unless another was asked for."""
        settings = self._engine_settings
        if precision is not None and settings.precision == AUTO:
            self.use_engine(settings.engine, **settings.options | {"precision": precision})

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Verbose = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Compute the mean loss and the metrics on samples.

        Args:
            x: Inputs or an iterable of batches, as in `fit`.
            y: Targets, as in `fit`.
            batch_size: Samples that go through the network at once; None: a size that is fast.
            verbose: 0 (nothing), 1 (a progress bar, then a line), 2 (a line), or "auto": a bar on a terminal while it
                takes longer than a second.
            sample_weight: Weight of each sample in the loss (N,), as in `fit`.
            steps: Number of batches, of `batch_size` or 32 samples for arrays; None: all.
            callbacks: Callbacks with the hooks on_test_….
            return_dict: Whether to return a plain dict.

        Returns:
            The loss as a number if there are no metrics (metrics=[]). Else loss and metrics in Keras's order, for
            example Scores(loss=0.04, accuracy=0.99). They unpack to values,
            `loss, accuracy = model.evaluate(x, y)`, and have names, `scores["accuracy"]`; `dict(scores)` is possible.

        Raises:
            DataError: The samples do not match the network.
            UsageError: An argument is out of range, or arguments exclude each other.

        Example:
            >>> import numpy as np
            >>> import striate as st
            >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
            >>> layers = st.layers
            >>> model = st.Sequential([st.Input((1,)), layers.Dense(2, activation="softmax", name="out")])
            >>> model.compile("sgd", learning_rate=0.5)
            >>> loss, accuracy = model.evaluate(x, y)
            >>> model.evaluate(x, y)["accuracy"] == accuracy
            True
        """
        chosen = check_callbacks(callbacks)
        data = UserData(x, y, sample_weight=sample_weight, batch_size=batch_size, steps=steps, purpose="evaluate")
        self._build_for_data(data)
        losses = self._losses_for(data)
        batches, count = data.batches(self.network, losses, self.engine)
        sums = self._figures_of(losses)
        with closing(make_inference_progress("evaluate", verbose)) as progress:
            hooks = CallbackList([*chosen, progress], self, {"epochs": 1, "steps": count, "verbose": verbose})
            hooks.call("on_test_begin", {})
            figures = evaluate_batches(self.engine, sums, batches, hooks)
            hooks.call("on_test_end", figures)
        return figures if return_dict else to_scores(figures)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Verbose = "auto",
        steps: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
    ) -> Any:
        """Compute the output of the network.

        Args:
            x: Inputs, as in `fit`; or an iterable of batches x, of which (x, y) are accepted too.
            batch_size: Samples that go through the network at once; None: a size that is fast.
            verbose: As in `evaluate`.
            steps: Number of batches, as in `evaluate`.
            callbacks: Callbacks with the hooks on_predict_….

        Returns:
            float32 (N, classes) or (N, …); a list of arrays for several outputs.

        Raises:
            DataError: The inputs do not match the network.
            UsageError: An argument is out of range.

        Example:
            >>> import numpy as np
            >>> import striate as st
            >>> layers = st.layers
            >>> model = st.Sequential([st.Input((1,)), layers.Dense(2, activation="softmax", name="out")])
            >>> model.predict(np.zeros((3, 1))).shape
            (3, 2)
        """
        chosen = check_callbacks(callbacks)
        data = UserData(x, batch_size=batch_size, steps=steps, purpose="predict")
        self._build_for_data(data, compiled=False)
        batches, count = data.input_batches(self.network)
        with closing(make_inference_progress("predict", verbose)) as progress:
            hooks = CallbackList([*chosen, progress], self, {"epochs": 1, "steps": count, "verbose": verbose})
            hooks.call("on_predict_begin", {})
            outputs = predict_batches(self.engine, batches, hooks)
            hooks.call("on_predict_end", {})
        return self._pack(outputs)

    def predict_on_batch(self, x: Any) -> Any:
        """Compute the output for samples, all at once; arguments and result are those of `predict`."""
        self._build_for(x)
        return self._pack(self.engine.forward(check_inputs(self.network, x)))

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int | str, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Do one step on these samples.

        Args:
            x: Inputs, as in `fit`.
            y: Targets, as in `fit`.
            sample_weight: As in `fit`.
            class_weight: As in `fit`.
            return_dict: Whether to return a plain dict.

        Returns:
            Loss and metrics of this batch before the step, as `evaluate` does.

        Raises:
            DataError: The samples do not match the network.
            UsageError: The model is not compiled.
        """
        data = UserData(
            x,
            y,
            sample_weight=sample_weight,
            class_weight=by_class_number(class_weight, self.classes),
            purpose="train_on_batch",
        )
        self._build_for_data(data)
        compilation = self._require_compiled("train_on_batch")
        losses = self._compile_for(data)
        batch = data.samples(self.network, losses)
        warn_of_missing_classes(self.network, batch, losses, "samples of this batch")
        if compilation.settings.optimizer.scheduled:
            self.learning_rate = compilation.settings.optimizer.rate_at(self.iterations)
        result = self.engine.train_step(
            batch.inputs, batch.targets, learning_rate=self.learning_rate, step=self.iterations,
            sample_weights=batch.weights,
        )  # fmt: skip
        self.iterations += 1
        figures = self._figures_of(losses)
        sums = figures.sums(result.outputs, batch.targets, batch.weights)
        values = {"loss": result.loss} | figures.compute(sums)
        return values if return_dict else to_scores(values)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Compute loss and metrics of samples, all at once; arguments and result are those of `evaluate`."""
        data = UserData(x, y, sample_weight=sample_weight, purpose="test_on_batch")
        self._build_for_data(data)
        losses = self._losses_for(data)
        sums = self._figures_of(losses)
        figures = evaluate_batches(self.engine, sums, [data.samples(self.network, losses)])
        return figures if return_dict else to_scores(figures)

    def reset_metrics(self) -> None:
        """Do nothing: figures are always those of one batch, epoch or evaluation. For programs written for Keras."""

    @property
    def metrics_names(self) -> list[str]:
        """Names of the loss and the metrics, in the order in which `evaluate` returns them."""
        return ["loss", *self.metrics]

    def report(self, x: Any, y: Any = None, *, classes: Sequence[str] | None = None, history: Any = None) -> Page:
        """Evaluate the model on images, and make a report: metrics with intervals, confusion matrix, all errors.

        Args:
            x: Images that the model was not trained on; or a data set, of which the test part is used.
            y: Their classes, as in `fit`.
            classes: Names of the classes; None for those of the data set or the model, or numbers.
            history: What `fit` returned, for the curves.

        Returns:
            The report, which a notebook shows below the cell; its `save` writes it to a file.

        Raises:
            DataError: Images, labels or classes do not match the network, or its outputs are no probabilities.
            UsageError: There are no labels, or the network has several outputs.

        Example:
            >>> import striate as st
            >>> digits = st.data.load("mnist5k")
            >>> st.zoo.build("lenet5").report(digits)
            Page(title='Report of lenet5')
        """
        from striate.model_report import report_of_model

        return report_of_model(self, x, y, classes, history)

    def save(self, path: str | os.PathLike[str], *, include_optimizer: bool = True) -> None:
        """Write the whole model to one file. Of several processes only rank 0 writes.

        Args:
            path: Where to write, for example "model.safetensors".
            include_optimizer: Whether the file also contains how the model was compiled and the state of the
                optimizer, so that `fit` continues a loaded model as if it had not been interrupted. With Adam, the file
                is three times as large.

        Raises:
            UsageError: The name has the suffix of another format, such as .onnx, .keras or .pt.
            RunError: The file cannot be written.

        Example:
            >>> import os, tempfile
            >>> import striate as st
            >>> layers = st.layers
            >>> model = st.Sequential([st.Input((1,)), layers.Dense(2, activation="softmax", name="out")])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = os.path.join(folder, "model.safetensors")
            ...     model.save(path)
            ...     st.load(path).layers == model.layers
            True
        """
        check_model_name(path)
        if current_process().rank:
            return
        content = ModelFile(
            self.network, self.named_weights, self.extras, self.classes, self.policy, self.recipe, self.fingerprint,
            self.figures, self.decision, self._is_sequential, self._training_to_save() if include_optimizer else None,
        )  # fmt: skip
        write_model(path, content)

    def export(self, filepath: str | os.PathLike[str], format: str = "onnx", verbose: bool | None = None) -> None:
        """Write the network as an ONNX file, from pixels to outputs.

        `striate export` also compares the file with the model on images, and can make it smaller.

        Args:
            filepath: Where to write, for example "model.onnx".
            format: "onnx".
            verbose: Accepted as in Keras; nothing is printed.

        Raises:
            UsageError: Another format is asked for.
            NetworkError: A custom layer has no export rule.
        """
        if format != "onnx":
            raise UsageError(
                f"export writes ONNX files; received format={format!r}. Programs for other formats convert those; "
                "save('model.safetensors') keeps the model for Striate."
            )
        from striate.onnx.export import to_onnx
        from striate.onnx.metadata import ExportMetadata

        metadata = ExportMetadata(self.classes, self.policy, fingerprint=self.fingerprint, decision=self.decision)
        atomic_write(filepath, to_onnx(self.network, self.named_weights, metadata=metadata))


@check_arguments
def load(path: str | os.PathLike[str]) -> Model:
    """Load a model that `save` wrote. Nothing in it is executed.

    It has its network, weights, classes and image policy, and if it was compiled, its compile settings and the state of
    the optimizer: `fit` continues where the training ended.

    Args:
        path: A file of `Model.save`, the run folder that contains it, or an ONNX file (.onnx), which is opened as by
            `Model.from_onnx`.

    Returns:
        The model.

    Raises:
        ModelFileError: The file is missing, damaged, of another program, or from a newer version of Striate.
        StriateError: Its network cannot be built, for example because a layer class of your own is not registered.

    Example:
        >>> import os, tempfile
        >>> import striate as st
        >>> model = st.Sequential([st.Input((1,)), st.layers.Dense(2, activation="softmax")])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     model.save(path)
        ...     loaded = load(path)
        >>> loaded.name
        'sequential'
    """
    if os.fspath(path).endswith(".onnx"):
        return Model.from_onnx(path)
    content = read_model(find_model_file(path))
    chain = Model._chain_class if content.sequential and is_chain(content.network) else None
    model = (chain or Model).from_network(content.network)
    model.classes, model.policy, model.recipe = content.classes, content.policy, content.recipe
    model.fingerprint, model.figures, model.extras = content.fingerprint, content.figures, content.extras
    model.decision = content.decision
    model._set_weights(content.weights)
    if content.training:
        model._restore(content.training)
    return model
