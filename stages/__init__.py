"""The science: arrays in, arrays out. A folder is a room; no room knows another."""
