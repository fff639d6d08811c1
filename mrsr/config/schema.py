"""The schema of an experiment: slotted, keyword-only dataclasses, which refuse a mistyped field where it is typed.

Annotations are real types here, not text: config_flags reads them to parse the overrides of a command line.
"""

from dataclasses import dataclass, field

from mrsr.config.data import DataConfig
from mrsr.config.losses import DiscriminatorConfig, LossConfig
from mrsr.config.model import ModelConfig
from mrsr.config.training import GateConfig, OptimizerConfig, StopConfig, TrainConfig
from mrsr.ladder import DEFAULT_RUNGS, Ladder, RouteSet


@dataclass(slots=True, kw_only=True)
class ExperimentConfig:
    """A whole experiment. `rungs` and `routes` are the ladder and what is trained on it (a preset's name or a list).

    A phase of training is such a config: pretraining, adversarial training and fine-tuning on faces differ in their
    losses, discriminators, data, learning rate and `train.init_from`, never in code.
    """

    name: str = "experiment"
    rungs: tuple[int, ...] = DEFAULT_RUNGS
    routes: str = "six"
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    discriminators: tuple[DiscriminatorConfig, ...] = ()
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    discriminator_optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    stop: StopConfig = field(default_factory=StopConfig)
    gate: GateConfig = field(default_factory=GateConfig)

    def ladder(self) -> Ladder:
        """The ladder. Raises `UserError` where the rungs are not ascending."""
        return Ladder(tuple(self.rungs))

    def route_set(self) -> RouteSet:
        """The routes that are trained. Raises `UserError` where one is not on the ladder."""
        return self.ladder().routes(self.routes)
