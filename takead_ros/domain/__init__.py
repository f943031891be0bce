"""Types, units, frames and geometry shared by every layer. numpy only; no I/O, no clock, no globals."""
