"""Going on with trained networks on other series."""

from collections.abc import Sequence
from dataclasses import replace

from ...data.frequency import Frequency
from ..network.network import Network
from ..options import Options
from ..plan import Plan

BY_ITSELF = "leave init out: fit takes the pretrained network in by itself"
SHARE = 0.3  # of the learning rate and of the updates of a training from nothing


def check_start(
    networks: Sequence[Network], known: Frequency, freq: Frequency, options: Options
) -> None:
    """Whether networks for ``known`` series can go on with ``freq`` ones, as ``options`` ask."""
    if not networks:
        raise ValueError(
            f"init must be a trained forecaster, got one with effort='instant'; {BY_ITSELF}"
        )
    shape = networks[0].shape
    if shape.h != options.h:
        raise ValueError(f"init forecasts h={shape.h} steps, this forecaster h={options.h}")
    if known != freq:
        raise ValueError(f"init is for {known} series, the data is {freq}")
    given = {
        "cell": (shape.cell, options.cell if options.cell != Options(1).cell else None),
        "hidden_size": (shape.hidden, options.hidden_size),
        "num_layers": (shape.layers, options.num_layers),
        "season_length": (shape.seasons, options.seasons or None),
    }
    for name, (theirs, ours) in given.items():
        if ours is not None and theirs != ours:
            raise ValueError(f"{name}: init has {theirs!r}, this forecaster asks for {ours!r}")


def continued(plan: Plan, networks: Sequence[Network], options: Options) -> Plan:
    """``plan`` with the networks' shape, and a training that only adapts them: what was learned
    before is kept where the new series do not say otherwise."""
    asked = plan.shape  # its categories and members are those of the networks, then new ones
    shape = replace(
        networks[0].shape,
        futr=asked.futr, hist=asked.hist, static=asked.static, members=asked.members,
    )  # fmt: skip
    train = replace(
        plan.train,
        learning_rate=options.learning_rate or SHARE * plan.train.learning_rate,
        steps=options.max_steps or max(round(SHARE * plan.train.steps), 1),
    )
    members = options.ensemble or len(networks)
    reason = (
        f"{len(networks)} trained network{'s' * (len(networks) > 1)} of {shape.layers} "
        f"{shape.cell} layers, {shape.hidden} wide, learn on: {train.steps} updates at most"
    )
    plan = replace(plan, synthetic=0, share=1.0)
    return replace(plan, shape=shape, members=members, train=train, reasons=(reason,))
