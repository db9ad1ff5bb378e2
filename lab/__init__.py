"""The emulated world: phones, places, time and networks, and the commands that show what happens in it."""
