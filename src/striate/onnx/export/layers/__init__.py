"""One export rule for each layer class, registered where it is defined.

To export a new layer, add its rule to a module of this package (modules are discovered) or register it from outside:

    from striate.onnx.export import rule

    @rule(MyLayer)
    def export_my_layer(graph, layer, weights, x):
        return graph.op("Mul", x.name, graph.layer_constant("scale", layer.scale))
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
