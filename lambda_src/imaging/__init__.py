"""From bytes to the pixels a model sees: decoding, padding mask, resize, quality, overlay."""
