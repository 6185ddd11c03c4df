"""What stops a start: a wrong configuration, a database server that will not run.

Apart from what raises them, so that entry points can catch them while everything else still loads.
"""


class ConfigurationError(Exception):
    """One or more knobs are wrong or missing; the text names each of them and shows no value."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("The configuration is wrong:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = faults


class ServerError(RuntimeError):
    """The embedded database server could not be made, started or stopped; the text carries what it said last."""
