"""A drive for Foxglove, without ROS: streamed while it runs, or beside what a clip holds. Needs extra ``foxglove``."""
