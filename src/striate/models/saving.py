"""Saving a model: to a file, as ONNX, and as a copy."""

import os
from typing import Any

from striate._types import Logs, Weights
from striate.arguments import check_methods
from striate.errors import UsageError
from striate.files import atomic_write
from striate.images import ImagePolicy
from striate.models.base import check_new_file
from striate.models.compiling import CompilableModel
from striate.models.files import ModelFile, write_model
from striate.network import Network
from striate.processes import current_process
from striate.training import Recipe
from striate.training.input_scale import Range, is_scaled


@check_methods
class SavableModel(CompilableModel):
    """A model that can be saved, with what is known of its data and its training. `Model` derives from it."""

    _is_sequential = False

    def _initialize(self, network: Network | None, seed: int) -> None:
        self.policy: ImagePolicy | None = None
        self.recipe: Recipe | None = None
        self.fingerprint: str | None = None
        self.figures: Logs = {}
        self.extras: Weights = {}
        self.input_range: Range | None = None
        super()._initialize(network, seed)

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, *, include_optimizer: bool = True) -> None:
        """Write the whole model to one file. Of several processes only rank 0 writes.

        Args:
            filepath: Where to write, for example "model.safetensors".
            overwrite: Whether to replace a file that exists.
            include_optimizer: Whether the file also contains how the model was compiled and the state of the
                optimizer, so that `fit` continues a loaded model as if it had not been interrupted. With Adam, the file
                is three times as large.

        Raises:
            UsageError: If the file exists and is not to be replaced, or its name has the suffix of another format, such
                as .onnx, .keras or .pt.
            RunError: If the file cannot be written.

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
        check_new_file(filepath, overwrite)
        if current_process().rank:
            return
        content = ModelFile(
            self.network, self.named_weights, self.extras, self.classes, self.policy, self.recipe, self.fingerprint,
            self.figures, self.decision, self._is_sequential, self.input_range,
            self._training_to_save() if include_optimizer else None,
        )  # fmt: skip
        write_model(filepath, content)

    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str = "onnx",
        verbose: bool | None = None,
        input_signature: None = None,
    ) -> None:
        """Write the network as an ONNX file, from pixels to outputs; or from the values that it was trained on.

        `striate export` also compares the file with the model on images, and can make it smaller.

        Args:
            filepath: Where to write, for example "model.onnx".
            format: "onnx".
            verbose: Accepted as in Keras; nothing is printed.
            input_signature: None; the network says what its inputs are.

        Raises:
            UsageError: If another format is asked for.
            NetworkError: If a custom layer has no export rule.
        """
        if format != "onnx":
            raise UsageError(
                f"export writes ONNX files; received format={format!r}. Programs for other formats convert those; "
                "save('model.safetensors') keeps the model for Striate."
            )
        from striate.onnx.export import to_onnx
        from striate.onnx.metadata import ExportMetadata

        scaled = is_scaled(self.input_range)  # it takes no pixels of image files
        policy, dtypes = (None, ("float32",)) if scaled else (self.policy, None)
        metadata = ExportMetadata(self.classes, policy, fingerprint=self.fingerprint, decision=self.decision)
        atomic_write(filepath, to_onnx(self.network, self.named_weights, metadata=metadata, dtypes=dtypes))

    def __getstate__(self) -> dict[str, Any]:
        """Return the model for `copy` and `pickle`: weights and the optimizer's state in place of the engine."""
        state = dict(self.__dict__)
        engine = state["_engine"]
        if engine is not None:
            state |= {"_engine": None, "_pending_weights": self.named_weights}
            state |= {"_slots": engine.slots} if self._compiled else {}
        elif self._shared and self._shared.any_initialized:
            state["_pending_weights"] = self.named_weights
        state["_frozen_names"] = self.frozen_layers()
        state |= {"_structure": None, "_shared": None}  # a copy has its own layer objects
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
