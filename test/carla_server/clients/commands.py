"""Sends every command of the client's batches, one in each batch, also behind a spawn. Prints what came back."""

import json

import carla
from carla import command as c
from stepped import connected

client, world = connected()
library = world.get_blueprint_library()


def at(x: float, y: float, z: float = 0.2) -> carla.Transform:
    return carla.Transform(carla.Location(x, y, z))


car = world.spawn_actor(library.find("vehicle.tesla.model3"), at(-50.0, 1.75))
walker = world.spawn_actor(library.find("walker.pedestrian.0001"), at(-30.0, 8.0, 1.0))
world.tick()
push, audi = carla.Vector3D(0.0, 0.0, 1.0), library.find("vehicle.audi.tt")
sent = [
    c.SpawnActor(audi, at(-30.0, 1.75)).then(c.SetAutopilot(c.FutureActor, True, 8000)),
    c.SpawnActor(audi, at(-20.0, 1.75)).then(c.SetSimulatePhysics(c.FutureActor, False)),
    c.SpawnActor(library.find("sensor.other.imu"), at(0.0, 0.0), car),
    c.ApplyVehicleControl(car, carla.VehicleControl(throttle=0.1)),
    c.ApplyVehicleAckermannControl(car, carla.VehicleAckermannControl(speed=1.0)),
    c.ApplyWalkerControl(walker, carla.WalkerControl()),
    c.ApplyVehiclePhysicsControl(car, car.get_physics_control()),
    c.ApplyTransform(car, car.get_transform()),
    c.ApplyWalkerState(walker, walker.get_transform(), 1.0),
    c.ApplyTargetVelocity(car, push),
    c.ApplyTargetAngularVelocity(car, push),
    c.ApplyImpulse(car, push),
    c.ApplyForce(car, push),
    c.ApplyAngularImpulse(car, push),
    c.ApplyTorque(car, push),
    c.SetSimulatePhysics(car, True),
    c.SetEnableGravity(car, True),
    c.SetAutopilot(car, False),
    c.SetVehicleLightState(car, carla.VehicleLightState.Brake),
    c.DestroyActor(walker),
]
told: dict[str, str] = {}
for one in sent:
    (answer,) = client.apply_batch_sync([one], False)
    told[f"{len(told)} {type(one).__name__}"] = answer.error
world.tick()
names = sorted({name for name in dir(c) if isinstance(getattr(c, name), type)} - {type(one).__name__ for one in sent})
print(json.dumps({"errors": told, "not_sent": names}))
