"""What every network's heads share: the bins of the speed head and the units of the others."""

from __future__ import annotations

SPEED_BINS = (0.0, 1.0, 2.5, 4.0, 6.0, 8.0, 10.0, 12.5, 15.0, 20.0)  # m/s
REFINE_PACE, REFINE_OFFSET = 2.0, 1.0  # m/s, m: how far refinement may move an anchor's step
STEER_SCALE, ACCELERATION_SCALE = 0.5, 4.0  # rad, m/s^2: one unit of the control branch
