"""The output of a model, and its loss and metrics: evaluate and predict."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from striate._types import Ranges
from striate.arguments import check_methods
from striate.engines.base import Engine
from striate.engines.choose import AUTO
from striate.models.saving import SavableModel
from striate.network import Network
from striate.training import check_inputs
from striate.training.callbacks import Callback, CallbackList, check_callbacks
from striate.training.inference import evaluate_batches, predict_batches
from striate.training.input_scale import check_range
from striate.training.metrics import to_scores
from striate.training.progress import Verbose, make_inference_progress
from striate.training.user_data import UserData
from striate.transfer.int8 import ranges_from_extras


@check_methods
class PredictingModel(SavableModel):
    """A model that predicts and is evaluated. `Model` derives from it."""

    def _initialize(self, network: Network | None, seed: int) -> None:
        self._int8_engine: tuple[Ranges, tuple[int, int], Engine] | None = None
        super()._initialize(network, seed)

    def __getstate__(self) -> dict[str, Any]:
        """Return the model for `copy` and `pickle`, without the engine in integers."""
        return super().__getstate__() | {"_int8_engine": None}

    @property
    def _inference_engine(self) -> Engine:
        """The engine that predicts: in 8-bit integers if the model was fitted to features in integers.

        Only ONNX Runtime computes so; if another engine was asked for, it predicts in float32.
        """
        ranges = ranges_from_extras(self.extras) if self._engine_settings.engine in (AUTO, "onnx") else None
        if ranges is None:
            return self.engine
        from striate.engines.onnxruntime import OnnxEngine

        version = self._weights_version
        if self._int8_engine is None or self._int8_engine[:2] != (ranges, version):
            self._int8_engine = ranges, version, OnnxEngine(self.network, self.named_weights, ranges=ranges)
        return self._int8_engine[2]

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
            DataError: If the samples do not match the network.
            UsageError: If an argument is out of range, or arguments exclude each other.

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
        data.input_range = self.input_range
        self._build_for_data(data)
        losses = self._losses_for(data)
        engine = self._inference_engine
        batches, count = data.batches(self.network, losses, engine)
        metrics = self._metric_set(losses)
        with closing(make_inference_progress("evaluate", verbose)) as progress:
            hooks = CallbackList([*chosen, progress], self, {"epochs": 1, "steps": count, "verbose": verbose})
            hooks.call("on_test_begin", {})
            scores = evaluate_batches(engine, metrics, batches, hooks)
            hooks.call("on_test_end", scores)
        return scores if return_dict else to_scores(scores)

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
            DataError: If the inputs do not match the network.
            UsageError: If an argument is out of range.

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
        data.input_range = self.input_range
        self._build_for_data(data, compiled=False)
        batches, count = data.input_batches(self.network)
        with closing(make_inference_progress("predict", verbose)) as progress:
            hooks = CallbackList([*chosen, progress], self, {"epochs": 1, "steps": count, "verbose": verbose})
            hooks.call("on_predict_begin", {})
            outputs = predict_batches(self._inference_engine, batches, hooks)
            hooks.call("on_predict_end", {})
        return self._pack(outputs)

    def predict_on_batch(self, x: Any) -> Any:
        """Compute the output for samples, all at once.

        Args:
            x: Inputs, as in `predict`.

        Returns:
            As `predict`.

        Raises:
            DataError: If the inputs do not match the network.
        """
        self._build_for(x)
        inputs = check_inputs(self.network, x)
        check_range(self.network, inputs, self.input_range)
        return self._pack(self._inference_engine.forward(inputs))

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Compute the loss and the metrics of samples, all at once.

        Args:
            x: Inputs, as in `fit`.
            y: Targets, as in `fit`.
            sample_weight: As in `fit`.
            return_dict: Whether to return a plain dict.

        Returns:
            As `evaluate`.

        Raises:
            DataError: If the samples do not match the network.
        """
        data = UserData(x, y, sample_weight=sample_weight, purpose="test_on_batch")
        data.input_range = self.input_range
        self._build_for_data(data)
        losses = self._losses_for(data)
        metrics = self._metric_set(losses)
        scores = evaluate_batches(self._inference_engine, metrics, [data.samples(self.network, losses)])
        return scores if return_dict else to_scores(scores)

    def reset_metrics(self) -> None:
        """Do nothing: metrics are always of one batch, epoch or evaluation. For programs written for Keras."""
