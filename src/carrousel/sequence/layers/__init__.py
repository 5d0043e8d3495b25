"""What stands around the recurrent layers: the door, convolutions beside them, pooling."""
