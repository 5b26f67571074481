"""The label doctor: what is wrong with a dataset's files and labels, and the config lines that mend it."""

from segue.doctor.doctor import Report, check_config, check_folder

__all__ = ["Report", "check_config", "check_folder"]
