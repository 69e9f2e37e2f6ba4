"""Training a model: on arrays and batches as in Keras, or on a data set with a recipe."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from striate._types import Array
from striate.arguments import check_integer, check_methods
from striate.data import Augmentation, Dataset
from striate.engines.choose import AUTO
from striate.models.predicting import PredictingModel
from striate.network import Network
from striate.tasks import Decision
from striate.training import Recipe, Run, Samples, Schedule, check_inputs, fit, get_schedule
from striate.training.callbacks import Callback, History, check_callbacks
from striate.training.fitting import check_split, make_validation, open_validation_data, training_source
from striate.training.input_scale import range_of_inputs
from striate.training.losses import loss_notes
from striate.training.metrics import to_scores
from striate.training.progress import Verbose
from striate.training.recipe_training import train_with_recipe
from striate.training.samples import warn_of_missing_classes
from striate.training.user_data import MAX_COUNT, UserData
from striate.training.weighting import by_class_number


@check_methods
class FittableModel(PredictingModel):
    """A model that can be trained. `Model` derives from it."""

    def _initialize(self, network: Network | None, seed: int) -> None:
        self.history: History | None = None
        super()._initialize(network, seed)

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
            shuffle: Whether each epoch has its own order, which is a function of the seed and the epoch.
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
            DataError: If the samples do not match the network.
            UsageError: If the model is not compiled, or a setting is out of range.

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
        first = check_integer("initial_epoch", initial_epoch, 0)
        data = UserData(
            x, y, sample_weight=sample_weight, class_weight=by_class_number(class_weight, self.classes),
            batch_size=batch_size, steps=steps_per_epoch,
            epochs=check_integer("epochs", epochs, 1, MAX_COUNT) - first, shuffle_seed=self.seed if shuffle else None,
            steps_name="steps_per_epoch",
        )  # fmt: skip
        self._build_for_data(data)
        settings = self._require_compiled("fit").settings
        self._warn_of_late_freezing()
        recipe = Recipe(
            epochs, 32 if batch_size is None else batch_size, settings.optimizer, get_schedule(schedule),
            augmentation=augmentation, seed=self.seed, global_clipnorm=settings.global_clipnorm,
            ema_decay=settings.ema_decay, frozen_layers=tuple(settings.frozen_layers),
        )  # fmt: skip
        held: UserData | Samples | None = None
        if validation_data is not None:
            size = validation_batch_size or (batch_size if validation_steps else None)
            held = open_validation_data(validation_data, batch_size=size, steps=validation_steps, epochs=epochs - first)
        losses, network = self._compile_for(data), self.network
        train, part = training_source(data, network, losses, recipe, self.engine, shuffle=shuffle, split=split)
        if data.stream:
            data.on_first_batch = lambda inputs: self._remember_range(inputs, held)
        else:
            inputs = train.inputs if isinstance(train, Samples) else check_inputs(network, data.x)
            self._remember_range(inputs, held)
        held = part or held
        validation = None if held is None else make_validation(held, network, losses, self.engine, validation_freq)
        self.recipe, self.extras, self.decision = recipe, {}, Decision(self.decision.task)
        chosen_loss = not (data.stream or self._require_compiled("fit").default_loss)
        # Only before the first step, so that a loop that calls fit once per epoch shows them once.
        notes = [] if self.iterations else loss_notes(network, losses, data.y, chosen=chosen_loss)
        self.history = fit(
            self, recipe, train, validation, callbacks=chosen, verbose=verbose, initial_epoch=first,
            report_rate=schedule is not None, notes=notes,
        )  # fmt: skip
        return self.history

    def _remember_range(self, inputs: tuple[Array, ...], held: UserData | Samples | None = None) -> None:
        """Keep the range of the training inputs, with which later ones are compared."""
        self.input_range = range_of_inputs(self.network, inputs)
        if isinstance(held, UserData):
            held.input_range = self.input_range

    def _warn_of_late_freezing(self) -> None:
        if self.frozen_layers() != self._frozen_by_layers:
            warnings.warn(
                "The attribute trainable of a layer was changed after compile, which has no effect before the next "
                "compile: call compile again.",
                stacklevel=4,
            )

    def train(
        self,
        data: Dataset,
        recipe: Recipe | None = None,
        *,
        callbacks: Sequence[Callback] | None = (),
        run: Run | None = None,
        verbose: Verbose = "auto",
    ) -> History:
        """Compile with a recipe and train on a data set.

        The model receives the classes and the image policy of the data set. If the weights were never used or set,
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
            DataError: If the network does not match the data.
            RunError: If the run began with other data.
        """
        self._build_for(data.train.x)
        recipe = recipe or (run.recipe if run else Recipe())
        with run.locked() if run else nullcontext():
            if run:
                run.require_data(data.fingerprint)
                self._use_precision(run.record.precision)
            return train_with_recipe(self, data, recipe, callbacks=callbacks, run=run, verbose=verbose)

    def _use_precision(self, precision: str | None) -> None:
        """Use the precision with which a run began, unless another was asked for."""
        settings = self._engine_settings
        if precision is not None and settings.precision == AUTO:
            self.use_engine(settings.engine, **settings.options | {"precision": precision})

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
            DataError: If the samples do not match the network.
            UsageError: If the model is not compiled.
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
        self.extras = {}  # they belong to the weights before
        losses = self._compile_for(data)
        batch = data.samples(self.network, losses)
        if self.input_range is None:
            self.input_range = range_of_inputs(self.network, batch.inputs)
        warn_of_missing_classes(self.network, batch, losses, "samples of this batch")
        if compilation.settings.optimizer.scheduled:
            self.learning_rate = compilation.settings.optimizer.rate_at(self.iterations)
        result = self.engine.train_step(
            batch.inputs, batch.targets, learning_rate=self.learning_rate, step=self.iterations,
            sample_weights=batch.weights,
        )  # fmt: skip
        self.iterations += 1
        metrics = self._metric_set(losses)
        sums = metrics.sums(result.outputs, batch.targets, batch.weights)
        values = {"loss": result.loss} | metrics.compute(sums)
        return values if return_dict else to_scores(values)
