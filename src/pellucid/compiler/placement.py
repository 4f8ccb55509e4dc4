"""Where tensors lie in the buffers: in the arena, among parameters, gradients or scalars, and at which place.

The arena holds what a tile of images needs; values that are never needed together share a place there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pellucid.compiler.equations import COUNT
from pellucid.compiler.layout import Tensor
from pellucid.compiler.lifetimes import sharing
from pellucid.compiler.nest import Nest
from pellucid.compiler.storage import Roles
from pellucid.errors import FormulaError

__all__ = ["CHUNK", "Placement", "placed"]

# Parameters are updated in chunks of this many elements.
CHUNK = 256
# Tensors begin at multiples of this many elements.
STEP = 16
# Numbers of a step.
SCALARS = 16


@dataclass(frozen=True)
class Placement:
    """Places of all tensors.

    Attributes:
        tensors: with their spaces and offsets.
        sizes: elements of each space.
        trained: elements of the parameters that optimisers change, at the start of their space.
    """

    tensors: Mapping[str, Tensor]
    sizes: Mapping[str, int]
    trained: int


def placed(
    nests: Sequence[Nest], tensors: Mapping[str, Tensor], copies: Sequence[str], roles: Roles,
    given: Mapping[str, int],
) -> Placement:  # fmt: skip
    """Places for the tensors of a pass.

    Args:
        nests: of the pass, in order.
        tensors: in storage, but in no space yet.
        copies: of parameters, behind which they lie.
        roles: what the tensors are for.
        given: scalars that are worked out before the pass, with their places among a step's scalars.

    Raises:
        FormulaError: two scalars have one place, or one has a place that a step does not have.
    """
    places = _Places(tensors)
    places.add("parameters", roles.parameters)
    trained = places.fill("parameters", CHUNK)
    places.add("parameters", [*copies, *(name for name in roles.constants if name in tensors)])
    for gradient, owner in roles.gradients.items():
        if gradient in tensors:
            places.put(gradient, "gradients", places.found[owner].offset)
    places.sizes["gradients"] = trained
    places.add("gradients", roles.totals)
    # an optimiser's states lie behind a shard's gradients
    shard = -(-places.sizes["gradients"] // CHUNK) * CHUNK
    for number, (state, owner) in enumerate(roles.states.items()):
        area = shard + number // len(roles.parameters) * trained
        places.put(state, "gradients", area + places.found[owner].offset)
    scalars = {COUNT.tensor: 0, **given}
    if len(set(scalars.values())) < len(scalars) or not set(scalars.values()) <= set(range(SCALARS)):
        raise FormulaError(f"a step has {SCALARS} places for numbers, too few for {', '.join(scalars)}")
    for name, at in scalars.items():
        places.put(name, "scalars", at)
    fixed = places.found.keys()
    shared = sharing(nests, tensors, roles.kept | fixed) if roles.kept is not None else {}
    places.add("arena", [name for name in sorted(tensors) if name not in fixed and name not in shared])
    for name, owner in shared.items():
        places.put(name, "arena", places.found[owner].offset)
    return Placement(places.found, places.sizes, trained)


class _Places:
    """Places given so far, and how far each space is filled."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = tensors
        self.found: dict[str, Tensor] = {}
        self.sizes = {"arena": 0, "parameters": 0, "gradients": 0, "scalars": SCALARS}

    def put(self, name: str, space: str, offset: int) -> None:
        """A tensor at a place; one of which no storage is known is a scalar."""
        tensor = self.tensors.get(name) or Tensor(name, space, (), (), ())
        self.found[name] = replace(tensor, space=space, offset=offset)

    def add(self, space: str, names: Sequence[str]) -> None:
        """Tensors one behind the other."""
        for name in names:
            self.put(name, space, self.sizes[space])
            self.sizes[space] += -(-self.found[name].size // STEP) * STEP

    def fill(self, space: str, step: int) -> int:
        """The space's size, rounded up."""
        self.sizes[space] = -(-self.sizes[space] // step) * step
        return self.sizes[space]
