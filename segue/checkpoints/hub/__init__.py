"""Models of a hub that speaks the protocol of the library huggingface_hub: ``hf://org/name@revision``."""
