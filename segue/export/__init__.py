"""Models as files of other runtimes, each with a certificate that it is the model. `segue.inference.exported` exports."""
