"""The version of these modules; a test keeps it that of the engine."""

VERSION = "0.1.0"
