"""What a person at a screen is shown, as a short list of plain shapes that RViz, Foxglove or matplotlib can draw."""
