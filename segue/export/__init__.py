"""Models as files of other runtimes, each with a certificate; `segue.inference.exported` makes them of a predictor."""
