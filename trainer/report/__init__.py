"""Consumers of records: files, TensorBoard, the console. They know nothing of the training."""
