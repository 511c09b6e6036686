"""Mission profiles: a TOML file each, beside this one."""
