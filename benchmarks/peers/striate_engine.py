"""The three networks in Striate on its NumPy or PyTorch engine, through the engine's public methods."""

import common  # sets the number of BLAS threads: before NumPy

from striate import zoo
from striate.engines.base import TrainingSettings
from striate.engines.choose import make_engine
from striate.engines.initialization import initial_weights
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.optimizers import Adam


def main():
    parser = common.parser()
    parser.add_argument("--engine", choices=("numpy", "torch"), default="numpy")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of PyTorch")
    args = parser.parse_args()
    options = {} if args.engine == "numpy" else {"device": "cpu", "precision": args.precision}
    if args.engine == "torch":
        import torch

        torch.set_num_threads(common.THREADS)

    def build(name):
        network = zoo.network(name)
        engine = make_engine(args.engine, network, initial_weights(network, seed=0), **options)
        engine.compile(TrainingSettings(Adam(), [CategoricalCrossentropy()], seed=0))
        done = 0

        def step(images, classes):
            nonlocal done
            result = engine.train_step([images], [classes], learning_rate=1e-3, step=done)
            done += 1
            return result.loss

        return step

    common.run("Striate" if args.engine == "numpy" else f"Striate on PyTorch, {args.precision}", build, args)


if __name__ == "__main__":
    main()
