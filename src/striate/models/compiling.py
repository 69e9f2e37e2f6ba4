"""Compiling a model: how to train it, and how a saved model takes this up again."""

import warnings
from collections.abc import Collection, Sequence
from typing import Any

from striate.arguments import check_methods
from striate.engines.choose import AUTO, EngineSettings
from striate.engines.losses import Loss
from striate.engines.optimizers import Optimizer, get_optimizer
from striate.errors import ModelFileError, UsageError
from striate.models.layers import LayeredModel
from striate.network import Network
from striate.tasks import Decision, Task
from striate.training.compilation import Compilation, make_compilation
from striate.training.live_optimizer import LiveOptimizer
from striate.training.losses import default_losses, losses_for_targets, needs_torch
from striate.training.metrics import MetricSet
from striate.training.saved_training import ENGINE_SETTINGS, INVALID, SavedTraining
from striate.training.user_data import UserData


@check_methods
class CompilableModel(LayeredModel):
    """A model with an optimizer, losses and metrics. `Model` derives from it."""

    def _initialize(self, network: Network | None, seed: int) -> None:
        self.classes: tuple[str, ...] = ()
        self.decision = Decision()
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

    @property
    def optimizer(self) -> LiveOptimizer | None:
        """The optimizer passed to compile, whose `learning_rate` can be set; None before."""
        self._compile_if_asked()
        compiled = self._compilation if self._compiled else None
        return LiveOptimizer(compiled.settings.optimizer, self) if compiled else None

    @property
    def compiled(self) -> bool:
        """Whether compile was called."""
        return self._compile_arguments is not None

    @property
    def loss(self) -> Any:
        """The loss as it was passed to compile; None before."""
        return (self._compile_arguments or {}).get("loss")

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return what was passed to compile, for `compile_from_config` of another model; None before."""
        return dict(self._compile_arguments) if self._compile_arguments else None

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with the configuration of another model.

        Args:
            config: What `get_compile_config` of the other model returned.

        Raises:
            UsageError: If the arguments do not fit this model.
        """
        self.compile(**config)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The loss of each output; before compile, the one that matches its activation."""
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
    def reported(self) -> MetricSet:
        """The metrics that training and `evaluate` report besides the loss."""
        return self._metric_set(self.losses)

    def _metric_set(self, losses: Sequence[Loss]) -> MetricSet:
        return (
            self._compilation.metric_set(self.network, losses) if self._compilation else MetricSet(self.network, losses)
        )

    def compile(
        self,
        optimizer: str | Optimizer = "adam",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        *,
        learning_rate: float | None = None,
        global_clipnorm: float | None = None,
        ema_decay: float | None = None,
        frozen_layers: Collection[str] = (),
        engine: str | None = None,
        device: str | None = None,
        precision: str | None = None,
        deterministic: bool | None = None,
        torch_compile: bool | None = None,
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
                Cross-entropy of an output without activation is always computed from logits. A custom function,
                f(y_true, y_pred), returns (loss, gradient) as NumPy arrays; or the loss alone, computed with
                `striate.ops` or PyTorch, which PyTorch differentiates: it is the engine then, if it is installed and no
                other was chosen.
            metrics: Names such as "accuracy", objects from `striate.metrics`, or functions of y_true and y_pred, NumPy
                arrays, that return a number or one for each sample. A list; with several outputs also a list of lists,
                or a dict by the name of the output layer; in a plain list, each applies to the outputs that it
                matches. None uses the ones that match the losses.
            loss_weights: Factors of the losses of several outputs, a list or a dict by the name of the output layer.
            weighted_metrics: As `metrics`, for metrics in which samples count with their `sample_weight`.
            learning_rate: Replaces that of the optimizer.
            global_clipnorm: As in `Recipe`.
            ema_decay: As in `Recipe`.
            frozen_layers: Names of layers that keep their weights and work as in inference, in addition to those whose
                `trainable` is False.
            engine: As in `use_engine`. If this and the settings below are all None, the engine is kept.
            device: As in `EngineSettings`.
            precision: As in `EngineSettings`.
            deterministic: As in `EngineSettings`.
            torch_compile: As in `EngineSettings`.
            run_eagerly: Has no effect; an argument of Keras, as the three below.
            jit_compile: Has no effect; see `torch_compile`.
            steps_per_execution: Has no effect.
            auto_scale_loss: Has no effect: losses in float16 are always scaled.

        Raises:
            UsageError: If a name is unknown, a value is out of range, or losses and outputs do not match.

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
            seed=self.seed, learning_rate=learning_rate, global_clipnorm=global_clipnorm, ema_decay=ema_decay,
            frozen_layers=[*frozen_layers, *(name for name in inference if name not in frozen_layers)],
        )  # fmt: skip
        if engine is None and self._engine_settings.engine == AUTO and needs_torch(compilation.settings.losses):
            engine = "torch"
        asked = {
            "device": device,
            "precision": precision,
            "deterministic": deterministic,
            "torch_compile": torch_compile,
        }
        options = {name: value for name, value in asked.items() if value is not None}
        if engine or options:
            self.use_engine(engine or "auto", **options)
        self._compile(compilation)
        self.learning_rate = compilation.settings.optimizer.rate_at(0)

    @property
    def metrics_names(self) -> list[str]:
        """Names of the loss and the metrics, in the order in which `evaluate` returns them."""
        return ["loss", *self.metrics]

    def _compile(self, compilation: Compilation) -> None:
        self._engine_settings.check(training=True)
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

    def _compile_for(self, data: UserData) -> tuple[Loss, ...]:
        """Return the losses, after compiling again if the targets show that outputs are logits of classes."""
        if self._compilation and self._compilation.default_loss:
            compilation = self._compilation.for_targets(self.network, data.first_y)
            if compilation is not self._compilation:
                self._compile(compilation)
        return self.losses

    def _require_compiled(self, verb: str) -> Compilation:
        if self._compilation is None or not self._compiled:
            raise UsageError(f"The model is not compiled: call compile(optimizer, loss, metrics) before {verb}.")
        return self._compilation

    def _build_for_data(self, data: UserData, *, compiled: bool = True) -> None:
        """Build the network for the first batch if it is not built; also compile it if that was asked for before."""
        if not self.built:
            self._build_for(data.first_x)
        if compiled:
            self._compile_if_asked()

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

    def _disconnect(self) -> None:
        super()._disconnect()
        self._must_compile, self._compiled = self._must_compile or self._compiled, False

    def _forget_compilation(self) -> None:
        """Drop the compile settings and the state of the optimizer that were read from a file."""
        self._saved_training, self._compile_arguments, self._must_compile = None, None, False
        self.iterations = self.epochs_done = 0

    def _forget_training(self) -> None:
        self._compiled = False

    def _freeze(self, names: Collection[str]) -> None:
        for name in names:
            self.structure.layers[name].trainable = False

    def _inference_layers(self) -> list[str]:
        """Return the names of layers that were called with training=False, which model files do not know."""
        return self._structure.inference_layers() if self._structure else []

    def _restore(self, saved: SavedTraining) -> None:
        """Set what a file says of compile and of the progress; the engine is made when it is needed."""
        self._saved_training, self._compile_arguments, self._must_compile = saved, saved.arguments, True
        self.seed, self.learning_rate = saved.seed, saved.learning_rate
        self.iterations, self.epochs_done = saved.iterations, saved.epochs_done
        self._freeze(saved.frozen)

    def _continue_training(self, saved: SavedTraining) -> None:
        arguments = dict(saved.arguments)
        if self._engine_settings != EngineSettings():  # chosen after loading
            arguments = {name: value for name, value in arguments.items() if name not in ENGINE_SETTINGS}
        try:
            self.compile(**arguments)
        except UsageError as error:
            if all(arguments.get(name) is None for name in ENGINE_SETTINGS):
                raise
            warnings.warn(f"The model is compiled for another engine than it was saved with: {error}", stacklevel=4)
            self.compile(**{name: value for name, value in arguments.items() if name not in ENGINE_SETTINGS})
        try:
            self.engine.slots = saved.slots
        except INVALID as error:
            raise ModelFileError(f"The saved state of the optimizer does not fit '{self.name}': {error}.") from error
        self.learning_rate, self.iterations, self.epochs_done = (
            saved.learning_rate, saved.iterations, saved.epochs_done
        )  # fmt: skip

    def _training_to_save(self) -> SavedTraining | None:
        """Return compile settings and the state of the optimizer; None, with a warning, if they contain own code."""
        if self._saved_training or not (self._compiled and self._compilation and self._compile_arguments):
            return self._saved_training
        settings, classifies = self._compilation.settings, self._classifies
        default = self._compilation.default_loss and settings.losses == default_losses(
            self.network, classifies=classifies
        )
        frozen = [*self._compile_arguments["frozen_layers"], *self._inference_layers()]
        arguments = self._compile_arguments | {
            "optimizer": settings.optimizer, "learning_rate": None, "loss": None if default else list(settings.losses),
            "frozen_layers": list(dict.fromkeys(frozen)),
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
