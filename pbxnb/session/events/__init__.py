"""From the model's events to whoever wants them: globs and fields, bounded queues, the callback lane, streams."""
