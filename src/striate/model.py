"""The model: a network with its weights and an engine, and the methods of Keras: compile, fit, evaluate, predict."""

import os
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from typing import Any, ClassVar

from striate._types import Logs, Weights
from striate.arguments import check_arguments, check_methods, check_number, describe
from striate.data import Augmentation, Dataset
from striate.engines.choose import AUTO
from striate.engines.losses import Loss
from striate.engines.optimizers import Optimizer, get_optimizer
from striate.engines.weight_files import check_finite, check_model_name, find_model_file
from striate.errors import UsageError
from striate.images import ImagePolicy
from striate.model_files import ModelFile, read_model, write_model
from striate.model_layers import LayeredModel
from striate.model_structure import is_chain
from striate.network import Network, Tensor
from striate.notebook import Page
from striate.processes import current_process
from striate.tasks import Decision, Task
from striate.training import Recipe, Run, Samples, Schedule, check_inputs, check_samples, fit, get_schedule
from striate.training.by_recipe import train_by_recipe
from striate.training.callbacks import Callback, History, check_callbacks
from striate.training.compilation import Compilation, make_compilation
from striate.training.inference import BATCH_SIZE, evaluate_in_batches, predict_in_batches
from striate.training.losses import default_losses, losses_for_targets
from striate.training.metrics import MetricSums, Scores, default_metrics
from striate.training.progress import Verbose
from striate.training.samples import require_two_classes, split_samples, warn_of_missing_classes


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

        imported = import_onnx(path, size=size)
        model = Model.from_network(imported.network)
        metadata = imported.metadata
        model.classes, model.policy, model.figures = metadata.classes, metadata.policy, metadata.figures
        model.decision = metadata.decision
        check_finite(imported.weights, path)
        model._set_weights(imported.weights)
        model.notes = imported.notes
        return model

    def _state(self) -> tuple[str, ...]:
        if self.optimizer is None:
            return ("not compiled",)
        figures = (f"{name} {value:.4f}" for name, value in self.figures.items() if name != "learning_rate")
        return f"compiled with {type(self.optimizer).__name__}", *figures

    def _initialize(self, network: Network | None, seed: int) -> None:
        self.classes: tuple[str, ...] = ()
        self.decision = Decision()
        self.policy: ImagePolicy | None = None
        self.recipe: Recipe | None = None
        self.fingerprint: str | None = None
        self.figures: Logs = {}
        self.extras: Weights = {}
        self.notes: tuple[str, ...] = ()
        self._compilation: Compilation | None = None
        self._compiled = False  # whether the engine is
        self._compile_arguments: dict[str, Any] | None = None
        self._must_compile = False  # because the network is built later, or again
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
        return state | {"_structure": None, "_shared": None}  # a copy has layer objects of its own

    def __setstate__(self, state: dict[str, Any]) -> None:
        slots = state.pop("_slots", None)
        self.__dict__.update(state)
        if self._compiled and self._compilation:
            self.engine.compile(self._compilation.settings)
            self.engine.slots = slots or {}

    def _build_for(self, x: Any, *, compiled: bool = False) -> None:
        super()._build_for(x)
        if compiled:
            self._compile_if_asked()

    def build(self, input_shape: Any = None) -> None:
        """Build the network, as in `BuildableModel`, and compile it if that was asked for before."""
        super().build(input_shape)
        self._compile_if_asked()

    def _compile_if_asked(self) -> None:
        """Compile a network that was built after `compile`, or whose layers were changed since."""
        if self._must_compile and self._compile_arguments is not None:
            self.compile(**self._compile_arguments)

    def _disconnect(self) -> None:
        super()._disconnect()
        self._must_compile, self._compiled = self._must_compile or self._compiled, False

    def _forget_training(self) -> None:
        self._compiled = False

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer passed to compile; None before."""
        return self._compilation.settings.optimizer if self._compilation and self._compiled else None

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The loss of each output; before compile, that which matches its activation."""
        if self._compilation:
            return tuple(self._compilation.settings.losses)
        return default_losses(self.network, classifies=self._classifies)

    @property
    def _classifies(self) -> bool:
        """Whether an output of several numbers without activation is the logits of classes."""
        return bool(self.classes) and self.decision.task is Task.CLASSIFICATION

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics; before compile, those that match the losses."""
        return self._metrics_of(self.losses)

    def _metrics_of(self, losses: Sequence[Loss]) -> tuple[str, ...]:
        chosen = self._compilation.metrics if self._compilation else None
        return default_metrics(losses) if chosen is None else chosen

    def compile(
        self,
        optimizer: str | Optimizer = "adam",
        loss: str | Loss | Sequence[str | Loss] | None = None,
        metrics: str | Sequence[str] | None = None,
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
    ) -> None:
        """Set how to train. The weights are kept; the optimizer's state is cleared.

        Args:
            optimizer: Its Keras name, or an `Optimizer`.
            loss: Its Keras name or a `Loss`; one, or one for each output. None uses the one that matches the
                activation of the output: categorical cross-entropy for softmax and log_softmax, binary cross-entropy
                for sigmoid. An output without activation is numbers (mean squared error), unless the model has
                classes or the targets are class numbers: then it is logits (categorical cross-entropy). Cross-entropy
                of an output without activation is always computed from logits.
            metrics: "accuracy" or "mean_absolute_error"; None uses the one that matches the loss.
            learning_rate: Replaces that of the optimizer.
            clip_norm: As in `Recipe`.
            average: As in `Recipe`.
            frozen: Names of layers that keep their weights and work as in inference, for example
                [layer.name for layer in model.layers[:100]], where Keras sets layer.trainable = False.
            engine: As in `use_engine`. If this and the settings below are all None, the engine is kept.
            device: As in `EngineSettings`.
            precision: As in `EngineSettings`.
            deterministic: As in `EngineSettings`.
            compiled: As in `EngineSettings`.

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
        self._must_compile = not self.built
        if self._must_compile:
            get_optimizer(optimizer)  # raises now; the rest is checked when the model is built
            return
        inference = self._structure.inference_layers() if self._structure else []
        compilation = make_compilation(
            self.network, optimizer, loss, metrics, classifies=self._classifies, seed=self.seed,
            learning_rate=learning_rate, clip_norm=clip_norm, average=average,
            frozen=[*frozen, *(name for name in inference if name not in frozen)],
        )  # fmt: skip
        asked = {"device": device, "precision": precision, "deterministic": deterministic, "compiled": compiled}
        options = {name: value for name, value in asked.items() if value is not None}
        if engine or options:
            self.use_engine(engine or "auto", **options)
        self._compile(compilation)
        self.learning_rate = compilation.settings.optimizer.learning_rate

    def _compile(self, compilation: Compilation) -> None:
        self._compilation, self._compiled = compilation, True
        self.engine.compile(compilation.settings)
        self.iterations = self.epochs_done = 0

    def _losses_for(self, y: Any) -> tuple[Loss, ...]:
        """Return the losses to use with these targets; a loss that was passed to compile is never changed."""
        if self._compilation:
            return tuple(self._compilation.for_targets(self.network, y).settings.losses)
        return losses_for_targets(self.network, self.losses, y)

    def _training_samples(self, x: Any, y: Any) -> Samples:
        """Return checked samples, after compiling again if their targets show that outputs are logits of classes."""
        assert self._compilation
        compilation = self._compilation.for_targets(self.network, y)
        if compilation is not self._compilation:
            self._compile(compilation)
        return check_samples(self.network, self.losses, x, y)

    def fit(
        self,
        x: Any,
        y: Any,
        *,
        batch_size: int = 32,
        epochs: int = 1,
        validation_data: tuple[Any, Any] | None = None,
        validation_split: float = 0.0,
        callbacks: Sequence[Callback] | None = (),
        augmentation: Augmentation | None = None,
        schedule: str | Schedule | None = None,
        verbose: Verbose = "auto",
    ) -> History:
        """Train the model.

        Args:
            x: uint8 images (N, H, W, C), or any numbers of the input's shape; a list of arrays for several inputs.
                Where the network scales pixels itself, values that were divided by 255 are refused.
            y: Class numbers (N,) or one-hot rows (N, classes); (N, …) for sigmoid and linear outputs; a list of arrays
                for several outputs.
            batch_size: Samples per step.
            epochs: How many times to go through the samples.
            validation_data: Inputs and targets to validate on after each epoch.
            validation_split: The fraction of the samples, chosen by their content, that is used for validation.
            callbacks: From `striate.callbacks`, or your own.
            augmentation: How training images are varied.
            schedule: How the learning rate changes during training; None keeps it constant.
            verbose: 0 (nothing), 1 (a progress bar), 2 (a line per epoch), or "auto".

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
        self._build_for(x, compiled=True)
        if self._compilation is None or not self._compiled:
            raise UsageError("The model is not compiled: call compile(optimizer, loss, metrics) before fit.")
        check_callbacks(callbacks)
        if validation_data is not None and not (
            isinstance(validation_data, list | tuple) and len(validation_data) == 2
        ):
            raise UsageError(f"validation_data must be a pair (x, y); received {describe(validation_data)}.")
        validation_split = check_number("validation_split", validation_split)
        if validation_data and validation_split:
            raise UsageError("Give either validation_data or validation_split, not both.")
        train = self._training_samples(x, y)
        validation = check_samples(self.network, self.losses, *validation_data) if validation_data else None
        if validation_split:
            train, validation = split_samples(train, validation_split, self.seed)
        settings = self._compilation.settings
        recipe = Recipe(
            epochs, batch_size, settings.optimizer, get_schedule(schedule), augmentation=augmentation, seed=self.seed,
            clip_norm=settings.clip_norm, average=settings.average, frozen=tuple(settings.frozen),
        )  # fmt: skip
        require_two_classes(train, self.losses)
        warn_of_missing_classes(self.network, train, self.losses, "training samples")
        if validation:
            warn_of_missing_classes(self.network, validation, self.losses, "validation samples")
        self.recipe, self.extras, self.decision = recipe, {}, Decision(self.decision.task)
        return fit(self, recipe, train, validation, callbacks=callbacks, verbose=verbose)

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

    def evaluate(self, x: Any, y: Any, *, batch_size: int = BATCH_SIZE) -> Scores:
        """Compute the mean loss and the metrics on samples.

        Args:
            x: Inputs, as in `fit`.
            y: Targets, as in `fit`.
            batch_size: Samples that go through the network at once.

        Returns:
            Loss and metrics in Keras's order, for example Scores(loss=0.04, accuracy=0.99). They unpack to values,
            `loss, accuracy = model.evaluate(x, y)`, and have names, `scores["accuracy"]`; `dict(scores)` is possible.

        Raises:
            DataError: The samples do not match the network.

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
        self._build_for(x, compiled=True)
        losses = self._losses_for(y)
        samples = check_samples(self.network, losses, x, y)
        sums = MetricSums(self.network, losses, self._metrics_of(losses))
        return Scores(evaluate_in_batches(self.engine, losses, sums, samples, batch_size))

    def predict(self, x: Any, *, batch_size: int = BATCH_SIZE) -> Any:
        """Compute the output of the network.

        Args:
            x: Inputs, as in `fit`.
            batch_size: Samples that go through the network at once.

        Returns:
            float32 (N, classes) or (N, …); a list of arrays for several outputs.

        Raises:
            DataError: The inputs do not match the network.

        Example:
            >>> import numpy as np
            >>> import striate as st
            >>> layers = st.layers
            >>> model = st.Sequential([st.Input((1,)), layers.Dense(2, activation="softmax", name="out")])
            >>> model.predict(np.zeros((3, 1))).shape
            (3, 2)
        """
        self._build_for(x)
        return self._pack(predict_in_batches(self.engine, check_inputs(self.network, x), batch_size))

    def train_on_batch(self, x: Any, y: Any) -> Scores:
        """Do one step on these samples; return loss and metrics before it. Raise UsageError before `compile`."""
        self._build_for(x, compiled=True)
        if self.optimizer is None:
            raise UsageError("The model is not compiled: call compile(optimizer, loss, metrics) before train_on_batch.")
        batch = self._training_samples(x, y)
        warn_of_missing_classes(self.network, batch, self.losses, "samples of this batch")
        result = self.engine.train_step(
            batch.inputs, batch.targets, learning_rate=self.learning_rate, step=self.iterations
        )
        self.iterations += 1
        figures = MetricSums(self.network, self.losses, self.metrics)
        sums = figures.sums(result.outputs, batch.targets)
        return Scores({"loss": result.loss} | {n: s / len(batch) for n, s in zip(figures.names, sums, strict=True)})

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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole model to one file. Of several processes only rank 0 writes.

        Args:
            path: Where to write, for example "model.safetensors".

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
            self.figures, self.decision, self._is_sequential,
        )  # fmt: skip
        write_model(path, content)


@check_arguments
def load(path: str | os.PathLike[str]) -> Model:
    """Load a model that `save` wrote, with network, weights, classes and image policy. Nothing in it is executed.

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
    return model
