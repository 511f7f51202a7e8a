"""What outlives the monitor: its state, baselines, alarms, annotations."""
