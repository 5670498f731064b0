"""Which layers a function may refer to."""

from collections.abc import Sequence

from emulator.control.violations import invalid
from emulator.model import limits


def check_layers(region: str, arns: Sequence[str]) -> None:
    """Raise LambdaError for layer versions that a function of this region cannot have.

    arns: of layer versions, well-formed; whether they exist, and for whom, is another question.
    Source: spec/control-plane.md section 2.
    """
    if len(arns) > limits.LAYERS:
        raise invalid(f"Cannot reference more than {limits.LAYERS} layers.")
    seen: dict[str, str] = {}
    for arn in arns:
        layer = arn.rpartition(":")[0]
        if layer in seen:
            raise invalid(
                "Two different versions of the same layer are not allowed to be referenced in the"
                f" same function. {seen[layer]} and {arn} are versions of the same layer."
            )
        seen[layer] = arn
    for arn in arns:
        home = arn.split(":")[3]
        if home not in {"", region}:  # "": a layer of AWS itself, which has no home
            raise invalid(
                "Layers are not in the same region as the function. Layers are expected to be in"
                f" region {region}."
            )
