"""Training that records: fine-tuning and probing, with the same artefacts."""
