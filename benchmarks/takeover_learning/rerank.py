"""The control that learns nothing: a policy whose likeliest plans are ranked anew, at run time, by the rule score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.domain.perception import PerceptionSettings
from takead_ros.measures.episode_log import EpisodeLog
from takead_ros.measures.pdm import score_plans
from takead_ros.policy.encoding import LineCache
from takead_ros.policy.format import Observation
from takead_ros.policy.model import Policy
from takead_ros.runs.batched import DECIDE
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators import open_simulator
from takead_ros.simulators.perception import perception
from takead_training.data.scores import utility

LIKELIEST = 8  # plans that are ranked
PRIOR = 0.05  # of the rule score's 0..1 that a nat of the policy's own log-probability is worth


def drive_reranked(policy: Policy, scenario: Scenario, settings: PerceptionSettings) -> EpisodeLog:
    """Drive ``scenario`` in the vector world, deciding at 10 Hz as ``drive_batched`` does."""
    episode = open_simulator("vector").reset(scenario)
    eyes, lines = perception(settings, scenario, episode.step_s), LineCache()
    tick, command = 0, (0.0, 0.0)
    while not episode.done:
        scene = eyes.perceive(episode.observe())
        if tick % DECIDE == 0:
            command = decide(policy, Observation(scene, lines=lines))
        episode.step(*command)
        tick += 1
    return episode.outcome()


def decide(policy: Policy, observation: Observation) -> tuple[float, float]:
    """Steering angle rad and acceleration m/s^2 of the plan with the best score among the likeliest.

    What the others will do is not known at run time: everyone that is seen goes straight on.
    """
    out = policy.run(policy.format.encode(observation))
    answer = policy.format.decode(out, observation, policy.manifest)
    likeliest = np.argsort(-out["logits"], kind="stable")[:LIKELIEST]
    seen = replace(observation.scene, objects=observation.scene.objects.visible())
    rule = utility(score_plans(seen, [seen.objects], answer.candidates[likeliest]))
    value = rule + PRIOR * (out["logits"][likeliest] - out["logits"].max())
    best = int(likeliest[int(value.argmax())])
    if best != likeliest[0]:
        logits = out["logits"].copy()
        logits[best] = logits.max() + 1.0
        answer = policy.format.decode({**out, "logits": logits}, observation, policy.manifest)
    return answer.steering_angle, answer.acceleration
