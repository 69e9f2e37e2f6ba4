"""Transfer learning: pretrained bases, their features, a linear head, open-set detection and fine-tuning."""
