"""CARLA through carla_ros_bridge: its topics in, ``scene`` out; ``command`` in, CarlaEgoVehicleControl out."""
