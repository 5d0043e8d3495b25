"""From text to numbers and back: words, characters or byte pairs."""
