"""The themes, one TOML file each. Data only; this file keeps the folder a regular package."""
