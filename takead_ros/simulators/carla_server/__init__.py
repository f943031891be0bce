"""A server that speaks CARLA's wire protocol to the unmodified client; no Unreal, no cameras (docs/carla_server.md)."""
