"""The wire: cells and their codes, the diff, the driver, the way past the compositor, the first frame."""
