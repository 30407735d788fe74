"""The live network over HTTP: events in, incidents and alarms out, and the page at ``/live/``."""
