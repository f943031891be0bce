"""Driving under the evaluator of CARLA's Leaderboard 2 or Bench2Drive: ``takead_agent.py`` is what it loads."""
